import DailiesCore

/// What a forecast is made from: how long tasks took, and how long those in flight have been there.
public struct ThroughputSample: Hashable, Sendable {
    /// From the last send to completion, of the last tasks that completed.
    public var durations: [Duration] = []
    /// When the open attempts that the provider has were sent.
    public var sentAt: [Instant] = []
    /// Nothing to learn from.
    public init() {}
}

extension Store {
    /// The newest rows of the log that are looked at: a look costs the same however long it is.
    private static let logWindow = 5_000
    private static let mostSamples = 200
    private static let mostOpen = 10_000

    /// Durations of the last tasks of the store, and ages of what these batches have in flight.
    public func paceSample(_ batches: [BatchID]? = nil) throws(StoreError) -> ThroughputSample {
        try reading { database throws(StoreError) in
            var sample = ThroughputSample()
            sample.durations = try database.rows(
                """
                SELECT e.at_ms - a.sent_at_ms FROM event AS e
                JOIN attempt AS a ON a.task = e.task AND a.n = e.attempt
                WHERE e.kind = 'completed' AND e.at_ms > a.sent_at_ms AND e.id > (SELECT coalesce(max(id), 0) - ? FROM event)
                ORDER BY e.id DESC LIMIT ?
                """, SQLValue(Self.logWindow), SQLValue(Self.mostSamples)
            ) { row in .milliseconds(row.integer(0)) }
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                sample.sentAt += try database.rows(
                    """
                    SELECT sent_at_ms FROM attempt
                    WHERE batch_id = ? AND (is_open OR is_unsaved OR is_cost_awaited) AND is_open
                        AND task_id IS NOT NULL AND lost_at_ms IS NULL LIMIT ?
                    """, SQLValue(batch.id), SQLValue(Self.mostOpen)
                ) { row in row.instant(0) }
            }
            return sample
        }
    }

    /// Changes whenever another connection has committed. Of no meaning between two stores that were opened.
    public func dataVersion() throws(StoreError) -> Int64 {
        try reading { database throws(StoreError) in
            try database.first("PRAGMA data_version") { row in row.integer(0) } ?? 0
        }
    }
}
