import DailiesCore
import Testing

@testable import DailiesStore

/// Attempts of unavailable API keys.
struct AccountTests {
    private static let old = KeyFingerprint("0123456789ab")
    private static let new = KeyFingerprint("ba9876543210")
    private static let book = APIKeyRouting(byPrefix: ["": new])

    private func rig() throws -> Rig {
        try Rig(tasks: (1...6).map { Rig.spec("\($0)") })
    }

    /// An intent under the new key.
    private static func intent(_ task: Int64, number: Int = 1) -> Mutation.Kind {
        guard case .intent(let intent) = Steps.intent(task, number) else { preconditionFailure("an intent is one") }
        let old = intent.submission
        let submission = Submission(
            attempt: old.attempt, key: old.key, model: old.model, dialect: old.dialect, account: new, body: old.body)
        return .intent(Intent(submission: submission, reserved: intent.reserved))
    }

    /// Being submitted, uncertain, accepted, not saved, saved without its cost, and saved.
    private func send(_ rig: Rig) throws {
        func id(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }
        for task in Int64(1)...6 { try rig.apply(Steps.intent(task)) }
        try rig.apply(.uncertain(id(2), Steps.fault))
        for task in Int64(3)...6 { try rig.apply(Steps.accepted(task)) }
        try rig.apply(Steps.settled(.completed, 4))
        try rig.apply(Steps.settled(.completed, 5, charges: [], awaited: true), Steps.saved(5))
        try rig.apply(Steps.settled(.completed, 6), Steps.saved(6))
    }

    private func transferAttempts(_ rig: Rig, to book: APIKeyRouting = book) throws -> [KeyTransfer] {
        try rig.store.transferAttempts(to: book, provider: "bytespike", baseURL: "https://api.example", at: rig.tick())
    }

    @Test func `unfinished attempts need the key that sent them, and finished ones need none`() throws {
        let rig = try rig()
        try send(rig)
        #expect(try rig.store.keyNeeds(present: [Self.new]) == [MissingKey(account: Self.old, clips: 5)])
        #expect(try rig.store.keyNeeds(present: [Self.new], in: []) == [])
        #expect(try rig.store.keyNeeds(present: [Self.new], of: TaskID(6)) == [])
        #expect(try rig.store.keyNeeds(present: [Self.new], of: TaskID(3)).map(\.clips) == [1])
        #expect(try rig.store.keyNeeds(present: [Self.new, Self.old]) == [])
    }

    @Test func `without an available key the key of a model's latest attempt counts as available`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b"), Rig.spec("c", model: "veo-3.1")])
        try rig.apply(Steps.intent(1), Steps.accepted(1))
        #expect(try rig.store.keyNeeds(present: nil) == [])
        // Another model's separate key does not make the first one unavailable.
        try rig.apply(Steps.intent(3, model: "veo-3.1"), Steps.accepted(3))
        try Shell(rig.scratch.path).run(
            "UPDATE attempt SET key_fingerprint = 'cccccccccccc' WHERE task = 3")
        #expect(try rig.store.keyNeeds(present: nil) == [])
        try rig.apply(Self.intent(2))
        #expect(try rig.store.keyNeeds(present: nil) == [MissingKey(account: Self.old, clips: 1)])
    }

    @Test func `handing over moves unfinished attempts once, with an event each, and nothing else`() throws {
        let rig = try rig()
        try send(rig)
        let before = try rig.store.attempts(of: TaskID(6))
        #expect(try transferAttempts(rig) == [KeyTransfer(from: Self.old, to: Self.new, clips: 5)])
        #expect(try rig.store.keyNeeds(present: [Self.new]) == [])
        #expect(try rig.store.attempts(of: TaskID(6)) == before)
        let open = try rig.store.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        #expect(open.count == 5 && open.allSatisfy { $0.isTransferred && $0.submission.account == Self.new })
        let events = try rig.store.events(of: TaskID(2)).filter { $0.kind == "handed_over" }
        #expect(events.map(\.message) == ["0123456789ab to ba9876543210"] && events.map(\.source) == ["user"])
        #expect(try rig.store.events(of: TaskID(6)).allSatisfy { $0.kind != "handed_over" })
        #expect(try transferAttempts(rig) == [])

        // Handed back to the sending key they are unchanged.
        #expect(try transferAttempts(rig, to: APIKeyRouting(byPrefix: ["": Self.old])).map(\.clips) == [5])
        let back = try rig.store.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        #expect(back.count == 5 && back.allSatisfy { !$0.isTransferred && $0.submission.account == Self.old })
    }

    @Test func `attempts of unknown cost are handed over too but do not need a key`() throws {
        let rig = try Rig()
        let attempt = AttemptID(task: TaskID(1), number: 1)
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed, charges: [], awaited: true))
        try rig.apply(Steps.saved(1), .costUnknown(attempt))
        #expect(try rig.store.keyNeeds(present: [Self.new]) == [])
        #expect(try transferAttempts(rig).map(\.clips) == [1])
        #expect(try rig.store.attemptsWithoutCost(limit: 9).map(\.account) == [Self.new])
    }

    @Test func `attempts that cannot be handed over keep their key`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b"), Rig.spec("c", model: "veo-3.1")])
        try rig.apply(Steps.intent(1), Steps.accepted(1))
        try rig.apply(Steps.intent(3, model: "veo-3.1"), Steps.accepted(3))
        // Under the new key another attempt has the task of the first.
        try rig.apply(Self.intent(2))
        try Shell(rig.scratch.path).run(
            "UPDATE attempt SET task_id = 'remote-1-1', accepted_at_ms = 1, accepted_by = 'reply' WHERE task = 2")
        #expect(try transferAttempts(rig, to: APIKeyRouting(byPrefix: ["sora": Self.new])) == [])
        #expect(try rig.store.keyNeeds(present: [Self.new]) == [MissingKey(account: Self.old, clips: 2)])
        let elsewhere = try rig.store.transferAttempts(
            to: Self.book, provider: "bytespike", baseURL: "https://other.example", at: rig.tick())
        #expect(elsewhere == [])
    }

    @Test func `a handover that is not durable did not happen`() throws {
        let rig = try rig()
        try send(rig)
        rig.faults.plan(.crashesBefore, atCommit: rig.faults.commits + 1)
        #expect(throws: StoreError.self) { try transferAttempts(rig) }
        try rig.store.close()
        let store = try Store.open(rig.scratch.path, for: .running)
        #expect(try store.keyNeeds(present: [Self.new]) == [MissingKey(account: Self.old, clips: 5)])
        #expect(try store.events(of: TaskID(2)).allSatisfy { $0.kind != "handed_over" })
        try store.close()
    }
}
