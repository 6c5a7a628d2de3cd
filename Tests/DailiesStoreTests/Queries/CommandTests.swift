import DailiesCore
import Testing

@testable import DailiesStore

/// Users' commands, written during a run and carried out by it.
struct CommandTests {
    private func commandStore(_ rig: Rig) throws -> Store { try Store.open(rig.scratch.path, for: .sendingCommands) }

    @Test(arguments: MutationTests.Progress.allCases)
    func `a cancel withdraws a task waiting under its number and nothing else`(progress: MutationTests.Progress) throws
    {
        let rig = try Rig()
        try rig.store.writeAndWait(progress.path(1).map { Mutation(at: rig.tick(), $0) })
        let before = try MutationTests.description(for: 1, in: rig.shell())
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let id = try commandStore(rig).enqueue(
            [NewCommand(.cancel(evenIfCharged: false), of: attempt)], at: rig.tick())[0]
        try rig.apply(.withdrawnByCommand(id, attempt))
        let isWaiting = progress == .waiting || progress == .notAccepted
        let outcome = try rig.store.outcomes(of: [id])[id]?.outcome
        let isOpen = [.submitting, .uncertain, .accepted, .guarded, .running, .lost].contains(progress)
        // The run that applies this does not have the attempt: it belongs to another provider.
        #expect(outcome == (isWaiting ? .withdrawn : isOpen ? .notCancelled : .alreadyOver))
        #expect(
            try MutationTests.description(for: 1, in: rig.shell())
                == (isWaiting ? "cancelled#1 code=cancelled" : before))
        #expect(try rig.store.problems() == [])
    }

    @Test(arguments: MutationTests.Progress.allCases, [false, true])
    func `a retry follows a settled attempt and nothing else`(progress: MutationTests.Progress, again: Bool) throws {
        let rig = try Rig()
        try rig.store.writeAndWait(progress.path(1).map { Mutation(at: rig.tick(), $0) })
        let before = try MutationTests.description(for: 1, in: rig.shell())
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let id = try commandStore(rig).enqueue([NewCommand(.retry(again: again), of: attempt)], at: rig.tick())[0]
        try rig.apply(.retriedByCommand(id, attempt, again: again))
        let follows: Bool =
            switch progress {
            case .failed, .failedUnpriced, .cancelled, .cancelledForGuard, .withdrawn: true
            case .completed, .missingCost, .noAsset, .unverified, .saved: again
            case .waiting, .notAccepted, .submitting, .uncertain, .accepted, .guarded, .running, .lost, .awaited,
                .cancelledAwaited, .secondWaiting:
                false
            }
        #expect(try rig.store.outcomes(of: [id])[id]?.outcome == (follows ? .requeued : .refused))
        let after = try MutationTests.description(for: 1, in: rig.shell())
        #expect(follows ? after.hasPrefix(progress == .withdrawn ? "queued#1" : "queued#2") : after == before)
        #expect(try rig.store.problems() == [])
    }

    @Test func `commands are read in order, once, and only after a write`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        #expect(
            try rig.store.pendingCommands(after: nil, isForced: true, at: Instant(milliseconds: 5)).commands.isEmpty)
        let other = try commandStore(rig)
        let attempts = [AttemptID(task: TaskID(1), number: 1), AttemptID(task: TaskID(2), number: 1)]
        let ids = try other.enqueue(
            [
                NewCommand(.cancel(evenIfCharged: true), of: attempts[0]),
                NewCommand(.retry(again: true), of: attempts[1]),
            ],
            at: rig.tick())
        let pending = try rig.store.pendingCommands(after: nil, isForced: false, at: Instant(milliseconds: 5))
        #expect(pending.commands.map(\.id) == ids && pending.commands.map(\.attempt) == attempts)
        #expect(pending.commands.map(\.order) == [.cancel(evenIfCharged: true), .retry(again: true)])
        #expect(pending.last == ids.last && !pending.isMore)
        #expect(
            try rig.store.pendingCommands(after: nil, isForced: false, at: Instant(milliseconds: 5)).commands.isEmpty,
            "nothing was written since")
        #expect(
            try rig.store.pendingCommands(after: ids[0], isForced: true, at: Instant(milliseconds: 5)).commands.map(
                \.id) == [ids[1]])
        try rig.apply(.commandEnded(ids[1], .refused, message: "no"))
        #expect(
            try rig.store.pendingCommands(after: nil, isForced: true, at: Instant(milliseconds: 5)).commands.map(\.id)
                == [ids[0]])
    }

    @Test func `the last command of each scope applies`() throws {
        let rig = try Rig()
        let other = try commandStore(rig)
        let (batch, model) = (PauseScope.batch(BatchID(1)), PauseScope.model(ModelID("veo")))
        for order in [
            ControlChange.pause(batch), .pause(model), .unpause(batch), .concurrency(8, model: nil),
            .concurrency(3, model: ModelID("veo")), .concurrency(9, model: nil),
        ] {
            _ = try other.enqueue(order, at: rig.tick())
        }
        var orders = try rig.store.runControls()
        #expect(orders.pauses == [model] && orders.concurrency == 9 && orders.modelConcurrency == [ModelID("veo"): 3])
        #expect(try rig.store.runControls(limitsAfter: rig.store.latestCommandID()).concurrency == nil)
        _ = try other.enqueue(.pause(batch), at: rig.tick())
        _ = try other.enqueue(.unpause(.everything), at: rig.tick())
        _ = try other.enqueue(.concurrency(nil, model: nil), at: rig.tick())
        orders = try rig.store.runControls()
        #expect(orders.pauses.isEmpty && orders.concurrency == nil)
    }

    @Test func `a command that a run has read is withdrawn only after the run has ended`() throws {
        let rig = try Rig()
        let other = try commandStore(rig)
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let first = try other.enqueue([NewCommand(.reconcile, of: attempt)], at: rig.tick())
        #expect(try rig.store.pendingCommands(after: nil, isForced: true, at: rig.tick()).commands.map(\.id) == first)
        let second = try other.enqueue([NewCommand(.cancel(evenIfCharged: true), of: attempt)], at: rig.tick())
        #expect(try other.revoke(first + second, evenIfStarted: false, at: rig.tick()) == 1)
        #expect(try rig.store.outcomes(of: first + second).mapValues(\.outcome) == [second[0]: .revoked])
        #expect(try rig.store.pendingCommands(after: first[0], isForced: true, at: rig.tick()).commands.isEmpty)
        #expect(try other.revoke(first, evenIfStarted: true, at: rig.tick()) == 0)
        #expect(try rig.store.pendingCommands(after: nil, isForced: true, at: rig.tick()).commands.isEmpty)
    }

    @Test func `a command ends once, and is kept`() throws {
        let rig = try Rig()
        let id = try commandStore(rig).enqueue(.pause(.everything), at: rig.tick())
        try commandStore(rig).revoke([id], evenIfStarted: false, at: rig.tick())
        try rig.apply(.commandEnded(id, .applied, message: nil))
        #expect(try rig.store.outcomes(of: [id])[id]?.outcome == .revoked)
        #expect(throws: (any Error).self) { try rig.shell().run("UPDATE command SET outcome = 'holds'") }
        #expect(throws: (any Error).self) { try rig.shell().run("DELETE FROM command") }
    }

    @Test func `a command is durable during a runner's writes`() throws {
        let rig = try Rig(tasks: (0..<50).map { Rig.spec("task-\($0)") })
        let other = try commandStore(rig)
        for task in 1...50 {
            rig.store.write([Mutation(at: rig.tick(), Steps.intent(Int64(task), key: "key-\(task)"))]) { _ in }
            _ = try other.enqueue(.pause(.everything), at: rig.tick())
        }
        try rig.store.drain()
        #expect(try rig.shell().one("SELECT count(*) FROM command") == "50")
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "50")
    }

    @Test func `a new seed replaces the request's and nothing else, until the request changes`() throws {
        let request = #"{"model":"sora-2-pro","prompt":"a \u00e9 \"fawn\"","seed":9223372036854775807,"x":1.50}"#
        func spec(_ text: String) -> TaskSpec {
            TaskSpec(
                key: TaskKey("a"),
                shape: RequestShape(model: ModelID("sora-2-pro"), durationSeconds: 8, resolution: nil), prompt: "p",
                request: CanonicalRequest(text: text), tags: [], priority: 0, output: nil)
        }
        let rig = try Rig(tasks: [spec(request)])
        func waiting() throws -> String? {
            try rig.store.waiting(batch: rig.batch, model: ModelID("sora-2-pro"), after: nil, limit: 1).first?.request
                .text
        }
        #expect(try waiting() == request)
        try rig.apply(.reseeded(TaskID(1), 7))
        #expect(try waiting() == request.replacing("9223372036854775807", with: "7"))
        let row = try #require(try rig.store.task(TaskID(1)))
        #expect(row.listedRequest.text == request)
        #expect(try row.request.text == waiting())
        // The same manifest again changes nothing; a new request uses its own seed.
        _ = try rig.importManifest([spec(request)])
        #expect(try waiting()?.contains(#""seed":7,"#) == true)
        let changed = request.replacing("fawn", with: "stag")
        _ = try rig.importManifest([spec(changed)], ImportOptions(acceptChanges: true))
        #expect(try waiting() == changed)
        try rig.apply(Steps.intent())
        #expect(throws: StoreError.self) { try rig.apply(.reseeded(TaskID(1), 8)) }
    }

    @Test func `a retry with a new seed is one step`() throws {
        let rig = try Rig()
        try rig.store.writeAndWait(MutationTests.Progress.failed.path(1).map { Mutation(at: rig.tick(), $0) })
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let order = NewCommand(.retry(again: false, newSeed: 5), of: attempt)
        let id = try commandStore(rig).enqueue([order], at: rig.tick())[0]
        let pending = try rig.store.pendingCommands(after: nil, isForced: true, at: Instant(milliseconds: 5)).commands
        #expect(pending.map(\.order) == [.retry(again: false, newSeed: 5)])
        try rig.apply(.retriedByCommand(id, attempt, again: false, newSeed: 5))
        #expect(try rig.store.task(TaskID(1))?.request.text.contains(#""seed":5"#) == true)
        #expect(try rig.shell().one("SELECT message FROM event WHERE kind = 'reseeded'") == "5")
    }
}
