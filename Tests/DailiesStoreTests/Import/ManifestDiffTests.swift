import DailiesCore
import Testing

@testable import DailiesStore

/// The basis of plans and budgets.
struct ManifestDiffTests {
    private static let acme = TaskSpec.Tag(name: "client", value: "ac\"me=1")

    @Test func `the budget mode is stored with the batch and applies to its tags`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")], budget: .cap(Steps.credits("5")))
        #expect(try rig.store.budgetPosition(rig.batch).mode == .cautious)
        try rig.store.setTagBudget(rig.batch, Self.acme, Steps.credits("9"), at: rig.tick())
        for _ in 1...2 { try rig.store.setBudget(rig.batch, .unchanged, mode: .hard, at: rig.tick()) }
        try rig.store.setBudget(rig.batch, .cap(Steps.credits("6")), at: rig.tick())
        _ = try rig.importManifest([Rig.spec("a")])
        #expect(try rig.store.budgetPosition(rig.batch).mode == .hard)
        #expect(try rig.store.tagBudgets(rig.batch).map(\.position.mode) == [.hard])
        #expect(try rig.store.batches().map(\.budgetMode) == [.hard])
        #expect(try rig.shell().rows("SELECT message FROM event WHERE kind = 'budget_mode_set'") == ["hard"])
    }

    @Test func `a tag's budget counts only its tasks, over all their attempts`() throws {
        let rig = try Rig(tasks: [
            Rig.spec("a", tags: [Self.acme]), Rig.spec("b"), Rig.spec("c", tags: [Self.acme]), Rig.spec("d"),
            Rig.spec("e", tags: [Self.acme]),
        ])
        #expect(try rig.store.tagBudgets(rig.batch) == [])
        try rig.store.setTagBudget(rig.batch, Self.acme, Steps.credits("9"), at: rig.tick())
        try rig.apply(
            Steps.intent(1), Steps.accepted(1), Steps.settled(.completed, 1, charges: [Steps.amount("0.1")]),
            Steps.intent(2), Steps.accepted(2), Steps.settled(.completed, 2, charges: [Steps.amount("7")]),
            Steps.intent(3, reserved: "2"))
        let budget = try #require(try rig.store.tagBudgets(rig.batch).first)
        #expect(budget.label == "client=ac\"me=1" && budget.position.cap == Steps.credits("9"))
        #expect(budget.position.settled.description == "0.1" && budget.position.reserved.description == "2")
        #expect(try rig.store.tagPosition(rig.batch, Self.acme).settled.description == "0.1")

        let open = try rig.store.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        #expect(open.filter { $0.attempt.task == TaskID(3) }.map(\.tagBudgets) == [[budget.id]])
        #expect(open.allSatisfy { $0.attempt.task != TaskID(2) || $0.tagBudgets == [] })
        let waiting = try rig.store.waiting(
            batch: rig.batch, model: ModelID("sora-2-pro"), after: nil, limit: 10)
        #expect(waiting.map(\.tagBudgets) == [[], [budget.id]])
    }

    @Test func `a tag's budget can be raised and removed, and setting the same value again records no event`() throws {
        let rig = try Rig()
        for cap in ["9", "9", "12"] {
            try rig.store.setTagBudget(rig.batch, Self.acme, Steps.credits(cap), at: rig.tick())
        }
        try rig.store.setTagBudget(rig.batch, Self.acme, nil, at: rig.tick())
        #expect(try rig.store.tagBudgets(rig.batch) == [])
        let told = try rig.shell().rows("SELECT message FROM event WHERE kind = 'tag_budget_set' ORDER BY id")
        #expect(told.map { $0.split(separator: " ").last } == ["9", "12", "none"])
        #expect(try rig.store.problems() == [])
    }

    @Test func `a store's revision changes with every record and with nothing else`() throws {
        let rig = try Rig()
        let before = try rig.store.revision()
        #expect(before != .empty)
        _ = try rig.store.summary()
        #expect(try rig.store.revision() == before)
        try rig.apply(Steps.intent())
        let sent = try rig.store.revision()
        #expect(sent != before)
        try rig.store.setBudget(rig.batch, .cap(Steps.credits("5")), at: rig.tick())
        #expect(try rig.store.revision() != sent)
        #expect(try Rig().store.revision() != rig.store.revision())
    }
}
