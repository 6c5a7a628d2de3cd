import DailiesCore

/// Failed tasks of one batch with the same code.
package struct FailureGroup: Hashable, Sendable {
    package let batchName: String
    /// The failure code.
    package let code: String
    /// The number of tasks.
    package let count: Int
    /// The first of these tasks in manifest order.
    package let example: TaskKey
    /// The example's failure message, for display; may contain any characters.
    package let message: String?
}

extension Store {
    /// Failures by batch and code, most frequent first. Reads every task of the batches once: for the end of a run.
    ///
    /// - Parameters:
    ///   - batches: nil: all.
    ///   - limit: the maximum number of groups.
    package func failures(_ batches: [BatchID]? = nil, limit: Int = 20) throws(StoreError) -> [FailureGroup] {
        try reading { database throws(StoreError) in
            var groups: [FailureGroup] = []
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                groups += try database.rows(
                    """
                    SELECT g.failure_code, g.tasks, i.key, a.failure_message
                    FROM (
                        SELECT a.failure_code, count(*) AS tasks, min(s.id) AS first_task
                        FROM task_state AS s JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt
                        WHERE s.batch_id = $1 AND s.state = 'failed' AND s.is_submitted
                        GROUP BY a.failure_code ORDER BY count(*) DESC, a.failure_code LIMIT $2) AS g
                    JOIN task_state AS s ON s.id = g.first_task
                    JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt
                    JOIN task_input AS i ON i.id = s.id
                    ORDER BY g.tasks DESC, g.failure_code
                    """, SQLValue(batch.id), SQLValue(limit)
                ) { row in
                    FailureGroup(
                        batchName: batch.name, code: row["failure_code"], count: row["tasks"], example: row["key"],
                        message: row["failure_message"])
                }
            }
            return Array(groups.sorted { $0.count > $1.count }.prefix(limit))
        }
    }
}
