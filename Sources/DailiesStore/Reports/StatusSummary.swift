import DailiesCore

/// The state of all batches at one time.
public struct StatusSummary: Hashable, Sendable {
    /// Oldest first.
    public var batches: [BatchStatus]
    /// The time of the latest event; nil if there are none.
    public var lastEventAt: Instant?

    /// The sum over all batches, without budgets, which belong to batches.
    public var total: StatusCounts { batches.reduce(into: StatusCounts()) { $0.add($1.counts) } }
}

/// The state of one batch.
public struct BatchStatus: Hashable, Sendable {
    /// The batch as stored.
    public let batch: StoredBatch
    /// The counts of its tasks, attempts and credits.
    public var counts: StatusCounts
    /// When its first attempt was sent; nil: none was.
    public let firstSubmittedAt: Instant?
    /// When an attempt last ended; nil: none has.
    public let lastSettledAt: Instant?
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
    public var inTheAir = 0
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
    public var inFlight: Int { inTheAir + accepted + running }

    /// Creates zero counts.
    public init() {}

    /// Adds another batch's counts and amounts.
    public mutating func add(_ other: StatusCounts) {
        states.merge(other.states, uniquingKeysWith: +)
        waiting += other.waiting
        heldBack.merge(other.heldBack, uniquingKeysWith: +)
        inTheAir += other.inTheAir
        uncertain += other.uncertain
        accepted += other.accepted
        running += other.running
        lost += other.lost
        unsaved += other.unsaved
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
    public func summary(_ batches: [BatchID]? = nil) throws(StoreError) -> StatusSummary {
        try reading { database throws(StoreError) in try database.summary(batches) }
    }
}

extension Store {
    /// The number of waiting tasks of a batch whose last attempt a guard cancelled, by reason.
    public func heldBack(in batch: BatchID) throws(StoreError) -> [CancelReason: Int] {
        try reading { database throws(StoreError) in try database.heldBack(in: batch) }
    }
}

extension Store {
    /// A summary of the present state that is counted later, since counting takes time in proportion to the number of
    /// tasks and a starting run need not wait for it.
    ///
    /// - Returns: a function that counts and releases the snapshot. Call it once, soon, from any one thread: until then
    ///   the log cannot be checkpointed.
    public func summaryLater(
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
        let last = try first("SELECT at_ms FROM event ORDER BY id DESC LIMIT 1") { row in row.instant(0) }
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
                last_settled_at_ms FROM batch_total WHERE batch_id = ?
            """, SQLValue(batch.id)
        ) { row in
            (settled: row.total(0), reserved: row.total(2), first: row.optionalInstant(4), last: row.optionalInstant(5))
        }
        counts.settled = times?.settled ?? .zero
        counts.reserved = times?.reserved ?? .zero
        return BatchStatus(batch: batch, counts: counts, firstSubmittedAt: times?.first, lastSettledAt: times?.last)
    }

    /// Counts in one row, since groups per state would be sorted in memory that grows with the number of tasks.
    private func countTasks(of batch: BatchID, into counts: inout StatusCounts) throws(StoreError) {
        let states = TaskState.allCases
        let sums = states.map { "sum(state = '\($0.rawValue)')" }.joined(separator: ", ")
        let found = try first(
            """
            SELECT \(sums), sum(state = 'queued' AND has_key = 0), count(*) FROM task_standing WHERE batch_id = ?
            """, SQLValue(batch)
        ) { row in (0..<states.count + 2).map { row.int(Int32($0)) } }
        guard let found else { return }
        guard found.prefix(states.count).reduce(0, +) == found[states.count + 1] else { throw StoreError.forbiddenWord }
        for (state, tasks) in zip(states, found) where tasks > 0 { counts.states[state] = tasks }
        counts.waiting = found[states.count]
    }

    /// Reads the small index of attempts that guards wanted cancelled.
    func heldBack(in batch: BatchID) throws(StoreError) -> [CancelReason: Int] {
        let found = try rows(
            """
            SELECT a.cancel_reason, count(*) FROM attempt AS a JOIN task_standing AS s ON s.id = a.task
            WHERE a.batch_id = ? AND a.cancel_reason IS NOT NULL AND a.state = 'cancelled'
                AND s.state = 'queued' AND s.has_key = 0 AND s.attempt = a.n + 1
            GROUP BY a.cancel_reason
            """, SQLValue(batch)
        ) { row throws(StoreError) in (reason: try row.word(0, as: CancelReason.self), count: row.int(1)) }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.reason, $0.count) })
    }

    /// Reads two small indexes and nothing settled.
    private func countAttempts(of batch: BatchID, into counts: inout StatusCounts) throws(StoreError) {
        let isAtProvider = "is_open AND task_id IS NOT NULL AND lost_at_ms IS NULL"
        let found = try first(
            """
            SELECT sum(is_open AND task_id IS NULL AND outcome_unknown_at_ms IS NULL),
                sum(outcome_unknown_at_ms IS NOT NULL), sum(is_open AND task_id IS NOT NULL AND state = 'queued'),
                sum(state = 'running'), sum(is_open AND lost_at_ms IS NOT NULL), sum(is_unsaved),
                sum(is_unsaved AND failure_code IS 'no_asset'), sum(is_cost_awaited),
                coalesce(sum(reserved_nano / 1000000000) FILTER (WHERE \(isAtProvider)), 0),
                coalesce(sum(reserved_nano % 1000000000) FILTER (WHERE \(isAtProvider)), 0)
            FROM attempt WHERE batch_id = ? AND (is_open OR is_unsaved OR is_cost_awaited)
            """, SQLValue(batch)
        ) { row in (counts: (0..<8).map { row.int($0) }, reserved: row.total(8)) }
        guard let (found, reserved) = found else { return }
        counts.inTheAir = found[0]
        counts.uncertain = found[1]
        counts.accepted = found[2]
        counts.running = found[3]
        counts.lost = found[4]
        counts.unsaved = found[5]
        counts.noAsset = found[6]
        counts.costAwaited = found[7]
        counts.reservedAtProvider = reserved
        let unknown = try first(
            """
            SELECT count(*) FROM attempt
            WHERE batch_id = ? AND settled_at_ms IS NOT NULL AND credits_nano IS NULL AND is_cost_awaited = 0
            """, SQLValue(batch)
        ) { row in row.int(0) }
        counts.costUnknown = unknown ?? 0
    }
}
