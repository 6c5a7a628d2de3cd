import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

struct ReadingTests {
    private static let provider = (name: "bytespike", baseURL: "https://api.example")

    @Test func `waiting tasks come by priority, then in manifest order, page by page`() throws {
        let priorities = [0, 5, 0, -3, 5, 0, 9, -3]
        let rig = try Rig(tasks: priorities.enumerated().map { Rig.spec("task-\($0.offset)", priority: $0.element) })
        for size in 1...9 {
            var seen: [WaitingTask] = []
            var page: [WaitingTask]
            repeat {
                page = try rig.store.waiting(
                    batch: rig.batch, model: ModelID("sora-2-pro"), after: seen.last?.place, limit: size)
                #expect(page.count <= size)
                seen += page
            } while !page.isEmpty
            #expect(seen.map(\.id.rawValue) == [7, 2, 5, 1, 3, 6, 4, 8], "pages of \(size)")
            #expect(seen.map(\.place) == seen.map(\.place).sorted())
        }
    }

    @Test func `a page contains only waiting tasks of its queue`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b", model: "veo-3"), Rig.spec("c"), Rig.spec("d")])
        try rig.apply(Steps.intent(1), .withdrawn(TaskID(4), .cancelled))
        let page = try rig.store.waiting(batch: rig.batch, model: ModelID("sora-2-pro"), after: nil, limit: 10)
        #expect(page.map(\.key.text) == ["c"])
        #expect(page.first?.request == Rig.spec("c").request)
        #expect(page.first?.shape == Rig.spec("c").shape)
        #expect(page.first?.attempt == 1)
    }

    @Test func `a task whose later take completed counts once, saved or not, whatever its earlier takes are`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed))
        var total = try rig.store.summary().total
        #expect(total.saved == 0 && total.unsaved == 1)
        try rig.store.retake([TaskID(1)], at: rig.tick())
        total = try rig.store.summary().total
        #expect(total.saved == 0 && total.unsaved == 1, "it waits again")
        try rig.apply(Steps.intent(1, 2), Steps.accepted(1, 2), Steps.settled(.completed, 1, 2))
        total = try rig.store.summary().total
        #expect(total.saved == 0 && total.unsaved == 2 && total.states == [.completed: 1])
        let clip = SavedClip(path: "/clips/a.mp4", sha256: String(repeating: "0", count: 64), bytes: 1)
        try rig.apply(.saved(AttemptID(task: TaskID(1), number: 2), clip))
        total = try rig.store.summary().total
        #expect(total.saved == 1 && total.unsaved == 1)
    }

    @Test func `queues are the pairs with waiting tasks`() throws {
        let rig = try Rig(tasks: ["m1", "m3", "m2", "m1", "m4"].enumerated().map { Rig.spec("t\($0)", model: $1) })
        let other = try rig.importManifest([Rig.spec("x", model: "m9")], manifest: Rig.manifest("other", path: "/o"))
            .batch
        try rig.apply(.withdrawn(TaskID(5), .cancelled))
        let queues = try rig.store.taskQueues(batches: [rig.batch, other])
        #expect(queues.map(\.model.text) == ["m1", "m2", "m3", "m9"])
        #expect(queues.map(\.batch) == [rig.batch, rig.batch, rig.batch, other])
    }

    @Test func `a new run finds attempts that a guard wants cancelled, and counts them once they wait again`()
        throws
    {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let attempt = AttemptID(task: TaskID(1), number: 1)
        try rig.apply(Steps.intent(), Steps.accepted(), .cancelWanted(attempt, .quote))
        let open = try rig.store.openAttempts(provider: Self.provider.name, baseURL: Self.provider.baseURL)
        #expect(open.map(\.cancelReason) == [.quote] && open.first?.estimate == Steps.credits("1.25"))
        #expect(try rig.store.summary().total.heldBack == [:])
        let settlement = Settlement(end: .cancelled, charges: [.notBilled])
        try rig.store.writeAndWait(
            settlement.steps(for: attempt, cancelledFor: .quote).map { Mutation(at: rig.tick(), $0) })
        #expect(try rig.store.summary().total.heldBack == [.quote: 1])
        #expect(try rig.store.heldBack(in: rig.batch) == [.quote: 1])
        #expect(try rig.store.task(TaskID(1))?.heldBack == .quote && rig.store.task(TaskID(2))?.heldBack == nil)
        let waiting = try rig.store.waiting(batch: rig.batch, model: ModelID("sora-2-pro"), after: nil, limit: 10)
        #expect(waiting.map(\.attempt) == [2, 1])
        try rig.apply(Steps.intent(1, 2))
        #expect(try rig.store.summary().total.heldBack == [:] && rig.store.task(TaskID(1))?.heldBack == nil)
        #expect(try rig.store.problems() == [])
    }

    @Test func `a new run finds all unfinished attempts and nothing else`() throws {
        let rig = try Rig(tasks: (1...12).map { Rig.spec("task-\($0)", output: "o.mp4") })
        func attempt(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }
        for task in Int64(1)...11 { try rig.apply(Steps.intent(task)) }
        for task in Int64(3)...10 { try rig.apply(Steps.accepted(task)) }
        try rig.apply(
            .uncertain(attempt(2), Steps.fault), .running(attempt(4)), .lost(attempt(4), Steps.fault),
            Steps.settled(.completed, 5), Steps.settled(.completed, 6), Steps.saved(6),
            Steps.settled(.completed, 7, charges: [], awaited: true), Steps.saved(7),
            Steps.settled(.completed, 8), .noAsset(attempt(8)),
            Steps.settled(.failed, 9, charges: [.notBilled]), Steps.settled(.cancelled, 10, charges: []),
            .notAccepted(attempt(11), Steps.fault))
        let open = try rig.store.openAttempts(provider: Self.provider.name, baseURL: Self.provider.baseURL)
        let url = AssetLocation(url: "https://cdn.example/x?sig=1")
        func completed(_ task: Int64, asset: AssetLocation?, none: Bool = false) -> OpenAttempt.Progress {
            .completed(RemoteTaskID("remote-\(task)-1"), asset: asset, cost: .known, hasNoAsset: none)
        }
        #expect(open.map(\.attempt.task.rawValue) == [1, 2, 3, 4, 5, 7, 8, 10])
        #expect(
            open.map(\.progress) == [
                .sent(isMarkedUncertain: false), .sent(isMarkedUncertain: true),
                .accepted(RemoteTaskID("remote-3-1"), isRunning: false),
                .accepted(RemoteTaskID("remote-4-1"), isRunning: true), completed(5, asset: url),
                .missingCost(RemoteTaskID("remote-7-1"), .completed, .awaited), completed(8, asset: nil, none: true),
                .missingCost(RemoteTaskID("remote-10-1"), .cancelled, .unknown),
            ])
        let first = try #require(open.first)
        #expect(first.submission.body == Array("{}".utf8))
        #expect(first.submission.key == SubmissionKey("key-1-1"))
        #expect(first.reserved == Steps.credits("2"))
        #expect(first.output == "o.mp4")
        #expect(first.shape == Rig.spec("x").shape)
        #expect(open[3].lostAt != nil)
        #expect(open[3].reserved == Steps.credits("1.5"))
        #expect(try rig.store.openAttempts(provider: "bytespike", baseURL: "http://127.0.0.1").isEmpty)
    }

    @Test func `the next run knows that a reply was about another submission`() throws {
        let rig = try Rig(tasks: (1...2).map { Rig.spec("task-\($0)") })
        func attempt(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }
        try rig.apply(Steps.intent(1), Steps.intent(2))
        let another = ProviderError(kind: .unreadable, code: "another_submission", message: "m")
        try rig.apply(.uncertain(attempt(1), Steps.fault), .uncertain(attempt(2), another))
        let open = try rig.store.openAttempts(provider: Self.provider.name, baseURL: Self.provider.baseURL)
        #expect(open.map(\.isConflict) == [false, true])
        #expect(try (1...2).map { try rig.store.isConflict(attempt($0)) } == [false, true])
    }

    @Test func `a run queries the last settled unknown costs, and a list has them all`()
        throws
    {
        let rig = try Rig(tasks: (1...Store.recentMissingCosts + 3).map { Rig.spec("task-\($0)") })
        for task in 1...Int64(Store.recentMissingCosts + 3) {
            try rig.apply(
                Steps.intent(task), Steps.accepted(task), Steps.settled(.completed, task, charges: [], awaited: true),
                Steps.saved(task), .costUnknown(AttemptID(task: TaskID(task), number: 1)))
        }
        func late() throws -> Set<Int64> {
            let open = try rig.store.openAttempts(provider: Self.provider.name, baseURL: Self.provider.baseURL)
            return Set(open.map(\.attempt.task.rawValue))
        }
        #expect(try late() == Set(4...Int64(Store.recentMissingCosts + 3)))
        var listed: [AttemptWithoutCost] = []
        while let page = Optional(try rig.store.attemptsWithoutCost(after: listed.last?.attempt, limit: 40)),
            !page.isEmpty
        {
            listed += page
        }
        #expect(listed.map(\.attempt.task.rawValue) == Array(1...Int64(Store.recentMissingCosts + 3)))
        #expect(listed.first?.remote == RemoteTaskID("remote-1-1") && listed.first?.key == TaskKey("task-1"))
        for task in 1...Int64(Store.recentMissingCosts + 2) {
            try rig.apply(.costLearned(AttemptID(task: TaskID(task), number: 1), [Steps.amount("0.1")]))
        }
        #expect(try late() == [Int64(Store.recentMissingCosts + 3)])
        #expect(try rig.store.attemptsWithoutCost(limit: 9).count == 1)
    }

    @Test func `a superseded take is followed until its clip is saved or unavailable`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let first = AttemptID(task: TaskID(1), number: 1)
        for task in Int64(1)...2 {
            try rig.apply(Steps.intent(task), Steps.accepted(task), Steps.settled(.completed, task))
        }
        let accepting = ImportOptions(acceptChanges: true)
        _ = try rig.importManifest([Rig.spec("a", prompt: "new"), Rig.spec("b", prompt: "new")], accepting)
        func open() throws -> [Int64] {
            try rig.store.openAttempts(provider: Self.provider.name, baseURL: Self.provider.baseURL)
                .map(\.attempt.task.rawValue)
        }
        #expect(try open() == [1, 2])
        try rig.apply(.noAsset(first), Steps.saved(2))
        #expect(try open() == [])
        #expect(try rig.store.summary().total.unsaved == 0)
    }

    @Test func `unfinished batches are those with work left`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let done = try rig.importManifest([Rig.spec("a")], manifest: Rig.manifest("done", path: "/d")).batch
        try rig.apply(
            Steps.intent(2), Steps.accepted(2), Steps.settled(.completed, 2, charges: [], awaited: true),
            Steps.saved(2))
        func unfinished() throws -> [BatchID] { try rig.store.unfinishedBatches().map(\.id) }
        #expect(try unfinished() == [rig.batch, done])
        try rig.apply(.costUnknown(AttemptID(task: TaskID(2), number: 1)))
        #expect(try unfinished() == [rig.batch])
        try rig.apply(.withdrawn(TaskID(1), .cancelled))
        #expect(try unfinished() == [])
        #expect(try rig.store.batches().count == 2)
    }

    @Test func `startup and paging read indexes, never a whole table`() throws {
        let rig = try Rig()
        let shell = try rig.shell()
        let questions = [
            """
            SELECT a.task FROM attempt AS a JOIN task_input AS i ON i.id = a.task
            WHERE a.batch_id = ? AND (a.is_open OR a.is_unsaved OR a.is_cost_awaited) ORDER BY a.task, a.number
            """,
            """
            SELECT model FROM task_state WHERE batch_id = ?1 AND state = 'queued' AND NOT is_submitted
                AND model > coalesce(?2, '') ORDER BY model LIMIT 1
            """,
            """
            SELECT s.id FROM task_state AS s JOIN task_input AS i ON i.id = s.id
            WHERE s.batch_id = ?1 AND s.model = ?2 AND s.state = 'queued' AND NOT s.is_submitted AND s.priority < ?3
            ORDER BY s.priority DESC, s.id LIMIT ?4
            """,
        ]
        for question in questions {
            let plan = try shell.rows("EXPLAIN QUERY PLAN " + question).joined(separator: "\n")
            #expect(!plan.contains("SCAN"), "\(plan)")
            #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
        }
    }

    @Test func `a reader sees committed data while a runner writes, and does not prevent checkpoints`() throws {
        let rig = try Rig(tasks: (1...300).map { Rig.spec("task-\($0)") })
        let reader = try Store.open(rig.scratch.path, for: .reading)
        try rig.store.onQueue { () throws(StoreError) in rig.store.checkpointPages = 50 }
        for task in Int64(1)...300 {
            try rig.apply(Steps.intent(task))
            #expect(try reader.summary().total.submitting == Int(task))
        }
        let log = try FileManager.default.attributesOfItem(atPath: rig.scratch.path + "-wal")[.size] as? NSNumber
        // 300 commits of about ten pages each; a reader with an open transaction would keep them all in the log.
        #expect((log?.intValue ?? .max) < 1_000_000)
        #expect(try rig.shell().one("SELECT state, count(*), sum(credits) FROM task GROUP BY state") == "queued|300|")
        let error = #expect(throws: StoreError.self) {
            try reader.writeAndWait([Mutation(at: rig.tick(), .withdrawn(TaskID(1), .cancelled))])
        }
        #expect(error?.kind == .readOnly)
    }

    @Test func `a killed runner's store can be read before it is repaired`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent())
        // The log of a process that never closed its store, without the shared index in its memory.
        let left = rig.scratch.folder + "/left.sqlite"
        for ending in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: rig.scratch.path + ending, toPath: left + ending)
        }
        #expect(try Store.open(left, for: .reading).summary().total.submitting == 1)
    }

    @Test func `a state that the schema forbids is damage, and the summary misses no task`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let shell = try Shell(rig.scratch.path)
        try shell.run("PRAGMA ignore_check_constraints = ON; UPDATE task_state SET state = 'paused' WHERE id = 2")
        let error = #expect(throws: StoreError.self) { try rig.store.summary() }
        #expect(error?.kind == .damaged)
    }

    @Test func `the summary counts tasks by state`() throws {
        let rig = try Rig(tasks: (1...8).map { Rig.spec("task-\($0)") }, budget: .cap(Steps.credits("100")))
        func attempt(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }
        for task in Int64(2)...8 { try rig.apply(Steps.intent(task)) }
        for task in Int64(4)...8 { try rig.apply(Steps.accepted(task)) }
        try rig.apply(
            .uncertain(attempt(3), Steps.fault), .running(attempt(5)), .lost(attempt(5), Steps.fault),
            Steps.settled(.completed, 6), .noAsset(attempt(6)),
            Steps.settled(.completed, 7, charges: [], awaited: true), Steps.saved(7), .running(attempt(8)),
            Steps.settled(.cancelled, 8, charges: []))
        let summary = try rig.store.summary()
        let counts = summary.total
        #expect(counts.states == [.queued: 4, .running: 1, .completed: 2, .cancelled: 1])
        #expect(counts.waiting == 1)
        #expect(counts.submitting == 1)
        #expect(counts.uncertain == 1)
        #expect(counts.accepted == 1)
        #expect(counts.running == 1)
        #expect(counts.inFlight == 3)
        #expect(counts.lost == 1)
        #expect(counts.unsaved == 1)
        #expect(counts.noAsset == 1)
        #expect(counts.costAwaited == 1)
        #expect(counts.costUnknown == 1)
        #expect(counts.settled.description == "1.25")
        // Two unanswered at 2, two at the provider and two of unknown cost at 1.5.
        #expect(counts.reserved.description == "10")
        let status = try #require(summary.batches.first)
        #expect(status.batch.budget == Steps.credits("100"))
        #expect(status.firstSubmittedAt == Instant(milliseconds: 1_001_000))
        #expect(status.lastSettledAt == Instant(milliseconds: rig.clock))
        #expect(summary.lastEventAt == status.lastSettledAt)
        #expect(try rig.store.summary([]).batches.isEmpty)
    }

    @Test func `a listing matches all set conditions`() throws {
        let acme = TaskSpec.Tag(name: "client", value: "acme")
        let rig = try Rig(tasks: [
            Rig.spec("a", tags: [acme]), Rig.spec("b"), Rig.spec("c", tags: [acme]), Rig.spec("d", tags: [acme]),
        ])
        try rig.apply(Steps.intent(1), Steps.accepted(1), Steps.settled(.completed, 1), Steps.intent(3))
        func keys(_ filter: TaskFilter, after: Int64? = nil, limit: Int = 10) throws -> String {
            try rig.store.tasks(matching: filter, after: after.map(TaskID.init), limit: limit).map(\.key.text).joined()
        }
        #expect(try keys(TaskFilter()) == "abcd")
        #expect(try keys(TaskFilter(), after: 1, limit: 2) == "bc")
        #expect(try keys(TaskFilter(tag: acme)) == "acd")
        #expect(try keys(TaskFilter(states: [.completed])) == "a")
        #expect(try keys(TaskFilter(keys: [TaskKey("d"), TaskKey("b"), TaskKey("none")])) == "bd")
        #expect(try keys(TaskFilter(batches: [])) == "")
        #expect(try keys(TaskFilter(condition: .unsaved)) == "a")
        #expect(try keys(TaskFilter(condition: .uncertain)) == "c")
        #expect(try keys(TaskFilter(condition: .waiting)) == "bd")
        #expect(try keys(TaskFilter(states: [.queued], tag: acme, condition: .waiting)) == "d")
        let row = try #require(try rig.store.tasks(limit: 1).first)
        #expect(row.latest?.remoteID == RemoteTaskID("remote-1-1"))
        #expect(row.latest?.completedAt == Instant(milliseconds: 42))
        #expect(row.credits == Steps.credits("1.25"))
        #expect(row.batchName == "batch")
    }

    @Test func `the events of a task come oldest first, and the newest are kept`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent(), .uncertain(AttemptID(task: TaskID(1), number: 1), Steps.fault), Steps.accepted())
        let events = try rig.store.events(of: TaskID(1))
        #expect(events.map(\.kind) == ["intent", "uncertain", "accepted", "amount", "amount"])
        #expect(events[1].code == "timed_out")
        #expect(events[1].message == Steps.fault.message)
        #expect(events[2].source == "reply")
        #expect(try rig.store.events(of: TaskID(1), limit: 1).map(\.kind) == ["amount"])
    }
}
