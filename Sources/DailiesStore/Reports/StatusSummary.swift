import DailiesCore

/// The state of all batches at one time.
package struct StatusSummary: Hashable, Sendable {
    /// Oldest first.
    package var batches: [BatchStatus]
    /// The time of the latest event; nil if there are none.
    package var lastEventAt: Instant?

    /// The sum over all batches, without budgets, which belong to batches.
    package var total: StatusCounts { batches.reduce(into: StatusCounts()) { $0.add($1.counts) } }
}

/// The state of one batch.
package struct BatchStatus: Hashable, Sendable {
    /// The batch as stored.
    package let batch: StoredBatch
    /// The counts of its tasks, attempts and credits.
    package var counts: StatusCounts
    /// When its first attempt was sent; nil: none was.
    package let firstSubmittedAt: Instant?
    /// When an attempt last ended; nil: none has.
    package let lastSettledAt: Instant?
}

/// Counts of tasks and attempts, and amounts.
public struct StatusCounts: Hashable, Sendable {
    /// Tasks by state.
    public var states: [TaskState: Int] = [:]
    /// Tasks that wait for a slot.
    public var waiting = 0
    /// Waiting tasks whose last attempt a guard cancelled, by reason.
    public var heldBack: [CancelReason: Int] = [:]
    /// Attempts being submitted: intent recorded, no answer yet. Without an active run they are uncertain too.
    public var submitting = 0
    /// Attempts that were sent with an unknown outcome.
    public var uncertain = 0
    /// Attempts queued at the provider.
    public var accepted = 0
    /// Attempts rendering, as far as known.
    public var running = 0
    /// Accepted or running attempts that the provider no longer knows.
    public var lost = 0
    /// Paid clips that are not saved, including those without a URL.
    public var unsaved = 0
    /// Completed tasks whose latest clip is among them.
    public var completedUnsaved = 0
    /// Unsaved clips for which the provider returns no URL.
    public var noAsset = 0
    /// Settled attempts whose cost is still being queried.
    public var costAwaited = 0
    /// Settled attempts whose cost stays unknown.
    public var costUnknown = 0
    /// Credits charged over all attempts and runs.
    public var settled = CreditTotal.zero
    /// Credits reserved for attempts known to be at the provider.
    public var reservedAtProvider = CreditTotal.zero
    /// Credits reserved for attempts in flight and for unknown costs.
    public var reserved = CreditTotal.zero

    /// Attempts that the provider has or may receive.
    public var inFlight: Int { submitting + accepted + running }
    /// Completed tasks whose latest clip is saved.
    public var saved: Int { states[.completed, default: 0] - completedUnsaved }

    /// Creates zero counts.
    public init() {}

    /// Adds another batch's counts and amounts.
    public mutating func add(_ other: StatusCounts) {
        states.merge(other.states, uniquingKeysWith: +)
        waiting += other.waiting
        heldBack.merge(other.heldBack, uniquingKeysWith: +)
        submitting += other.submitting
        uncertain += other.uncertain
        accepted += other.accepted
        running += other.running
        lost += other.lost
        unsaved += other.unsaved
        completedUnsaved += other.completedUnsaved
        noAsset += other.noAsset
        costAwaited += other.costAwaited
        costUnknown += other.costUnknown
        settled += other.settled
        reserved += other.reserved
        reservedAtProvider += other.reservedAtProvider
    }
}

extension Store {
    /// The state of the given batches.
    ///
    /// - Parameter batches: nil: all.
    package func summary(_ batches: [BatchID]? = nil) throws(StoreError) -> StatusSummary {
        try reading { database throws(StoreError) in try database.summary(batches) }
    }
}

extension Store {
    /// The number of waiting tasks of a batch whose last attempt a guard cancelled, by reason.
    package func heldBack(in batch: BatchID) throws(StoreError) -> [CancelReason: Int] {
        try reading { database throws(StoreError) in try database.heldBack(in: batch) }
    }
}

extension Store {
    /// A summary of the present state that is counted later, since counting takes time in proportion to the number of
    /// tasks and a starting run need not wait for it.
    ///
    /// - Returns: a function that counts and releases the snapshot. Call it once, soon, from any one thread: until then
    ///   the log cannot be checkpointed.
    package func summaryLater(
        _ batches: [BatchID]
    ) throws(StoreError) -> @Sendable () -> Result<StatusSummary, StoreError> {
        try drain()
        let database = try Self.connect(path, for: .reading)
        // Data that is read once from end to end does not benefit from a cache.
        try database.run("PRAGMA cache_size = -256")
        try database.run("BEGIN")
        // A transaction sees the state at its first read.
        _ = try database.batches()
        let held = Locked(Optional(database))
        return {
            held.withLock { database in
                defer { database = nil }
                guard let database else { return .failure(StoreError(.io, "a summary is counted once")) }
                do throws(StoreError) {
                    let summary = try database.summary(batches)
                    try database.run("COMMIT")
                    return .success(summary)
                } catch {
                    return .failure(error)
                }
            }
        }
    }
}

extension SQLiteConnection {
    fileprivate func summary(_ batches: [BatchID]?) throws(StoreError) -> StatusSummary {
        var statuses: [BatchStatus] = []
        for batch in try self.batches() where batches?.contains(batch.id) ?? true {
            statuses.append(try status(of: batch))
        }
        let last: Instant? = try value("SELECT at_ms FROM event ORDER BY id DESC LIMIT 1")
        return StatusSummary(batches: statuses, lastEventAt: last)
    }

    fileprivate func status(of batch: StoredBatch) throws(StoreError) -> BatchStatus {
        var counts = StatusCounts()
        try countTasks(of: batch.id, into: &counts)
        try countAttempts(of: batch.id, into: &counts)
        counts.heldBack = try heldBack(in: batch.id)
        let times = try first(
            """
            SELECT settled_whole, settled_billionths, reserved_whole, reserved_billionths, first_submitted_at_ms,
                last_settled_at_ms FROM batch_total WHERE batch_id = $1
            """, SQLValue(batch.id)
        ) { row in
            (
                settled: row.total("settled"), reserved: row.total("reserved"),
                first: row["first_submitted_at_ms"] as Instant?, last: row["last_settled_at_ms"] as Instant?
            )
        }
        counts.settled = times?.settled ?? .zero
        counts.reserved = times?.reserved ?? .zero
        return BatchStatus(batch: batch, counts: counts, firstSubmittedAt: times?.first, lastSettledAt: times?.last)
    }

    /// Counts in one row, since groups per state would be sorted in memory that grows with the number of tasks.
    private func countTasks(of batch: BatchID, into counts: inout StatusCounts) throws(StoreError) {
        let found = try first(
            """
            SELECT count(*) AS tasks,
                count(*) FILTER (WHERE state = 'queued') AS queued,
                count(*) FILTER (WHERE state = 'running') AS running,
                count(*) FILTER (WHERE state = 'completed') AS completed,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                count(*) FILTER (WHERE state = 'queued' AND NOT is_submitted) AS waiting
            FROM task_state WHERE batch_id = $1
            """, SQLValue(batch)
        ) { row in
            (
                tasks: row["tasks"] as Int, waiting: row["waiting"] as Int,
                states: [
                    .queued: row["queued"], .running: row["running"], .completed: row["completed"],
                    .failed: row["failed"], .cancelled: row["cancelled"],
                ] as [TaskState: Int]
            )
        }
        guard let found else { return }
        guard found.states.values.reduce(0, +) == found.tasks else { throw StoreError.forbiddenWord }
        counts.states = found.states.filter { $0.value > 0 }
        counts.waiting = found.waiting
    }

    /// Reads the small index of attempts that guards wanted cancelled.
    func heldBack(in batch: BatchID) throws(StoreError) -> [CancelReason: Int] {
        let found = try rows(
            """
            SELECT a.cancel_reason, count(*) AS tasks FROM attempt AS a JOIN task_state AS s ON s.id = a.task
            WHERE a.batch_id = $1 AND a.cancel_reason IS NOT NULL AND a.state = 'cancelled'
                AND s.state = 'queued' AND NOT s.is_submitted AND s.attempt = a.number + 1
            GROUP BY a.cancel_reason
            """, SQLValue(batch)
        ) { row throws(StoreError) in
            (reason: try row.word("cancel_reason", as: CancelReason.self), count: row["tasks"] as Int)
        }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.reason, $0.count) })
    }

    /// Reads two small indexes and nothing settled.
    private func countAttempts(of batch: BatchID, into counts: inout StatusCounts) throws(StoreError) {
        let isAtProvider = "is_open AND task_id IS NOT NULL AND lost_at_ms IS NULL"
        try forEach(
            """
            SELECT count(*) FILTER (WHERE is_open AND task_id IS NULL AND outcome_unknown_at_ms IS NULL) AS submitting,
                count(outcome_unknown_at_ms) AS uncertain,
                count(*) FILTER (WHERE is_open AND task_id IS NOT NULL AND state = 'queued') AS accepted,
                count(*) FILTER (WHERE state = 'running') AS running,
                count(*) FILTER (WHERE is_open AND lost_at_ms IS NOT NULL) AS lost,
                count(*) FILTER (WHERE is_unsaved) AS unsaved,
                count(*) FILTER (WHERE is_unsaved AND EXISTS (
                    SELECT 1 FROM task_state AS s WHERE s.id = attempt.task AND s.attempt = attempt.number
                        AND s.state = 'completed')) AS completed_unsaved,
                count(*) FILTER (WHERE is_unsaved AND failure_code = 'no_asset') AS no_asset,
                count(*) FILTER (WHERE is_cost_awaited) AS cost_awaited,
                sum(reserved_nano / 1000000000) FILTER (WHERE \(isAtProvider)) AS reserved_whole,
                sum(reserved_nano % 1000000000) FILTER (WHERE \(isAtProvider)) AS reserved_billionths
            FROM attempt WHERE batch_id = $1 AND (is_open OR is_unsaved OR is_cost_awaited)
            """, [SQLValue(batch)]
        ) { row in
            counts.submitting = row["submitting"]
            counts.uncertain = row["uncertain"]
            counts.accepted = row["accepted"]
            counts.running = row["running"]
            counts.lost = row["lost"]
            counts.unsaved = row["unsaved"]
            counts.completedUnsaved = row["completed_unsaved"]
            counts.noAsset = row["no_asset"]
            counts.costAwaited = row["cost_awaited"]
            counts.reservedAtProvider = row.total("reserved")
        }
        counts.costUnknown =
            try value(
                """
                SELECT count(*) FROM attempt
                WHERE batch_id = $1 AND settled_at_ms IS NOT NULL AND credits_nano IS NULL AND NOT is_cost_awaited
                """, SQLValue(batch)) ?? 0
    }
}
