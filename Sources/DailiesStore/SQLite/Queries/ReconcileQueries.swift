import DailiesCore

extension Settlement {
    /// The code of a task whose outcome nobody could learn and which its user gave up: failed, at an unknown cost.
    public static let assumedLost = "assumed_lost"

    /// The user's word that a render is lost. It may have been billed all the same, so that its cost stays unknown.
    public static func assumedLost(because reason: String) -> Settlement {
        Settlement(end: .failed, charges: [], failureCode: assumedLost, failureMessage: reason)
    }
}

/// An attempt that is over, at a cost that nobody has stated.
public struct AttemptWithoutCost: Hashable, Sendable {
    /// The attempt that is asked about.
    public let attempt: AttemptID
    /// Its batch.
    public let batch: BatchID
    /// The batch's name.
    public let batchName: String
    /// Of its task.
    public let key: TaskKey
    /// What the provider calls it.
    public let remote: RemoteTaskID
    /// What it was sent under.
    public let submissionKey: SubmissionKey
    /// The mark of the API key that it was sent with.
    public let account: KeyFingerprint
}

/// What `reconcile` reads.
extension Store {
    /// The tasks whose latest attempt is in doubt: sent without an answer (uncertain, or in the air when the last run
    /// ended), or not known to the provider any more. By id.
    ///
    /// Read from the index of what is unfinished: the cost follows what is open, not how many tasks there are.
    ///
    /// - Parameter batch: nil: of all batches.
    public func unresolvedTasks(in batch: BatchID? = nil) throws(StoreError) -> [TaskID] {
        try reading { database throws(StoreError) in
            var tasks: [TaskID] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                tasks += try database.rows(
                    """
                    SELECT task FROM attempt
                    WHERE batch_id = ? AND (is_open OR is_unsaved OR is_cost_awaited)
                        AND is_open AND (task_id IS NULL OR lost_at_ms IS NOT NULL)
                    ORDER BY task
                    """, SQLValue(stored.id)
                ) { row in TaskID(row.integer(0)) }
            }
            return tasks.sorted()
        }
    }

    /// A page of the attempts that are over, were asked for their cost in vain, and have a name at the provider. By task,
    /// then number, read from the index of unknown costs.
    ///
    /// - Parameters:
    ///   - batch: nil: of all batches.
    ///   - last: where the page before ended; nil for the first.
    public func attemptsWithoutCost(
        in batch: BatchID? = nil, after last: AttemptID? = nil, limit: Int
    ) throws(StoreError) -> [AttemptWithoutCost] {
        try reading { database throws(StoreError) in
            var page: [AttemptWithoutCost] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                page += try database.rows(
                    """
                    SELECT a.task, a.n, i.key, a.task_id, a.key_fingerprint, a.submission_key
                    FROM attempt AS a JOIN task_input AS i ON i.id = a.task
                    WHERE a.batch_id = ? AND a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL
                        AND a.task_id IS NOT NULL AND a.is_cost_awaited = 0 AND (a.task, a.n) > (?, ?)
                    ORDER BY a.task, a.n LIMIT ?
                    """, SQLValue(stored.id), SQLValue(last?.task.rawValue ?? .min), SQLValue(last?.number ?? 0),
                    SQLValue(limit)
                ) { row throws(StoreError) in
                    AttemptWithoutCost(
                        attempt: try row.attempt(0, 1), batch: stored.id,
                        batchName: stored.name, key: TaskKey(row.text(2)), remote: RemoteTaskID(row.text(3)),
                        submissionKey: SubmissionKey(row.text(5)), account: KeyFingerprint(row.text(4)))
                }
            }
            return Array(page.sorted { $0.attempt < $1.attempt }.prefix(limit))
        }
    }

}
