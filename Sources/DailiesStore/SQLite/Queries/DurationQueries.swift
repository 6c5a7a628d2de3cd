import DailiesCore

extension Store {
    /// Durations of the last submitted clips, for adaptive polling. Reads the last `rows` attempts by ID,
    /// whatever the size of the store.
    ///
    /// If the provider's completion times are used, its clock offset is taken as the smallest difference between a
    /// completion and the time when it was detected.
    ///
    /// - Parameters:
    ///   - batches: the batches of one provider; others are skipped.
    ///   - usesProviderTimes: false if its clock runs at another speed.
    package func observedDurations(
        batches: Set<BatchID>, usesProviderTimes: Bool, rows: Int = 8192
    ) throws(StoreError) -> [ObservedDuration] {
        let ends = try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT a.batch_id, a.model, i.duration_seconds, i.resolution, a.sent_at_ms, a.settled_at_ms,
                    a.completed_at_ms
                FROM attempt AS a JOIN task_input AS i ON i.id = a.task
                WHERE a.id > (SELECT max(id) FROM attempt) - $1 AND a.state = 'completed' AND NOT a.is_replayed
                    AND a.accepted_by = 'reply' AND a.settled_at_ms > a.sent_at_ms
                ORDER BY a.id
                """, SQLValue(rows)
            ) { row in
                End(
                    batch: row["batch_id"], shape: RequestShape(in: row), submitted: row["sent_at_ms"],
                    settled: row["settled_at_ms"], completed: row["completed_at_ms"])
            }
        }.filter { batches.contains($0.batch) }
        let difference = usesProviderTimes ? ends.compactMap(\.lag).min() : nil
        return ends.map { $0.duration(clockDifference: difference) }
    }

    private struct End {
        let batch: BatchID
        let shape: RequestShape
        let submitted: Instant
        let settled: Instant
        let completed: Instant?

        var lag: Duration? { completed.map { settled - $0 } }

        func duration(clockDifference: Duration?) -> ObservedDuration {
            if let clockDifference, let completed {
                let exact = completed + clockDifference - submitted
                if exact > .zero, exact <= settled - submitted {
                    return ObservedDuration(shape: shape, duration: exact, isDetected: false)
                }
            }
            return ObservedDuration(shape: shape, duration: settled - submitted, isDetected: true)
        }
    }
}
