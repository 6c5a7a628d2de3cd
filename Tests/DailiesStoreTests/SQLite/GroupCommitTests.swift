import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

/// The results that callers received, in order.
private final class NotifiedCalls: Sendable {
    private let list = Locked<[String]>([])
    func note(_ name: String) -> @Sendable (Result<[MutationOutcome], StoreError>) -> Void {
        { result in
            let word =
                switch result {
                case .success: "done"
                case .failure(let error): "\(error.kind)"
                }
            self.list.withLock { $0.append("\(name) \(word)") }
        }
    }
    var all: [String] { list.withLock { $0 } }
}

struct GroupCommitTests {
    private static func tasks(_ count: Int) -> [TaskSpec] { (1...count).map { Rig.spec("task-\($0)") } }

    private func intents(_ tasks: Int64...) -> [Mutation] {
        tasks.map { Mutation(at: Instant(milliseconds: 2_000_000), Steps.intent($0)) }
    }

    /// Queues everything while the store is busy, so that it is one group.
    private func together(_ rig: Rig, _ body: () -> Void) throws {
        try rig.store.onQueue { () throws(StoreError) in body() }
        try rig.store.drain()
    }

    @Test func `waiting calls share one commit and are notified in order`() throws {
        let rig = try Rig(tasks: Self.tasks(50))
        let notified = NotifiedCalls()
        let before = rig.faults.commits
        try together(rig) {
            for task in 1...50 { rig.store.write(self.intents(Int64(task)), then: notified.note("\(task)")) }
        }
        #expect(notified.all == (1...50).map { "\($0) done" })
        #expect(rig.faults.commits == before + 1)
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "50")
    }

    @Test func `a transaction has up to 500 changes, and a larger call is still one`() throws {
        let rig = try Rig(tasks: Self.tasks(700))
        let notified = NotifiedCalls()
        let before = rig.faults.commits
        try together(rig) {
            for task in 1...501 { rig.store.write(self.intents(Int64(task)), then: notified.note("\(task)")) }
        }
        #expect(rig.faults.commits == before + 2)
        let large = (1...501).map {
            Mutation(at: Instant(milliseconds: 3), .note(AttemptID(task: TaskID($0), number: 1), kind: "n", text: "t"))
        }
        try together(rig) { rig.store.write(large, then: notified.note("large")) }
        #expect(rig.faults.commits == before + 3)
        #expect(notified.all.last == "large done")
    }

    @Test func `a call that does not apply fails completely and alone`() throws {
        let rig = try Rig(tasks: Self.tasks(4))
        let notified = NotifiedCalls()
        try together(rig) {
            rig.store.write(self.intents(1), then: notified.note("first"))
            rig.store.write(self.intents(2, 3, 1), then: notified.note("second"))
            rig.store.write(self.intents(4), then: notified.note("third"))
        }
        #expect(notified.all == ["first done", "second conflict", "third done"])
        #expect(try rig.shell().rows("SELECT task FROM attempt") == ["1", "4"])
        #expect(try rig.store.problems() == [])
    }

    @Test func `a failed commit fails every call of its transaction and leaves nothing`() throws {
        let rig = try Rig(tasks: Self.tasks(3))
        let notified = NotifiedCalls()
        rig.faults.plan(.fails(StoreError(.full, "the disk is full")), atCommit: rig.faults.commits + 1)
        try together(rig) {
            rig.store.write(self.intents(1), then: notified.note("first"))
            rig.store.write(self.intents(1), then: notified.note("second"))
            rig.store.write(self.intents(2), then: notified.note("third"))
        }
        #expect(notified.all == ["first full", "second conflict", "third full"])
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "0")
        try rig.apply(Steps.intent(3))
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "1")
    }

    @Test func `a full disk is reported, and nothing of the write remains`() throws {
        let rig = try Rig(tasks: Self.tasks(3))
        try rig.store.onQueue { () throws(StoreError) in
            let database = try rig.store.connection()
            let pages: Int = try database.value("PRAGMA page_count") ?? 0
            _ = try database.value("PRAGMA max_page_count = \(pages)") as Int?
        }
        let large = Rig.spec("large", prompt: String(repeating: "pine ", count: 20_000))
        let error = #expect(throws: ImportError.self) { try rig.importManifest([large]) }
        guard case .store(let cause) = error else {
            Issue.record("refused as \(String(describing: error))")
            return
        }
        #expect(cause.kind == .full)
        #expect(try rig.shell().one("SELECT count(*) FROM task") == "3")
        try rig.store.onQueue { () throws(StoreError) in
            _ = try rig.store.connection().value("PRAGMA max_page_count = 1000000") as Int?
        }
        try rig.apply(Steps.intent(1))
    }

    @Test func `after a failed sync nothing more is written until the store is opened again`() throws {
        let rig = try Rig(tasks: Self.tasks(2))
        try rig.apply(Steps.intent(1))
        try rig.store.onQueue { () throws(StoreError) in rig.store.permanentFailure = StoreError(.io, "sync failed") }
        let error = #expect(throws: StoreError.self) { try rig.apply(Steps.intent(2)) }
        #expect(error?.message == "sync failed")
        let again = try Store.open(rig.scratch.path, for: .running)
        try again.writeAndWait(intents(2))
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "2")
    }

    @Test func `a blocking call sees and follows earlier queued calls`() throws {
        let rig = try Rig(tasks: Self.tasks(2))
        let notified = NotifiedCalls()
        rig.store.write(intents(1), then: notified.note("first"))
        try rig.store.writeAndWait(intents(2))
        #expect(notified.all == ["first done"])
        rig.store.write([Mutation(at: rig.tick(), Steps.accepted(1))], then: notified.note("second"))
        #expect(try rig.store.summary().total.accepted == 1)
    }

    @Test func `a read sees all earlier queued calls, whatever the number of transactions`() throws {
        let rig = try Rig(tasks: Self.tasks(1200))
        let notified = NotifiedCalls()
        try rig.store.onQueue { () throws(StoreError) in
            for task in 1...1200 { rig.store.write(self.intents(Int64(task)), then: notified.note("\(task)")) }
        }
        #expect(try rig.store.summary().total.submitting == 1200)
        #expect(notified.all.count == 1200)
    }

    @Test func `many threads write without losing or mixing data`() throws {
        let rig = try Rig(tasks: Self.tasks(400))
        let notified = NotifiedCalls()
        let store = rig.store
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for task in 0..<50 {
                let task = Int64(thread * 50 + task + 1)
                let changes = [Steps.intent(task), Steps.accepted(task)]
                store.write(
                    changes.map { Mutation(at: Instant(milliseconds: 5), $0) }, then: notified.note("\(thread)"))
            }
        }
        try rig.store.drain()
        #expect(notified.all.count == 400)
        #expect(notified.all.allSatisfy { $0.hasSuffix("done") })
        #expect(try rig.store.summary().total.accepted == 400)
        #expect(try rig.store.problems() == [])
    }

    @Test func `a then may read and queue more calls`() throws {
        let rig = try Rig(tasks: Self.tasks(2))
        let notified = NotifiedCalls()
        let seen = Locked(0)
        let store = rig.store
        let next = intents(2)
        store.write(intents(1)) { _ in
            // An error would leave the count at 0, which fails the test.
            let count = (try? store.summary().total.submitting) ?? 0
            seen.withLock { $0 = count }
            store.write(next, then: notified.note("second"))
        }
        try store.drain()
        try store.drain()
        #expect(seen.withLock { $0 } == 1)
        #expect(notified.all == ["second done"])
    }
}

/// A frozen store simulates a killed process.
struct CrashTests {
    @Test(arguments: [true, false])
    func `after a crash at a commit all acknowledged commits are there, and up to one more`(
        isCommitted: Bool
    ) throws {
        let rig = try Rig(tasks: (1...3).map { Rig.spec("task-\($0)") })
        let notified = NotifiedCalls()
        try rig.apply(Steps.intent(1))
        rig.faults.plan(isCommitted ? .crashesAfter : .crashesBefore, atCommit: rig.faults.commits + 1)
        rig.store.write([Mutation(at: rig.tick(), Steps.intent(2))], then: notified.note("second"))
        try rig.store.drain()
        rig.store.write([Mutation(at: rig.tick(), Steps.intent(3))], then: notified.note("third"))
        try rig.store.drain()
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent(3)) }
        #expect(throws: ImportError.self) { try rig.importManifest([Rig.spec("new")]) }
        #expect(rig.faults.hasCrashed)
        #expect(notified.all == [])
        let restarted = try Store.open(rig.scratch.path, for: .running)
        let open = try restarted.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        #expect(open.map(\.attempt.task.rawValue) == (isCommitted ? [1, 2] : [1]))
        #expect(open.allSatisfy { $0.progress == .sent(isMarkedUncertain: false) })
        #expect(try restarted.problems() == [])
    }

    @Test func `freezing at any time stops everything`() throws {
        let rig = try Rig()
        let notified = NotifiedCalls()
        rig.faults.crash()
        rig.store.write([Mutation(at: rig.tick(), Steps.intent())], then: notified.note("first"))
        try rig.store.drain()
        #expect(notified.all == [])
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "0")
    }
}
