import DailiesCore
import Dispatch
import Testing

@testable import DailiesStore

/// The budgets' rows guard each new attempt, whatever its runner expects.
struct ReservationTests {
    private static let acme = TaskSpec.Tag(name: "client", value: "acme")

    /// Two tasks with a tag, then two without.
    private func rig(_ budget: String? = nil, tag: String? = nil, mode: BudgetMode = .cautious) throws -> Rig {
        let rig = try Rig(
            tasks: [
                Rig.spec("a", tags: [Self.acme]), Rig.spec("b", tags: [Self.acme]), Rig.spec("c"), Rig.spec("d"),
            ], budget: budget.map { .cap(Steps.credits($0)) } ?? .unchanged)
        try rig.store.setBudget(rig.batch, .unchanged, mode: mode, at: rig.tick())
        if let tag { try rig.store.setTagBudget(rig.batch, Self.acme, Steps.credits(tag), at: rig.tick()) }
        return rig
    }

    private func refusal(of step: Mutation.Kind, by store: Store, _ rig: Rig) throws -> StoreError.Kind? {
        let before = try rows(rig)
        do throws(StoreError) {
            try store.writeAndWait([Mutation(at: rig.tick(), step)])
            return nil
        } catch {
            #expect(try rows(rig) == before)
            return error.kind
        }
    }

    private func rows(_ rig: Rig) throws -> [String] {
        let shell = try rig.shell()
        return try ["batch_total", "tag_budget", "task", "attempt", "event"].flatMap {
            try shell.rows("SELECT * FROM \($0)")
        }
    }

    @Test func `of two writers that both expect room, the second is refused by the batch's row`() throws {
        let rig = try rig("5")
        let other = try Store.open(rig.scratch.path, for: .running)
        let expected = try [rig.store, other].map { try $0.budgetPosition(rig.batch) }
        #expect(expected.allSatisfy { Budget(position: $0).verdict(for: Steps.credits("3")) == .allowed })
        #expect(try refusal(of: Steps.intent(1, reserved: "3"), by: rig.store, rig) == nil)
        #expect(try refusal(of: Steps.intent(2, reserved: "3"), by: other, rig) == .overBudget)
        #expect(try refusal(of: Steps.intent(2, reserved: "2.000000001"), by: other, rig) == .overBudget)
        #expect(try refusal(of: Steps.intent(2, reserved: "2"), by: other, rig) == nil)
        #expect(try refusal(of: Steps.intent(3, reserved: "0.000000001"), by: rig.store, rig) == .overBudget)
        // What is released may be reserved again.
        try rig.apply(Steps.accepted(1, reserved: "3"), Steps.settled(.completed, 1, charges: [Steps.amount("2.5")]))
        #expect(try refusal(of: Steps.intent(3, reserved: "0.500000001"), by: other, rig) == .overBudget)
        #expect(try refusal(of: Steps.intent(3, reserved: "0.5"), by: other, rig) == nil)
        #expect(try rig.store.budgetPosition(rig.batch).settled == CreditTotal(Steps.credits("2.5")))
        #expect(try rig.store.budgetPosition(rig.batch).reserved == CreditTotal(Steps.credits("2.5")))
        #expect(try rig.store.problems() == [])
    }

    @Test func `a tag's row refuses what its budget does not cover, and other tasks pass`() throws {
        let rig = try rig("100", tag: "5")
        let other = try Store.open(rig.scratch.path, for: .running)
        #expect(try refusal(of: Steps.intent(1, reserved: "3"), by: rig.store, rig) == nil)
        #expect(try refusal(of: Steps.intent(2, reserved: "3"), by: other, rig) == .overBudget)
        #expect(try refusal(of: Steps.intent(3, reserved: "50"), by: other, rig) == nil)
        let position = try #require(try rig.store.tagBudgets(rig.batch).first).position
        #expect(position.reserved == CreditTotal(Steps.credits("3")) && position.settled == .zero)
        #expect(try rig.store.problems() == [])
    }

    @Test(arguments: [BudgetMode.soft, .hard])
    func `without caution only spent credits count`(_ mode: BudgetMode) throws {
        let rig = try rig("5", mode: mode)
        #expect(try refusal(of: Steps.intent(1, reserved: "9"), by: rig.store, rig) == nil)
        try rig.apply(Steps.accepted(1), Steps.settled(.completed, 1, charges: [Steps.amount("4.999999999")]))
        #expect(try refusal(of: Steps.intent(2, reserved: "9"), by: rig.store, rig) == nil)
        try rig.apply(Steps.accepted(2), Steps.settled(.completed, 2, charges: [Steps.amount("0.000000001")]))
        #expect(try refusal(of: Steps.intent(3, reserved: "1"), by: rig.store, rig) == .overBudget)
    }

    @Test func `an unknown price fits only without a cap`() throws {
        let rig = try rig()
        #expect(try refusal(of: Steps.intent(1, reserved: nil), by: rig.store, rig) == nil)
        try rig.store.setBudget(rig.batch, .cap(Steps.credits("5")), at: rig.tick())
        #expect(try refusal(of: Steps.intent(2, reserved: nil), by: rig.store, rig) == .overBudget)
    }

    @Test func `a refused intent fails alone, and its group is committed`() throws {
        let rig = try rig("3")
        let outcomes = Locked<[StoreError.Kind?]>([])
        rig.store.queue.suspend()
        for task in Int64(1)...3 {
            rig.store.write([Mutation(at: rig.tick(), Steps.intent(task, reserved: task == 2 ? "2" : "1"))]) { result in
                let kind: StoreError.Kind? = if case .failure(let error) = result { error.kind } else { nil }
                outcomes.withLock { $0.append(kind) }
            }
        }
        rig.store.write([Mutation(at: rig.tick(), Steps.intent(4, reserved: "1"))]) { _ in }
        rig.store.queue.resume()
        try rig.store.drain()
        #expect(outcomes.withLock { $0 } == [nil, nil, .overBudget])
        #expect(try rig.store.budgetPosition(rig.batch).reserved == CreditTotal(Steps.credits("3")))
    }

    @Test func `a tag's use follows its tasks when a manifest changes their tags`() throws {
        let rig = try rig(tag: "9")
        try rig.apply(Steps.intent(1, reserved: "2"), Steps.intent(3, reserved: "3"))
        func reserved() throws -> CreditTotal? { try rig.store.tagBudgets(rig.batch).first?.position.reserved }
        #expect(try reserved() == CreditTotal(Steps.credits("2")))
        _ = try rig.importManifest([
            Rig.spec("a"), Rig.spec("b", tags: [Self.acme]), Rig.spec("c", tags: [Self.acme]), Rig.spec("d"),
        ])
        #expect(try reserved() == CreditTotal(Steps.credits("3")))
        #expect(try rig.store.tagPosition(rig.batch, Self.acme).reserved == CreditTotal(Steps.credits("3")))
        // A budget that was removed counts again from its attempts.
        try rig.store.setTagBudget(rig.batch, Self.acme, nil, at: rig.tick())
        try rig.apply(Steps.accepted(3), Steps.settled(.completed, 3, charges: [Steps.amount("1")]))
        try rig.store.setTagBudget(rig.batch, Self.acme, Steps.credits("7"), at: rig.tick())
        #expect(try rig.store.tagBudgets(rig.batch).first?.position.settled == CreditTotal(Steps.credits("1")))
        #expect(try rig.store.problems() == [])
    }

    @Test func `an import sums up nothing but the tasks whose tags it changes`() throws {
        let rig = try rig(tag: "9")
        try rig.apply(Steps.intent(1, reserved: "2"), Steps.intent(2, reserved: "0.5"))
        // A sum over all tasks of the tag would correct this.
        try rig.shell().run("UPDATE tag_budget SET reserved_whole = reserved_whole + 100")
        func reserved() throws -> String? { try rig.store.tagBudgets(rig.batch).first?.position.reserved.description }
        let (c, d) = (Rig.spec("c"), Rig.spec("d"))
        _ = try rig.importManifest([
            Rig.spec("a", tags: [Self.acme]), Rig.spec("b", tags: [Self.acme]), c, d, Rig.spec("e", tags: [Self.acme]),
        ])
        #expect(try reserved() == "102.5")
        let shot = TaskSpec.Tag(name: "shot", value: "7")
        _ = try rig.importManifest([Rig.spec("a", tags: [Self.acme, shot]), Rig.spec("b"), c, d])
        #expect(try reserved() == "102")
    }

    @Test func `wrong totals of a tag are reported`() throws {
        let rig = try rig(tag: "9")
        try rig.shell().run("UPDATE tag_budget SET settled_whole = 1")
        #expect(try rig.store.problems() == ["the totals of client=acme in batch 1 are not the sums of its attempts"])
    }

    @Test func `a batch without totals is reported`() throws {
        let rig = try rig()
        try rig.shell().run("DELETE FROM batch_total")
        #expect(try rig.store.problems() == ["batch 1 has no totals"])
    }
}
