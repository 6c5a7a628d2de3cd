import DailiesCore

extension Settlement {
    /// The code of a task whose outcome nobody could learn and which its user gave up: failed, at an unknown cost.
    public static let assumedLost = "assumed_lost"

    /// The user's word that a render is lost. It may have been billed all the same, so that its cost stays unknown.
    public static func assumedLost(because reason: String) -> Settlement {
        Settlement(end: .failed, charges: [], failureCode: assumedLost, failureMessage: reason)
    }
}

/// What `reconcile` reads.
extension Store {
    /// The tasks whose latest attempt is in doubt: sent without an answer (uncertain, or in the air when the last run
    /// ended), or not known to the provider any more. By id.
    ///
    /// Read from the index of what is unfinished: the cost follows what is open, not how many tasks there are.
    ///
    /// - Parameter batch: nil: of all batches.
    public func doubtfulTasks(in batch: BatchID? = nil) throws(StoreError) -> [TaskID] {
        try reading { database throws(StoreError) in
            var tasks: [TaskID] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                tasks += try database.rows(
                    """
                    SELECT task FROM attempt
                    WHERE batch_id = ? AND (is_open OR is_unsaved OR is_cost_awaited)
                        AND is_open AND (task_id IS NULL OR lost_at_ms IS NOT NULL)
                    ORDER BY task
                    """, Value(stored.id)
                ) { row in TaskID(row.integer(0)) }
            }
            return tasks.sorted()
        }
    }

    /// The task that the provider's name belongs to in this store, other than the one asked for.
    ///
    /// Every attempt at this provider is read: a rare question, so that it has no index.
    public func owner(
        of remote: RemoteTaskID, provider: String, baseURL: String, except task: TaskID
    ) throws(StoreError) -> (batch: String, key: TaskKey)? {
        try reading { database throws(StoreError) in
            try database.first(
                """
                SELECT b.name, i.key FROM attempt AS a JOIN batch AS b ON b.id = a.batch_id
                JOIN task_input AS i ON i.id = a.task
                WHERE a.task_id = ? AND a.task != ? AND b.provider = ? AND b.base_url = ? LIMIT 1
                """, .text(remote.text), Value(task), .text(provider), .text(baseURL)
            ) { row in (batch: row.text(0), key: TaskKey(row.text(1))) }
        }
    }
}
