import DailiesCore

/// How things stand at one moment, batch by batch.
public struct StatusSummary: Hashable, Sendable {
    /// Oldest first.
    public var batches: [BatchStatus]
    /// When anything last became durable; nil in a store without events.
    public var lastEventAt: Instant?

    /// Everything together; the budget is not: it belongs to a batch.
    public var total: StatusCounts { batches.reduce(into: StatusCounts()) { $0.add($1.counts) } }
}

/// One batch, and how it stands.
public struct BatchStatus: Hashable, Sendable {
    /// As it is stored.
    public let batch: StoredBatch
    /// Of its tasks, attempts and money.
    public var counts: StatusCounts
    /// When its first attempt was sent; nil: none was.
    public let firstSubmittedAt: Instant?
    /// When an attempt last ended; nil: none has.
    public let lastSettledAt: Instant?
}

/// Numbers of tasks and attempts, and money.
public struct StatusCounts: Hashable, Sendable {
    /// Tasks by state.
    public var states: [TaskState: Int] = [:]
    /// Tasks that wait for a slot.
    public var waiting = 0
    /// Of those that wait: a guard cancelled their last attempt.
    public var heldBack: [CancelReason: Int] = [:]
    /// Intent recorded, no answer yet. While no runner works these are uncertain too.
    public var inTheAir = 0
    /// Sent, fate unknown.
    public var uncertain = 0
    /// Wait at the provider.
    public var accepted = 0
    /// Render, as far as is known.
    public var running = 0
    /// Accepted or running, but unknown to the provider by now.
    public var lost = 0
    /// Paid, not saved; those without an address among them.
    public var unsaved = 0
    /// Of the unsaved ones, those that the provider gives no address for.
    public var noAsset = 0
    /// Settled, cost unknown but still asked for.
    public var costAwaited = 0
    /// Settled, cost unknown for good.
    public var costUnknown = 0
    /// Charged, over all attempts and runs.
    public var settled = CreditTotal.zero
    /// Held for what is at the provider, as far as it is known there.
    public var reservedAtProvider = CreditTotal.zero
    /// Held against the budget, for what is in flight and for costs that are not known.
    public var reserved = CreditTotal.zero

    /// What the provider has, and what may be on its way to it.
    public var inFlight: Int { inTheAir + accepted + running }

    /// All of it zero.
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
    /// - Parameter batches: nil: all.
    public func summary(_ batches: [BatchID]? = nil) throws(StoreError) -> StatusSummary {
        try reading { database throws(StoreError) in try database.summary(batches) }
    }
}

extension Store {
    /// How many tasks of a batch wait again, since a guard cancelled their last attempt.
    public func heldBack(in batch: BatchID) throws(StoreError) -> [CancelReason: Int] {
        try reading { database throws(StoreError) in try database.heldBack(in: batch) }
    }
}

extension Store {
    /// A summary of the store as it is now, counted later: it takes time with the number of tasks, and whoever starts a run
    /// need not wait for it.
    ///
    /// - Returns: counts, and lets go of the moment. To be called once, soon, from any one thread: until then the log
    ///   cannot be moved into the file.
    public func summaryLater(
        _ batches: [BatchID]
    ) throws(StoreError) -> @Sendable () -> Result<StatusSummary, StoreError> {
        try drain()
        let database = try Self.connect(path, for: .reading)
        // What is read once, from end to end, gains nothing by being kept.
        try database.run("PRAGMA cache_size = -256")
        try database.run("BEGIN")
        // A transaction sees the moment of its first read.
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

    /// In one row: a group for each state would be sorted first, in memory that grows with the number of tasks.
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

    /// Read from the small index of what guards wanted cancelled.
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

    /// From the two small indexes: nothing settled is read.
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
