import DailiesCore
import Testing

@testable import DailiesStore

/// Every step from every state.
struct MutationTests {
    /// The states of a task, and the steps that lead there.
    enum Progress: String, CaseIterable {
        case waiting, notAccepted, submitting, uncertain, accepted, running, lost, completed, awaited, missingCost
        case noAsset, unverified, saved, failed, failedUnpriced, cancelled, cancelledAwaited, withdrawn, secondWaiting
        case guarded, cancelledForGuard

        func path(_ task: Int64) -> [Mutation.Kind] {
            let attempt = AttemptID(task: TaskID(task), number: 1)
            let accepted = [Steps.intent(task), Steps.accepted(task)]
            let running = accepted + [.running(attempt)]
            let completed = running + [Steps.settled(.completed, task)]
            let awaited = running + [Steps.settled(.completed, task, charges: [], awaited: true)]
            switch self {
            case .waiting: return []
            case .notAccepted: return [Steps.intent(task), .notAccepted(attempt, Steps.fault)]
            case .submitting: return [Steps.intent(task)]
            case .uncertain: return [Steps.intent(task), .uncertain(attempt, Steps.fault)]
            case .accepted: return accepted
            case .running: return running
            case .lost: return accepted + [.lost(attempt, Steps.fault)]
            case .completed: return completed
            case .awaited: return awaited
            case .missingCost: return awaited + [.costUnknown(attempt)]
            case .noAsset: return completed + [.noAsset(attempt)]
            case .unverified: return completed + [.unverified(attempt, path: "/kept.mp4")]
            case .saved: return completed + [Steps.saved(task)]
            case .failed: return running + [Steps.settled(.failed, task, charges: [.notBilled], code: "oops")]
            case .failedUnpriced: return running + [Steps.settled(.failed, task, charges: [], code: "oops")]
            case .cancelled: return running + [Steps.settled(.cancelled, task)]
            case .cancelledAwaited: return running + [Steps.settled(.cancelled, task, charges: [], awaited: true)]
            case .withdrawn: return [.withdrawn(TaskID(task), .cancelled)]
            case .guarded: return accepted + [.cancelWanted(attempt, .budget)]
            case .cancelledForGuard:
                return accepted + [
                    .cancelWanted(attempt, .quote), Steps.settled(.cancelled, task, charges: [.notBilled]),
                ]
            case .secondWaiting:
                return running + [Steps.settled(.failed, task, charges: [.notBilled]), .retried(TaskID(task))]
            }
        }
    }

    static let steps: [(name: String, make: @Sendable (Int64) -> Mutation.Kind)] = {
        @Sendable func attempt(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }
        return [
            ("intent", { Steps.intent($0, key: "again-\($0)") }),
            ("repeated", { .repeated(attempt($0)) }),
            ("notAccepted", { .notAccepted(attempt($0), Steps.fault) }),
            ("uncertain", { .uncertain(attempt($0), Steps.fault) }),
            ("accepted", { Steps.accepted($0) }),
            ("acceptedRunning", { Steps.accepted($0, isRunning: true) }),
            ("running", { .running(attempt($0)) }),
            ("completed", { Steps.settled(.completed, $0) }),
            ("awaited", { Steps.settled(.completed, $0, charges: [], awaited: true) }),
            ("failed", { Steps.settled(.failed, $0, charges: [.notBilled]) }),
            ("cancelled", { Steps.settled(.cancelled, $0, charges: []) }),
            ("costLearned", { .costLearned(attempt($0), [Steps.amount("3")]) }),
            ("costLearnedNothing", { .costLearned(attempt($0), []) }),
            ("costUnknown", { .costUnknown(attempt($0)) }),
            ("assetFound", { .assetFound(attempt($0), AssetLocation(url: "https://cdn.example/new")) }),
            ("noAsset", { .noAsset(attempt($0)) }),
            ("unverified", { .unverified(attempt($0), path: "/kept.mp4") }),
            ("saved", { Steps.saved($0) }),
            ("clipGone", { .clipGone(attempt($0)) }),
            ("lost", { .lost(attempt($0), Steps.fault) }),
            ("found", { .found(attempt($0)) }),
            ("unresolved", { .unresolved(attempt($0)) }),
            ("withdrawn", { .withdrawn(TaskID($0), .removed) }),
            ("retried", { .retried(TaskID($0)) }),
            ("reseeded", { .reseeded(TaskID($0), 7) }),
            ("cancelWanted", { .cancelWanted(attempt($0), .budgetSpent) }),
            ("raised", { .reservationRaised(attempt($0), Steps.credits("3")) }),
            ("raisedToLess", { .reservationRaised(attempt($0), Steps.credits("1")) }),
            ("waitsAgain", { .waitsAgain(attempt($0)) }),
            ("note", { .note(attempt($0), kind: "remark", text: "text") }),
            ("foreignAttempt", { .running(AttemptID(task: TaskID($0), number: 7)) }),
        ]
    }()

    /// The result of each step in each state; missing combinations must be refused.
    static let outcomes: [Progress: [String: String]] = {
        let sent = [
            "notAccepted": "queued#1", "uncertain": "queued#1 key unknown",
            "accepted": "queued#1 key remote", "acceptedRunning": "running#1 key remote",
            "failed": "failed#1 key cost=0 code=failed",
        ]
        let paid = "completed#1 key remote url cost=1.25"
        let ended = [
            "completed": paid, "awaited": "completed#1 key remote url awaited",
            "failed": "failed#1 key remote cost=0 code=failed", "cancelled": "cancelled#1 key remote code=cancelled",
        ]
        func with(_ base: [String: String], _ more: [String: String]) -> [String: String] {
            base.merging(more) { _, new in new }
        }
        func unsaved(_ url: String, _ rest: String) -> [String: String] {
            [
                "assetFound": "completed#1 key remote url\(rest)",
                "noAsset": "completed#1 key remote\(rest) code=no_asset",
                "unverified": "completed#1 key remote\(url)\(rest) code=unverified",
                "saved": "completed#1 key remote saved\(rest)", "note": "completed#1 key remote\(url)\(rest)",
                "lost": "completed#1 key remote lost\(url)\(rest)",
            ]
        }
        return [
            .waiting: ["intent": "queued#1 key", "withdrawn": "cancelled#1 code=removed", "reseeded": "queued#1"],
            .notAccepted: [
                "intent": "queued#1 key", "withdrawn": "cancelled#1 code=removed", "reseeded": "queued#1",
                "note": "queued#1",
            ],
            .submitting: with(sent, ["repeated": "queued#1 key", "note": "queued#1 key"]),
            .uncertain: with(sent, ["repeated": "queued#1 key unknown", "note": "queued#1 key unknown"]),
            .accepted: with(
                ended,
                [
                    "running": "running#1 key remote", "lost": "queued#1 key remote lost",
                    "unresolved": "queued#1 key remote", "note": "queued#1 key remote",
                    "cancelWanted": "queued#1 key remote", "raised": "queued#1 key remote",
                ]),
            .guarded: with(
                ended,
                [
                    "running": "running#1 key remote", "lost": "queued#1 key remote lost",
                    "unresolved": "queued#1 key remote", "note": "queued#1 key remote",
                    "raised": "queued#1 key remote",
                ]),
            .running: with(
                ended,
                [
                    "lost": "running#1 key remote lost", "unresolved": "running#1 key remote",
                    "note": "running#1 key remote", "raised": "running#1 key remote",
                ]),
            .lost: with(
                ended,
                [
                    "running": "running#1 key remote", "lost": "queued#1 key remote lost",
                    "found": "queued#1 key remote", "unresolved": "queued#1 key remote lost",
                    "note": "queued#1 key remote lost", "cancelWanted": "queued#1 key remote lost",
                    "raised": "queued#1 key remote lost",
                ]),
            .completed: unsaved(" url", " cost=1.25"),
            .awaited: with(
                unsaved(" url", " awaited"),
                ["costLearned": "completed#1 key remote url cost=3", "costUnknown": "completed#1 key remote url"]),
            .missingCost: with(unsaved(" url", ""), ["costLearned": "completed#1 key remote url cost=3"]),
            .noAsset: with(
                unsaved("", " cost=1.25"),
                [
                    "note": "completed#1 key remote cost=1.25 code=no_asset",
                    "lost": "completed#1 key remote lost cost=1.25 code=no_asset",
                ]),
            .unverified: with(
                unsaved(" url", " cost=1.25"),
                [
                    "note": "completed#1 key remote url cost=1.25 code=unverified",
                    "lost": "completed#1 key remote lost url cost=1.25 code=unverified",
                ]),
            .saved: [
                "note": "completed#1 key remote saved cost=1.25", "clipGone": "completed#1 key remote cost=1.25",
            ],
            .failed: ["retried": "queued#2 cost=0", "note": "failed#1 key remote cost=0 code=oops"],
            .failedUnpriced: [
                "retried": "queued#2", "note": "failed#1 key remote code=oops",
                "costLearned": "failed#1 key remote cost=3 code=oops",
            ],
            .cancelled: ["retried": "queued#2 cost=1.25", "note": "cancelled#1 key remote cost=1.25 code=cancelled"],
            .cancelledAwaited: [
                "note": "cancelled#1 key remote awaited code=cancelled",
                "costLearned": "cancelled#1 key remote cost=3 code=cancelled",
                "costUnknown": "cancelled#1 key remote code=cancelled",
            ],
            .cancelledForGuard: [
                "retried": "queued#2 cost=0", "waitsAgain": "queued#2 cost=0",
                "note": "cancelled#1 key remote cost=0 code=cancelled",
            ],
            .withdrawn: ["retried": "queued#1"],
            // The steps are about attempt 1, which has ended.
            .secondWaiting: [
                "withdrawn": "cancelled#2 cost=0 code=removed", "reseeded": "queued#2 cost=0",
                "note": "queued#2 cost=0",
            ],
        ]
    }()

    /// A short description of a task, from the view that users read and the attempt behind it.
    static func description(for task: Int64, in shell: Shell) throws -> String {
        try shell.one(
            """
            SELECT t.state || '#' || t.attempt || iif(t.submission_key IS NULL, '', ' key')
                || iif(t.task_id IS NULL, '', ' remote') || iif(t.outcome_unknown_at_ms IS NULL, '', ' unknown')
                || iif(t.lost_at_ms IS NULL, '', ' lost') || iif(a.output_url IS NULL, '', ' url')
                || iif(t.output_path IS NULL, '', ' saved') || iif(a.is_cost_awaited = 1, ' awaited', '')
                || iif(t.credits_nano IS NULL, '', ' cost=' || printf('%g', t.credits))
                || iif(t.failure_code IS NULL, '', ' code=' || t.failure_code)
            FROM task AS t LEFT JOIN attempt AS a ON a.task = t.id AND a.submission_key = t.submission_key
            WHERE t.id = \(task)
            """)
    }

    static func everything(of task: Int64, in shell: Shell) throws -> [String] {
        try shell.rows("SELECT * FROM task_state WHERE id = \(task)")
            + shell.rows("SELECT * FROM attempt WHERE task = \(task)")
            + shell.rows("SELECT * FROM event WHERE task = \(task)")
    }

    @Test(arguments: Progress.allCases)
    func `a step applies to a state or is refused completely`(progress: Progress) throws {
        let rig = try Rig(tasks: Self.steps.indices.map { Rig.spec("task-\($0)") })
        let shell = try rig.shell()
        for (index, step) in Self.steps.enumerated() {
            let task = Int64(index + 1)
            try rig.store.writeAndWait(progress.path(task).map { Mutation(at: rig.tick(), $0) })
            let before = try Self.everything(of: task, in: shell)
            let expected = Self.outcomes[progress]?[step.name]
            do {
                try rig.apply(step.make(task))
                #expect(try Self.description(for: task, in: shell) == expected, "\(progress) and \(step.name)")
                #expect(try shell.rows("SELECT * FROM event WHERE task = \(task)").count > eventCount(before))
            } catch let error as StoreError {
                #expect(error.kind == .conflict, "\(progress) and \(step.name): \(error)")
                #expect(expected == nil, "\(progress) and \(step.name): \(error)")
                #expect(try Self.everything(of: task, in: shell) == before)
            }
        }
        #expect(try rig.store.problems() == [])
    }

    private func eventCount(_ rows: [String]) -> Int { rows.count { !$0.isEmpty } - 2 }

    @Test func `the test covers all steps`() {
        // A new step breaks the build here; the table above must then include it.
        func name(_ step: Mutation.Kind) -> String {
            switch step {
            case .intent: "intent"
            case .repeated: "repeated"
            case .notAccepted: "notAccepted"
            case .uncertain: "uncertain"
            case .accepted: "accepted"
            case .running: "running"
            case .settled: "settled"
            case .costLearned: "costLearned"
            case .costUnknown: "costUnknown"
            case .assetFound: "assetFound"
            case .noAsset: "noAsset"
            case .unverified: "unverified"
            case .saved: "saved"
            case .clipGone: "clipGone"
            case .lost: "lost"
            case .found: "found"
            case .unresolved: "unresolved"
            case .withdrawn: "withdrawn"
            case .retried: "retried"
            case .reseeded: "reseeded"
            case .cancelWanted: "cancelWanted"
            case .reservationRaised: "reservationRaised"
            case .waitsAgain: "waitsAgain"
            // Commands are tested separately.
            case .withdrawnByCommand, .retriedByCommand, .commandEnded: "command"
            case .keyTrust: "keyTrust"
            case .note: "note"
            }
        }
        #expect(Set(Self.steps.map { name($0.make(1)) }).count == 24)
    }

    @Test func `an intent needs the task's own number and model`() throws {
        let rig = try Rig()
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent(1, 2)) }
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent(1, 1, model: "veo-3")) }
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent(9)) }
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "0")
    }

    @Test func `a submission key is used by one attempt only`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try rig.apply(Steps.intent(1, key: "same"))
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent(2, key: "same")) }
        #expect(try rig.shell().one("SELECT is_submitted FROM task_state WHERE id = 2") == "0")
    }

    @Test func `an attempt that was not accepted is reopened with the fields of the new intent`() throws {
        let rig = try Rig()
        let attempt = AttemptID(task: TaskID(1), number: 1)
        try rig.apply(Steps.intent(), .notAccepted(attempt, Steps.fault))
        let shell = try rig.shell()
        #expect(try shell.one("SELECT submission_key IS NULL, submitted_at_ms IS NULL FROM task") == "1|1")
        try rig.apply(Steps.intent(reserved: "7", key: "second"))
        #expect(
            try shell.rows("SELECT number, submission_key, reserved_nano, not_accepted_at_ms FROM attempt")
                == ["1|second|7000000000|"])
        #expect(try shell.rows("SELECT message FROM event WHERE kind = 'intent'") == ["key-1-1", "second"])
    }

    @Test func `the times of the first unknown outcome and of the first loss stay`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let shell = try rig.shell()
        for (task, column) in [(Int64(1), "outcome_unknown_at_ms"), (2, "lost_at_ms")] {
            let attempt = AttemptID(task: TaskID(task), number: 1)
            try rig.apply(Steps.intent(task))
            if task == 2 { try rig.apply(Steps.accepted(task)) }
            let again: Mutation.Kind = task == 1 ? .uncertain(attempt, Steps.fault) : .lost(attempt, Steps.fault)
            try rig.apply(again)
            let first = rig.clock
            try rig.apply(again)
            #expect(try shell.one("SELECT \(column) FROM task WHERE id = \(task)") == "\(first)")
        }
    }

    @Test func `key support is stored and may change`() throws {
        let rig = try Rig()
        let account = KeyFingerprint("0123456789ab")
        func trust() throws -> KeySupport {
            try rig.store.keyTrust(baseURL: "https://api.example", account: account, dialect: .flat)
        }
        #expect(try trust() == .unknown)
        for word in [KeySupport.ignored, .honored] {
            try rig.apply(
                .keyTrust(
                    KeySupportRecord(
                        baseURL: "https://api.example", account: account, dialect: .flat, trust: word,
                        evidence: "echo")))
            #expect(try trust() == word)
        }
        #expect(try rig.store.keyTrust(baseURL: "https://api.example", account: account, dialect: .params) == .unknown)
        #expect(try rig.shell().rows("SELECT code FROM event WHERE kind = 'key_trust'") == ["ignored", "honoured"])
    }
}
