import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

struct ImportResultTests {
    private let accepting = ImportOptions(acceptChanges: true)

    @Test func `the same manifest again changes nothing`() throws {
        let specs = [Rig.spec("a"), Rig.spec("b", tags: [TaskSpec.Tag(name: "client", value: "acme")])]
        let rig = try Rig(tasks: specs)
        let before = try rig.shell().rows("SELECT * FROM task")
        let again = try rig.importManifest(specs)
        #expect(again.unchanged == 2)
        #expect(again.new + again.changed + again.removed + again.restored == 0)
        #expect(again.tasksByState == [.queued: 2])
        #expect(try rig.shell().rows("SELECT * FROM task") == before)
    }

    @Test func `tags, priority and file name follow the manifest without a new attempt`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed))
        let tags = [TaskSpec.Tag(name: "a\"b", value: "line\nend\\ é"), TaskSpec.Tag(name: "client", value: "acme")]
        let result = try rig.importManifest([Rig.spec("a", tags: tags, priority: 5, output: "x.mp4")])
        #expect(result.unchanged == 1)
        #expect(result.tasksByState == [.completed: 1])
        #expect(try rig.shell().one("SELECT state, attempt, priority FROM task") == "completed|1|5")
        let row = try #require(try rig.store.tasks(limit: 1).first)
        #expect(row.tags == tags)
        #expect(row.output == "x.mp4")
    }

    @Test func `a changed request is refused with the list, and nothing is written`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b"), Rig.spec("c")])
        let before = try rig.shell().rows("SELECT * FROM task UNION ALL SELECT * FROM task")
        let error = #expect(throws: ImportError.self) {
            try rig.importManifest([Rig.spec("b", prompt: "new"), Rig.spec("d"), Rig.spec("a", prompt: "new")])
        }
        guard case .changed(let list, count: 2) = error else {
            Issue.record("refused as \(String(describing: error))")
            return
        }
        #expect(list.map(\.key.text) == ["b", "a"])
        #expect(list.map(\.progress) == [.unsent, .unsent])
        #expect(try rig.shell().rows("SELECT * FROM task UNION ALL SELECT * FROM task") == before)
        #expect(try rig.shell().one("SELECT count(*) FROM event WHERE kind = 'enrolled'") == "1")
    }

    @Test func `requests that differ only in Unicode form are different`() throws {
        let rig = try Rig(tasks: [Rig.spec("a", prompt: "caf\u{E9}")])
        #expect(throws: ImportError.self) { try rig.importManifest([Rig.spec("a", prompt: "cafe\u{301}")]) }
    }

    @Test func `line ends are not a change: a waiting task takes the new text, and a paid one keeps its own`() throws {
        let written = [Rig.spec("paid", prompt: #"one\r\ntwo"#), Rig.spec("waiting", prompt: #"one\rtwo"#)]
        let rig = try Rig(tasks: written)
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed))
        let lines = ["paid", "waiting"].map { Rig.spec($0, prompt: #"one\ntwo"#, priority: 5) }
        let comparison = try rig.store.compare(batchName: "batch", provider: "bytespike", tasks: lines)
        #expect(comparison.verdicts == [.paid(isSaved: false), .waiting])
        let result = try rig.importManifest(lines)
        #expect(result.unchanged == 2 && result.changed == 0 && result.new == 0)
        #expect(
            try rig.shell().rows("SELECT key, attempt, priority, request LIKE '%\\r%' FROM task ORDER BY id")
                == ["paid|1|5|1", "waiting|1|5|0"])
    }

    @Test func `a new seed survives a change of line ends`() throws {
        let rig = try Rig(tasks: [Rig.spec("a", prompt: #"one\r\ntwo"#)])
        try rig.apply(.reseeded(TaskID(1), 77))
        _ = try rig.importManifest([Rig.spec("a", prompt: #"one\ntwo"#, priority: 1)])
        let row = try #require(try rig.store.tasks(limit: 1).first)
        #expect(row.request.text == #"{"model":"sora-2-pro","prompt":"one\ntwo","seed":77}"#)
    }

    @Test func `an accepted change of an unsent task takes the new request under the same number`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let result = try rig.importManifest([Rig.spec("a", prompt: "new", model: "veo-3")], accepting)
        #expect(result.changed == 1)
        #expect(try rig.shell().one("SELECT state, attempt, prompt, model FROM task") == "queued|1|new|veo-3")
        #expect(
            try rig.store.taskQueues(batches: [rig.batch]) == [TaskQueueID(batch: rig.batch, model: ModelID("veo-3"))])
    }

    @Test func `an accepted change of a settled task is a new attempt, and the old cost stays`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed), Steps.saved())
        let result = try rig.importManifest([Rig.spec("a", prompt: "new", model: "veo-3")], accepting)
        #expect(result.tasksByState == [.queued: 1])
        #expect(try rig.shell().one("SELECT state, attempt, credits_nano FROM task") == "queued|2|1250000000")
        try rig.apply(
            Steps.intent(1, 2, model: "veo-3"), Steps.accepted(1, 2), Steps.settled(.completed, 1, 2))
        #expect(try rig.shell().one("SELECT attempt, credits_nano FROM task") == "2|2500000000")
        #expect(try rig.shell().rows("SELECT number, model FROM attempt") == ["1|sora-2-pro", "2|veo-3"])
        #expect(try rig.store.spend(by: []).total.supersededTakes == 1)
    }

    @Test func `a changed task that is not settled is never touched`() throws {
        let rig = try Rig(tasks: (1...4).map { Rig.spec("task-\($0)") })
        try rig.apply(
            Steps.intent(1), Steps.intent(2), Steps.accepted(2), Steps.intent(3), Steps.accepted(3),
            Steps.settled(.completed, 3, charges: [], awaited: true))
        let error = #expect(throws: ImportError.self) {
            try rig.importManifest((1...4).map { Rig.spec("task-\($0)", prompt: "new") }, accepting)
        }
        #expect(error == .unsettled([TaskKey("task-1"), TaskKey("task-2"), TaskKey("task-3")], count: 3))
        #expect(try rig.shell().one("SELECT count(*) FROM task WHERE prompt = 'new'") == "0")
    }

    @Test func `a waiting task that is no longer listed is cancelled as removed and waits again when it returns`()
        throws
    {
        let specs = (1...4).map { Rig.spec("task-\($0)") }
        let rig = try Rig(tasks: specs)
        try rig.apply(Steps.intent(2), .withdrawn(TaskID(3), .cancelled))
        let result = try rig.importManifest([specs[3]])
        #expect(result.removed == 1)
        #expect(
            try rig.shell().rows("SELECT key, state, failure_code FROM task")
                == ["task-1|cancelled|removed", "task-2|queued|", "task-3|cancelled|cancelled", "task-4|queued|"])
        let back = try rig.importManifest(specs)
        #expect(back.restored == 1)
        #expect(back.tasksByState == [.queued: 3, .cancelled: 1])
        #expect(try rig.shell().one("SELECT state, attempt FROM task WHERE key = 'task-1'") == "queued|1")
        #expect(
            try rig.shell().rows("SELECT kind FROM event WHERE task = 1 ORDER BY id") == ["withdrawn", "restored"])
    }

    @Test func `a batch belongs to one path unless the user says otherwise`() throws {
        let rig = try Rig()
        let moved = Rig.manifest(path: "/other.yaml")
        #expect(throws: ImportError.differentPath(stored: "/m.yaml")) {
            try rig.importManifest([Rig.spec("a")], manifest: moved)
        }
        _ = try rig.importManifest([Rig.spec("a")], ImportOptions(sameBatch: true), manifest: moved)
        #expect(try rig.store.batch(named: "batch")?.manifestPath == "/other.yaml")
    }

    private static let elsewhere = Rig.manifest(baseURL: "http://[::1]")

    @Test func `a batch belongs to the provider that accepted a submit of it, or may have`() throws {
        let error = ImportError.differentProvider(name: "bytespike", baseURL: "https://api.example")
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let page = ProviderError(kind: .unreadable, code: ProviderError.notTheAPI, message: "<html>")
        for steps in [
            [], [.uncertain(attempt, Steps.fault)], [.uncertain(attempt, page), .uncertain(attempt, Steps.fault)],
            [Steps.accepted()], [Steps.accepted(), Steps.settled(.failed)],
            [.uncertain(attempt, page), Steps.accepted()],
            // Being submitted again, after a page had answered.
            [.uncertain(attempt, page), .notAccepted(attempt, page), Steps.intent()],
            [.uncertain(attempt, page), .repeated(attempt)],
        ] as [[Mutation.Kind]] {
            let rig = try Rig()
            try rig.apply(Steps.intent())
            for step in steps { try rig.apply(step) }
            #expect(try rig.store.isBound(rig.batch))
            #expect(throws: error) {
                try rig.importManifest([Rig.spec("a")], ImportOptions(sameBatch: true), manifest: Self.elsewhere)
            }
            #expect(throws: error) {
                try rig.importManifest([Rig.spec("a")], manifest: Rig.manifest(provider: "simulator"))
            }
            #expect(try rig.store.batch(named: "batch")?.baseURL == "https://api.example")
        }
    }

    @Test func `a batch may be moved to another provider before its first accepted submit`() throws {
        let attempt = AttemptID(task: TaskID(1), number: 1)
        let page = ProviderError(kind: .unreadable, code: ProviderError.notTheAPI, message: "<html>")
        let refused = Settlement(end: .failed, charges: [.notBilled], failureCode: "invalid_param")
        for steps in [
            [], [Steps.intent(), .notAccepted(attempt, Steps.fault)],
            [Steps.intent(), .uncertain(attempt, page), .uncertain(attempt, page)],
            [Steps.intent(), .settled(attempt, refused)],
        ] as [[Mutation.Kind]] {
            let rig = try Rig()
            for step in steps { try rig.apply(step) }
            #expect(try !rig.store.isBound(rig.batch))
            _ = try rig.importManifest([Rig.spec("a")], manifest: Self.elsewhere)
            #expect(try rig.store.batch(named: "batch")?.baseURL == "http://[::1]")
            let moved = "from bytespike at https://api.example to bytespike at http://[::1]"
            #expect(try rig.shell().rows("SELECT message FROM event WHERE kind = 'moved'") == [moved])
            if case .settled? = steps.last { continue }
            // It is sent there and belongs there from then on.
            #expect(try rig.shell().one("SELECT state, is_submitted FROM task_state") == "queued|0")
            try rig.apply(Steps.intent(), Steps.accepted())
            #expect(
                try rig.shell().rows("SELECT base_url FROM attempt JOIN service ON service.id = service_id")
                    == ["http://[::1]"])
            #expect(try rig.store.isBound(rig.batch))
        }
    }

    @Test func `a budget applies until it is set again`() throws {
        let rig = try Rig(budget: .cap(Steps.credits("10")))
        _ = try rig.importManifest([Rig.spec("a")])
        #expect(try rig.store.budgetPosition(rig.batch).cap == Steps.credits("10"))
        _ = try rig.importManifest([Rig.spec("a")], manifest: Rig.manifest(budget: .cap(Steps.credits("12.5"))))
        #expect(try rig.store.budgetPosition(rig.batch).cap == Steps.credits("12.5"))
        try rig.store.setBudget(rig.batch, .none, at: rig.tick())
        try rig.store.setBudget(rig.batch, .none, at: rig.tick())
        #expect(try rig.store.budgetPosition(rig.batch).cap == nil)
        #expect(
            try rig.shell().rows("SELECT message FROM event WHERE kind = 'budget_set'") == ["10", "12.5", "none"])
    }

    @Test func `a comparison reports what a run would do and writes nothing`() throws {
        let rig = try Rig(tasks: (1...9).map { Rig.spec("task-\($0)") })
        let uncertain = AttemptID(task: TaskID(3), number: 1)
        try rig.apply(
            Steps.intent(2), Steps.accepted(2), Steps.intent(3), .uncertain(uncertain, Steps.fault),
            Steps.intent(4), Steps.accepted(4), Steps.settled(.completed, 4), Steps.saved(4),
            Steps.intent(5), Steps.settled(.failed, 5, charges: [.notBilled], code: "bad"),
            .withdrawn(TaskID(6), .cancelled), .withdrawn(TaskID(7), .removed))
        let reader = try Store.open(rig.scratch.path, for: .reading)
        let before = try rig.shell().one("SELECT count(*) FROM event")
        let specs = (1...7).map { Rig.spec("task-\($0)") } + [Rig.spec("task-8", prompt: "other"), Rig.spec("new")]
        let comparison = try reader.compare(batchName: "batch", provider: "bytespike", tasks: specs)
        let change = ChangedTask(
            key: TaskKey("task-8"), stored: Rig.spec("task-8").request, progress: .unsent)
        #expect(
            comparison.verdicts == [
                .waiting, .resumable, .uncertain, .paid(isSaved: true), .failed(code: "bad"),
                .cancelled(code: "cancelled"), .restored, .changed(change), .new,
            ])
        #expect(comparison.removed.map(\.text) == ["task-9"])
        #expect(
            try reader.compare(batchName: "none", provider: "bytespike", tasks: specs).verdicts
                == specs.map { _ in .new })
        #expect(try rig.shell().one("SELECT count(*) FROM event") == before)
    }

    // MARK: Streams

    private struct BrokenOff: Error, Equatable {
        let reason: String
    }

    @Test func `a manifest that fails halfway leaves nothing behind`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let before = try rig.shell().rows("SELECT * FROM task")
        for name in ["batch", "other"] {
            #expect(throws: BrokenOff(reason: "gone")) {
                try rig.store.importManifest(Rig.manifest(name), at: rig.tick()) { body in
                    try body(Rig.spec("a", priority: 9))
                    try body(Rig.spec("c"))
                    throw BrokenOff(reason: "gone")
                }
            }
        }
        #expect(try rig.shell().rows("SELECT * FROM task") == before)
        #expect(try rig.store.batches().map(\.name) == ["batch"])
        // The store is unchanged.
        #expect(try rig.importManifest([Rig.spec("a"), Rig.spec("b")]).unchanged == 2)
    }

    @Test func `a comparison ends when its caller stops`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        var seen: [String] = []
        #expect(throws: BrokenOff(reason: "enough")) {
            try rig.store.compare(batchName: "batch", provider: "bytespike") { body in
                for key in ["a", "b", "c"] { try body(Rig.spec(key)) }
            } _: { finding in
                guard case .named(let task, let verdict, _) = finding else { return }
                seen.append("\(task.key) \(verdict)")
                if verdict == .new { throw BrokenOff(reason: "enough") }
            }
        }
        #expect(seen == ["a waiting", "b new"])
        #expect(try rig.store.taskQueues(batches: [rig.batch]).count == 1)
    }

    @Test func `of many changed tasks the first hundred are listed and all are counted`() throws {
        let keys = (1...130).map { "task-\($0)" }
        let rig = try Rig(tasks: keys.map { Rig.spec($0) })
        let error = #expect(throws: ImportError.self) {
            try rig.importManifest([Rig.spec("new")] + keys.map { Rig.spec($0, prompt: "new") })
        }
        guard case .changed(let list, count: 130) = error else {
            Issue.record("refused as \(String(describing: error))")
            return
        }
        #expect(list.map(\.key.text) == Array(keys.prefix(100)))
        #expect(try rig.shell().one("SELECT count(*) FROM task") == "130")
    }

    @Test func `one manifest may add, bring back and remove at once`() throws {
        let rig = try Rig(tasks: ["a", "b", "c"].map { Rig.spec($0) })
        _ = try rig.importManifest([Rig.spec("a")])
        let result = try rig.importManifest([Rig.spec("d"), Rig.spec("b"), Rig.spec("e")])
        #expect(result.new == 2 && result.restored == 1 && result.removed == 1 && result.unchanged == 0)
        #expect(
            try rig.shell().rows("SELECT key, state FROM task")
                == ["a|cancelled", "b|queued", "c|cancelled", "d|queued", "e|queued"])
    }

    @Test func `a set of tasks contains what was inserted, far apart and close together`() {
        let members = [1, 2, 63, 64, 65, 127, 128, 1 << 40, 1 << 40 + 64].map { TaskID(Int64($0)) }
        var set = TaskBitSet()
        for member in members { set.insert(member) }
        #expect(members.allSatisfy { set.contains($0) })
        #expect([0, 3, 62, 66, 126, 129, 1 << 40 + 1, 1 << 41].allSatisfy { !set.contains(TaskID(Int64($0))) })
    }

    @Test func `IDs follow the order of the manifest`() throws {
        let rig = try Rig(tasks: ["z", "a", "m"].map { Rig.spec($0) })
        #expect(try rig.store.tasks(limit: 10).map(\.key.text) == ["z", "a", "m"])
    }
}
