import DailiesCore

/// One task for listings: its latest attempt, and the cost of all its attempts.
package struct TaskRow: Hashable, Sendable {
    /// Its row number in the store.
    package let id: TaskID
    package let batch: BatchID
    package let batchName: String
    /// The key from its manifest or derived from its content.
    package let key: TaskKey
    /// The value of the column `state`.
    package let state: TaskState
    package let model: ModelID
    /// The prompt from its manifest; may contain any characters.
    package let prompt: String
    /// The request as its next or latest attempt sends it.
    package let request: CanonicalRequest
    /// The request from its manifest; it differs from ``request`` after a new seed was set.
    package let listedRequest: CanonicalRequest
    /// Tags by unique name.
    package let tags: [TaskSpec.Tag]
    /// The priority, higher first. Default 0.
    package let priority: Int
    /// The file name requested in the manifest; nil: none.
    package let output: String?
    /// The path of the image that its request names by digest; nil if it names none.
    package let imagePath: String?
    /// The number of the latest attempt or, while it waits, of the next.
    package let attempt: Int
    /// The cost of all attempts; nil: unknown, in whole or for a settled attempt.
    package let credits: Credits?
    /// The latest attempt; nil while the task waits or if it was withdrawn.
    package let latest: LatestAttempt?
    /// Why a guard cancelled its last attempt, if it therefore waits again; nil: none did.
    package let heldBack: CancelReason?
    /// Why it ended before it was sent; nil: it did not.
    package let withdrawn: WithdrawalReason?
    /// When it was withdrawn.
    package let withdrawnAt: Instant?
    /// When the final state became durable.
    package var settledAt: Instant? { latest?.settledAt ?? withdrawnAt }
    /// The failure code of the latest attempt, or why the task was withdrawn.
    package var failureCode: String? { latest?.failureCode ?? withdrawn?.rawValue }
    /// Whether its latest attempt was sent with an unknown outcome.
    package var isUncertain: Bool { latest?.outcomeUnknownAt != nil }
}

/// The latest attempt of a listed task, without the clip's URL, which would give any reader access to the clip.
package struct LatestAttempt: Hashable, Sendable {
    package let submissionKey: SubmissionKey
    /// The provider's task ID; nil: not known yet.
    package let remoteID: RemoteTaskID?
    /// The dialect of its body.
    package let dialect: Dialect
    /// The fingerprint of the API key that may query it: the sending one, unless another replaced it.
    package let account: KeyFingerprint
    /// Whether another key of the same account sent it, as a user stated.
    package let isTransferred: Bool
    /// Whether the render existed before it was requested here.
    package let isReplayed: Bool
    /// The provider's cost estimate.
    package let estimated: Credits?
    /// Credits reserved in the budget.
    package let reserved: Credits?
    /// Why a guard wanted it cancelled; nil: none did.
    package let cancelReason: CancelReason?
    /// Whether its unknown cost is still being queried.
    package let isCostAwaited: Bool
    /// When its intent became durable.
    package let submittedAt: Instant
    /// When it was last sent.
    package let sentAt: Instant
    /// When its outcome became unknown; nil: it is known.
    package let outcomeUnknownAt: Instant?
    /// When the provider stopped knowing it; nil: it knows it.
    package let lostAt: Instant?
    /// The provider's completion time.
    package let completedAt: Instant?
    /// When its end became durable.
    package let settledAt: Instant?
    /// Seconds of output, as the provider states them.
    package let deliveredSeconds: Double?
    /// The absolute path of its clip; nil: none is saved.
    package let outputPath: String?
    /// The clip's digest: 64 lowercase hexadecimal digits.
    package let outputSHA256: String?
    /// The length of the clip's file.
    package let outputBytes: Int64?
    /// The provider's failure code or one of this program.
    package let failureCode: String?
    /// For display; may contain any characters.
    package let failureMessage: String?
}

/// Selects tasks that match all set conditions.
package struct TaskFilter: Hashable, Sendable {
    /// A condition that is not a state.
    package enum Condition: Hashable, Sendable, CaseIterable {
        /// Waits for a slot.
        case waiting
        /// Uncertain, or being submitted: without an active run that is uncertain too.
        case uncertain
        /// Accepted, but no longer known to the provider.
        case lost
        /// Paid and not saved.
        case unsaved
        /// The latest attempt is settled at an unknown cost.
        case costUnknown
    }
    /// Tasks of these batches; nil: all.
    package var batches: [BatchID]?
    /// Tasks with these keys; nil: all.
    package var keys: [TaskKey]?
    /// Tasks in these states; nil: all.
    package var states: [TaskState]?
    /// Tasks with this tag; nil: all.
    package var tag: TaskSpec.Tag?
    /// Tasks that meet this condition; nil: all.
    package var condition: Condition?
    /// Creates a filter; by default it matches all tasks.
    package init(
        batches: [BatchID]? = nil, keys: [TaskKey]? = nil, states: [TaskState]? = nil,
        tag: TaskSpec.Tag? = nil, condition: Condition? = nil
    ) {
        self.batches = batches
        self.keys = keys
        self.states = states
        self.tag = tag
        self.condition = condition
    }
}

extension Store {
    /// A page of tasks in the order of their IDs, which is that of the manifest.
    ///
    /// - Parameters:
    ///   - last: the last ID of the previous page; nil for the first.
    ///   - limit: the maximum number of tasks.
    package func tasks(
        matching filter: TaskFilter = TaskFilter(), after last: TaskID? = nil, limit: Int
    ) throws(StoreError) -> [TaskRow] {
        precondition(limit > 0, "a page of \(limit) tasks")
        let query = TaskRowQuery(filter: filter, last: last, limit: limit)
        return try reading { database throws(StoreError) in
            try database.rows(query.statement, list: query.values) { row throws(StoreError) in
                try TaskRowQuery.task(in: row, of: database)
            }
        }
    }
}

/// The SQL statement of a listing, built from fixed parts.
private struct TaskRowQuery {
    private(set) var statement = """
        SELECT s.id, s.batch_id, b.name AS batch_name, i.key, s.state, s.model,
            i.request, s.new_seed, i.tags, s.priority, i.output, s.attempt, s.credits_nano, g.cancel_reason AS held_back, s.withdrawn_code, s.withdrawn_at_ms,
            a.submission_key, a.task_id, a.dialect, a.key_fingerprint, a.handed_over_from IS NOT NULL AS is_handed_over,
            a.is_replayed, a.estimated_credits_nano, a.reserved_nano, a.cancel_reason, a.is_cost_awaited,
            a.submitted_at_ms, a.sent_at_ms, a.outcome_unknown_at_ms, a.lost_at_ms, a.completed_at_ms, a.settled_at_ms,
            a.delivered_seconds, a.output_path, a.output_sha256, a.output_bytes, a.failure_code, a.failure_message
        FROM task_state AS s JOIN task_input AS i ON i.id = s.id JOIN batch AS b ON b.id = s.batch_id
        LEFT JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt AND s.is_submitted
        LEFT JOIN attempt AS g ON g.task = s.id AND g.number = s.attempt - 1 AND g.state = 'cancelled'
            AND NOT s.is_submitted AND s.state = 'queued'
        WHERE s.id > $1
        """
    private(set) var values: [SQLValue]

    init(filter: TaskFilter, last: TaskID?, limit: Int) {
        values = [.integer(last?.rawValue ?? .min)]
        if let batches = filter.batches {
            narrow(SQLDialect.isIn("s.batch_id", bind(SQLDialect.list(batches))))
        }
        if let keys = filter.keys { narrow(SQLDialect.isIn("i.key", bind(SQLDialect.list(keys.map(\.text))))) }
        if let states = filter.states {
            narrow(SQLDialect.isIn("s.state", bind(SQLDialect.list(states.map(\.rawValue)))))
        }
        if let tag = filter.tag {
            let (name, value) = (bind(.text(tag.name)), bind(.text(tag.value)))
            narrow("EXISTS (SELECT 1 FROM task_tag WHERE task = s.id AND name = \(name) AND value = \(value))")
        }
        if let condition = filter.condition { narrow(Self.sql(for: condition)) }
        statement += "\nORDER BY s.id LIMIT \(bind(SQLValue(limit)))"
    }

    /// Returns the parameter of a value.
    private mutating func bind(_ value: SQLValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }

    private mutating func narrow(_ condition: String) { statement += "\nAND \(condition)" }

    private static func sql(for condition: TaskFilter.Condition) -> String {
        switch condition {
        case .waiting: "s.state = 'queued' AND NOT s.is_submitted"
        case .uncertain: "a.is_open AND a.task_id IS NULL"
        case .lost: "a.is_open AND a.lost_at_ms IS NOT NULL"
        case .unsaved: "a.is_unsaved"
        case .costUnknown: "a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL"
        }
    }

    static func task(in row: DailiesStore.SQLRow, of database: SQLiteConnection) throws(StoreError) -> TaskRow {
        let id: TaskID = row["id"]
        let listed: CanonicalRequest = row["request"]
        return TaskRow(
            id: id, batch: row["batch_id"], batchName: row["batch_name"], key: row["key"],
            state: try row.word("state"), model: row["model"], prompt: listed.prompt,
            request: row.requestAsSent, listedRequest: listed,
            tags: row["tags"] == "{}" ? [] : try database.tags(of: id), priority: row["priority"],
            output: row["output"],
            imagePath: try listed.imageDigest.flatMap { digest throws(StoreError) in
                try database.path(ofImage: digest)
            }, attempt: try row.attemptNumber("attempt"),
            credits: row["credits_nano"], latest: try latest(in: row), heldBack: try row.optionalWord("held_back"),
            withdrawn: try row.optionalWord("withdrawn_code"), withdrawnAt: row["withdrawn_at_ms"])
    }

    private static func latest(in row: DailiesStore.SQLRow) throws(StoreError) -> LatestAttempt? {
        guard let key: SubmissionKey = row["submission_key"] else { return nil }
        return LatestAttempt(
            submissionKey: key, remoteID: row["task_id"], dialect: try row.word("dialect"),
            account: row["key_fingerprint"], isTransferred: row["is_handed_over"], isReplayed: row["is_replayed"],
            estimated: row["estimated_credits_nano"], reserved: row["reserved_nano"],
            cancelReason: try row.optionalWord("cancel_reason"), isCostAwaited: row["is_cost_awaited"],
            submittedAt: row["submitted_at_ms"], sentAt: row["sent_at_ms"],
            outcomeUnknownAt: row["outcome_unknown_at_ms"], lostAt: row["lost_at_ms"],
            completedAt: row["completed_at_ms"], settledAt: row["settled_at_ms"],
            deliveredSeconds: row["delivered_seconds"], outputPath: row["output_path"],
            outputSHA256: row["output_sha256"], outputBytes: row["output_bytes"], failureCode: row["failure_code"],
            failureMessage: row["failure_message"])
    }
}
