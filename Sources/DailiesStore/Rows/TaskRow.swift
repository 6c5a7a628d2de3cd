import DailiesCore

/// One task as listings show it: its latest attempt, and the cost of all its attempts.
public struct TaskRow: Hashable, Sendable {
    /// The store's number of it.
    public let id: TaskID
    /// The batch that it belongs to.
    public let batch: BatchID
    /// The batch's name.
    public let batchName: String
    /// What its manifest, or its content, calls it.
    public let key: TaskKey
    /// The word of the column `state`.
    public let state: TaskState
    /// The model that it is for.
    public let model: ModelID
    /// As its manifest has it; may hold anything.
    public let prompt: String
    /// As its next or latest attempts send it.
    public let request: CanonicalRequest
    /// As its manifest has it: another one where its user gave it a new seed.
    public let listedRequest: CanonicalRequest
    /// By name, each name once.
    public let tags: [TaskSpec.Tag]
    /// Higher ones are submitted first. 0 where the manifest says nothing.
    public let priority: Int
    /// The file name asked for in the manifest.
    public let output: String?
    /// Where the image was found that its request names by its content; nil where it names none.
    public let imagePath: String?
    /// The number of the latest attempt, or, while it waits, of the next.
    public let attempt: Int
    /// Over all attempts; nil: nothing is known, or one that is settled is not.
    public let credits: Credits?
    /// Of the latest attempt; nil while the task waits or when it was withdrawn.
    public let latest: LatestAttempt?
    /// It waits again, since a guard cancelled its last attempt.
    public let heldBack: CancelReason?
    /// Ended before it was sent: `removed` or `cancelled`.
    public let withdrawn: WithdrawalReason?
    /// When that was durable.
    public let withdrawnAt: Instant?
    /// When the final state was durable.
    public var settledAt: Instant? { latest?.settledAt ?? withdrawnAt }
    /// Of the latest attempt, or why it was withdrawn.
    public var failureCode: String? { latest?.failureCode ?? withdrawn?.rawValue }
    /// Its latest attempt was sent, and nobody knows what became of it.
    public var isUncertain: Bool { latest?.outcomeUnknownAt != nil }
}

/// The latest attempt of a listed task. The address of its clip is left out: it would open the clip to any reader.
public struct LatestAttempt: Hashable, Sendable {
    /// What it was sent under.
    public let submissionKey: SubmissionKey
    /// The provider's name of it; nil: not heard yet.
    public let remoteID: RemoteTaskID?
    /// The shape of its bytes.
    public let dialect: Dialect
    /// The mark of the API key that may ask for it: that which sent it, unless another one took its place.
    public let account: KeyFingerprint
    /// Another key of the same account sent it, as a user said.
    public let isHandedOver: Bool
    /// The render existed before it was asked for here.
    public let isReplayed: Bool
    /// The provider's estimate.
    public let estimated: Credits?
    /// Held for it against the budget.
    public let reserved: Credits?
    /// A guard wanted it cancelled.
    public let cancelReason: CancelReason?
    /// Its cost is not known, and is asked for still.
    public let isCostAwaited: Bool
    /// When its intent was durable.
    public let submittedAt: Instant
    /// When it was last sent.
    public let sentAt: Instant
    /// Since when its fate is unknown; nil: it is known.
    public let outcomeUnknownAt: Instant?
    /// Since when the provider does not know it any more.
    public let lostAt: Instant?
    /// The provider's time of its end.
    public let completedAt: Instant?
    /// When its end was durable here.
    public let settledAt: Instant?
    /// Seconds of output, as the provider states them.
    public let deliveredSeconds: Double?
    /// Of its clip, absolute; nil: none is on disk.
    public let outputPath: String?
    /// 64 lowercase hexadecimal digits.
    public let outputSHA256: String?
    /// Length of the file.
    public let outputBytes: Int64?
    /// The provider's code, or ours.
    public let failureCode: String?
    /// For people; may hold anything.
    public let failureMessage: String?
}

/// Which tasks are listed: those that fit everything that is set.
public struct TaskFilter: Hashable, Sendable {
    /// What is no state of its own.
    public enum Condition: Hashable, Sendable, CaseIterable {
        /// Waits for a slot.
        case waiting
        /// In the air too: while no runner works, it is as uncertain.
        case uncertain
        /// Accepted, and unknown to the provider by now.
        case lost
        /// Paid and not saved.
        case unsaved
        /// The latest attempt is settled and its cost is not known.
        case costUnknown
    }
    /// Of these batches; nil: of any.
    public var batches: [BatchID]?
    /// With these keys; nil: with any.
    public var keys: [TaskKey]?
    /// In these states; nil: in any.
    public var states: [TaskState]?
    /// With this tag; nil: with any or none.
    public var tag: TaskSpec.Tag?
    /// For which this holds; nil: whatever holds.
    public var condition: Condition?
    /// Takes its properties as they are given; by default everything fits.
    public init(
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
    /// A page of tasks in the order of their ids, which is that of the manifest.
    ///
    /// - Parameters:
    ///   - last: the last id of the page before; nil for the first.
    ///   - limit: at most this many.
    public func tasks(
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

/// The statement of a listing, put together from fixed parts.
private struct TaskRowQuery {
    private(set) var statement = """
        SELECT s.id, s.batch_id, b.name, i.key, s.state, s.model, json_extract(i.request, '$.prompt'),
            \(Store.requestAsSent), i.tags, s.priority, i.output, s.attempt, s.credits_nano, s.withdrawn_code, s.withdrawn_at_ms,
            a.submission_key, a.task_id, a.dialect, a.key_fingerprint, a.is_replayed, a.estimated_credits_nano,
            a.reserved_nano, a.is_cost_awaited, a.submitted_at_ms, a.outcome_unknown_at_ms, a.lost_at_ms,
            a.completed_at_ms, a.settled_at_ms, a.delivered_seconds, a.output_path, a.output_sha256, a.output_bytes,
            a.failure_code, a.failure_message, i.request, a.cancel_reason, g.cancel_reason, a.sent_at_ms,
            CASE WHEN instr(i.request, '"image_init":"sha256:') > 0 THEN (
                SELECT path FROM image WHERE sha256 = substr(json_extract(i.request, '$.image_init'), 8)) END,
            a.handed_over_from IS NOT NULL
        FROM task_standing AS s JOIN task_input AS i ON i.id = s.id JOIN batch AS b ON b.id = s.batch_id
        LEFT JOIN attempt AS a ON a.task = s.id AND a.n = s.attempt AND s.has_key = 1
        LEFT JOIN attempt AS g ON g.task = s.id AND g.n = s.attempt - 1 AND g.state = 'cancelled'
            AND s.has_key = 0 AND s.state = 'queued'
        WHERE s.id > ?
        """
    private(set) var values: [SQLValue]

    init(filter: TaskFilter, last: TaskID?, limit: Int) {
        values = [.integer(last?.rawValue ?? .min)]
        if let batches = filter.batches {
            narrow("s.batch_id IN (SELECT value FROM json_each(?))")
            values.append(.text("[" + batches.map(\.description).joined(separator: ",") + "]"))
        }
        if let keys = filter.keys {
            narrow("i.key IN (SELECT value FROM json_each(?))")
            values.append(.text(JSONText.list(keys.map(\.text))))
        }
        if let states = filter.states {
            narrow("s.state IN (SELECT value FROM json_each(?))")
            values.append(.text(JSONText.list(states.map(\.rawValue))))
        }
        if let tag = filter.tag {
            narrow("EXISTS (SELECT 1 FROM json_each(i.tags) WHERE key = ? AND value = ?)")
            values += [.text(tag.name), .text(tag.value)]
        }
        if let condition = filter.condition { narrow(Self.words(for: condition)) }
        statement += "\nORDER BY s.id LIMIT ?"
        values.append(SQLValue(limit))
    }

    private mutating func narrow(_ condition: String) { statement += "\nAND \(condition)" }

    private static func words(for condition: TaskFilter.Condition) -> String {
        switch condition {
        case .waiting: "s.state = 'queued' AND s.has_key = 0"
        case .uncertain: "a.is_open AND a.task_id IS NULL"
        case .lost: "a.is_open AND a.lost_at_ms IS NOT NULL"
        case .unsaved: "a.is_unsaved"
        case .costUnknown: "a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL"
        }
    }

    static func task(in row: DailiesStore.SQLRow, of database: SQLiteConnection) throws(StoreError) -> TaskRow {
        TaskRow(
            id: TaskID(row.integer(0)), batch: BatchID(row.integer(1)), batchName: row.text(2),
            key: TaskKey(row.text(3)), state: try row.word(4), model: ModelID(row.text(5)), prompt: row.text(6),
            request: CanonicalRequest(text: row.text(7)), listedRequest: CanonicalRequest(text: row.text(34)),
            tags: try database.tags(in: row.text(8)),
            priority: row.int(9), output: row.optionalText(10), imagePath: row.optionalText(38),
            attempt: try row.attemptNumber(11),
            credits: row.optionalCredits(12), latest: try latest(in: row),
            heldBack: row.isNull(36) ? nil : try row.word(36),
            withdrawn: row.isNull(13) ? nil : try row.word(13), withdrawnAt: row.optionalInstant(14))
    }

    private static func latest(in row: DailiesStore.SQLRow) throws(StoreError) -> LatestAttempt? {
        guard let key = row.optionalText(15) else { return nil }
        return LatestAttempt(
            submissionKey: SubmissionKey(key), remoteID: row.optionalText(16).map(RemoteTaskID.init),
            dialect: try row.word(17), account: KeyFingerprint(row.text(18)), isHandedOver: row.bool(39),
            isReplayed: row.bool(19),
            estimated: row.optionalCredits(20), reserved: row.optionalCredits(21),
            cancelReason: row.isNull(35) ? nil : try row.word(35), isCostAwaited: row.bool(22),
            submittedAt: row.instant(23), sentAt: row.instant(37), outcomeUnknownAt: row.optionalInstant(24),
            lostAt: row.optionalInstant(25),
            completedAt: row.optionalInstant(26), settledAt: row.optionalInstant(27),
            deliveredSeconds: row.optionalReal(28), outputPath: row.optionalText(29),
            outputSHA256: row.optionalText(30), outputBytes: row.optionalInteger(31),
            failureCode: row.optionalText(32), failureMessage: row.optionalText(33))
    }
}
