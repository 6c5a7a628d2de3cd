import DailiesCore

/// A settled attempt with an unknown cost.
package struct AttemptWithoutCost: Hashable, Sendable {
    package let attempt: AttemptID
    package let batch: BatchID
    package let batchName: String
    package let key: TaskKey
    /// The provider's task ID.
    package let remote: RemoteTaskID
    package let submissionKey: SubmissionKey
    /// The fingerprint of the API key that sent it.
    package let account: KeyFingerprint
}

/// Queries for `reconcile`.
extension Store {
    /// Tasks whose latest attempt has an unknown outcome (uncertain, or being submitted when the last run ended) or is
    /// lost, by ID.
    ///
    /// Reads the index of unfinished attempts: the cost depends on the number of open attempts, not of tasks.
    ///
    /// - Parameter batch: nil: all batches.
    package func unresolvedTasks(in batch: BatchID? = nil) throws(StoreError) -> [TaskID] {
        try reading { database throws(StoreError) in
            var tasks: [TaskID] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                tasks += try database.column(
                    """
                    SELECT task FROM attempt
                    WHERE batch_id = $1 AND (is_open OR is_unsaved OR is_cost_awaited)
                        AND is_open AND (task_id IS NULL OR lost_at_ms IS NOT NULL)
                    ORDER BY task
                    """, SQLValue(stored.id))
            }
            return tasks.sorted()
        }
    }

    /// A page of the settled attempts at the provider whose cost was queried without success, by task and number. Reads
    /// the index of unknown costs.
    ///
    /// - Parameters:
    ///   - batch: nil: all batches.
    ///   - last: the end of the previous page; nil for the first.
    package func attemptsWithoutCost(
        in batch: BatchID? = nil, after last: AttemptID? = nil, limit: Int
    ) throws(StoreError) -> [AttemptWithoutCost] {
        try reading { database throws(StoreError) in
            var page: [AttemptWithoutCost] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                page += try database.rows(
                    """
                    SELECT a.task, a.number, i.key, a.task_id, a.key_fingerprint, a.submission_key
                    FROM attempt AS a JOIN task_input AS i ON i.id = a.task
                    WHERE a.batch_id = $1 AND a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL
                        AND a.task_id IS NOT NULL AND NOT a.is_cost_awaited AND (a.task, a.number) > ($2, $3)
                    ORDER BY a.task, a.number LIMIT $4
                    """, SQLValue(stored.id), SQLValue(last?.task.rawValue ?? .min), SQLValue(last?.number ?? 0),
                    SQLValue(limit)
                ) { row throws(StoreError) in
                    AttemptWithoutCost(
                        attempt: try row.attempt(), batch: stored.id, batchName: stored.name, key: row["key"],
                        remote: row["task_id"], submissionKey: row["submission_key"],
                        account: row["key_fingerprint"])
                }
            }
            return Array(page.sorted { $0.attempt < $1.attempt }.prefix(limit))
        }
    }

}
