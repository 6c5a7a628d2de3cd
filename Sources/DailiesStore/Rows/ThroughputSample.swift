import DailiesCore

/// The data for a forecast: how long tasks took, and when those in flight were sent.
package struct ThroughputSample: Hashable, Sendable {
    /// Times from the last send to completion, for recently completed tasks.
    package var durations: [Duration] = []
    /// When the open attempts at the provider were sent.
    package var sentAt: [Instant] = []
    package init() {}
}

extension Store {
    /// Number of newest log rows that are read, so that the cost does not depend on the log's length.
    private static let logWindow = 5_000
    private static let maximumSamples = 200
    private static let maximumOpen = 10_000

    /// Durations of the store's last tasks, and send times of these batches' tasks in flight.
    package func paceSample(_ batches: [BatchID]? = nil) throws(StoreError) -> ThroughputSample {
        try reading { database throws(StoreError) in
            var sample = ThroughputSample()
            let milliseconds: [Int64] = try database.column(
                """
                SELECT e.at_ms - a.sent_at_ms FROM event AS e
                JOIN attempt AS a ON a.task = e.task AND a.number = e.attempt
                WHERE e.kind = 'completed' AND e.at_ms > a.sent_at_ms AND e.id > (SELECT coalesce(max(id), 0) - $1 FROM event)
                ORDER BY e.id DESC LIMIT $2
                """, SQLValue(Self.logWindow), SQLValue(Self.maximumSamples))
            sample.durations = milliseconds.map { .milliseconds($0) }
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                sample.sentAt += try database.column(
                    """
                    SELECT sent_at_ms FROM attempt
                    WHERE batch_id = $1 AND (is_open OR is_unsaved OR is_cost_awaited) AND is_open
                        AND task_id IS NOT NULL AND lost_at_ms IS NULL LIMIT $2
                    """, SQLValue(batch.id), SQLValue(Self.maximumOpen))
            }
            return sample
        }
    }

    /// A number that changes whenever another connection commits. Not comparable between two opened stores.
    package func dataVersion() throws(StoreError) -> Int64 {
        try reading { database throws(StoreError) in
            try database.value(SQLDialect.changeCounter) ?? 0
        }
    }
}
