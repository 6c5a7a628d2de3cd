import CSQLite
import DailiesCore

/// One attempt in the history of a task.
public struct AttemptRow: Hashable, Sendable {
    /// The attempt number, from 1.
    public let number: Int
    /// The current or final state.
    public let state: TaskState
    /// The submission key.
    public let submissionKey: SubmissionKey
    /// The dialect of its body.
    public let dialect: Dialect
    /// The fingerprint of the API key that sent it.
    public let account: KeyFingerprint
    /// The provider's task ID; nil: never known.
    public let remoteID: RemoteTaskID?
    /// When its intent became durable.
    public let submittedAt: Instant
    /// When it was proven not to have reached the provider; nil: it was not.
    public let notAcceptedAt: Instant?
    /// When its end became durable; nil: it is open.
    public let settledAt: Instant?
    /// When a later attempt replaced it; nil: none did.
    public let supersededAt: Instant?
    /// Credits reserved in the budget; nil: none, or released.
    public let reserved: Credits?
    /// The cost; nil: unknown, or not settled.
    public let credits: Credits?
    /// The absolute path of its clip; nil: none is saved.
    public let outputPath: String?
    /// The provider's failure code or one of this program.
    public let failureCode: String?
    /// For display; may contain any characters.
    public let failureMessage: String?
}

/// Queries of single commands.
extension Store {
    /// The version of the SQLite library in use.
    public static var libraryVersion: String { String(cString: sqlite3_libversion()) }

    /// The schema version that this program writes.
    public static var schemaVersion: Int64 { Migration.current }

    /// A task with its latest attempt; nil if it does not exist.
    public func task(_ id: TaskID) throws(StoreError) -> TaskRow? {
        try tasks(after: TaskID(max(id.rawValue, .min + 1) - 1), limit: 1).first { $0.id == id }
    }

    /// The tasks with this key: up to one per batch, in the order of the batches.
    ///
    /// - Parameter batch: nil: all batches.
    public func tasks(called key: TaskKey, in batch: BatchID? = nil) throws(StoreError) -> [TaskRow] {
        let ids = try reading { database throws(StoreError) in
            var ids: [TaskID] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                ids += try database.rows(
                    """
                    SELECT id FROM task_input WHERE batch_id = ?1 AND key = ?2
                    UNION SELECT task FROM task_alias WHERE batch_id = ?1 AND alias = ?2 ORDER BY 1
                    """, SQLValue(stored.id), .text(key.text)
                ) { row in TaskID(row.integer(0)) }
            }
            return ids
        }
        var rows: [TaskRow] = []
        for id in ids {
            if let row = try task(id) { rows.append(row) }
        }
        return rows
    }

    /// The attempts of a task, oldest first.
    public func attempts(of task: TaskID) throws(StoreError) -> [AttemptRow] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT n, state, submission_key, dialect, key_fingerprint, task_id, submitted_at_ms,
                    not_accepted_at_ms, settled_at_ms, superseded_at_ms, reserved_nano, credits_nano, output_path,
                    failure_code, failure_message
                FROM attempt WHERE task = ? ORDER BY n
                """, SQLValue(task)
            ) { row throws(StoreError) in
                AttemptRow(
                    number: try row.attemptNumber(0), state: try row.word(1), submissionKey: SubmissionKey(row.text(2)),
                    dialect: try row.word(3), account: KeyFingerprint(row.text(4)),
                    remoteID: row.optionalText(5).map(RemoteTaskID.init), submittedAt: row.instant(6),
                    notAcceptedAt: row.optionalInstant(7), settledAt: row.optionalInstant(8),
                    supersededAt: row.optionalInstant(9), reserved: row.optionalCredits(10),
                    credits: row.optionalCredits(11), outputPath: row.optionalText(12),
                    failureCode: row.optionalText(13), failureMessage: row.optionalText(14))
            }
        }
    }

    /// The names of all tags of these batches' tasks, sorted by bytes.
    ///
    /// - Parameter batches: nil: all.
    public func tagNames(_ batches: [BatchID]? = nil) throws(StoreError) -> [String] {
        var names: Set<ByteKey> = []
        try reading { database throws(StoreError) in
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                names.formUnion(
                    try database.rows(
                        """
                        SELECT DISTINCT t.key FROM task_input AS i, json_each(i.tags) AS t
                        WHERE i.batch_id = ? AND i.tags <> '{}'
                        """, SQLValue(batch.id)
                    ) { row in ByteKey(row.text(0)) })
            }
        }
        return names.map(\.text).sorted { $0.precedesInUTF8($1) }
    }

    /// Opens the next attempt of completed tasks: a new take, which is paid again. The previous take's clip stays, or
    /// is still downloaded.
    ///
    /// - Throws: `conflict` if one is not completed or its cost is still being queried; none is changed then.
    ///
    /// - Parameter seeds: new seeds for later attempts.
    public func retake(_ tasks: [TaskID], seeds: [TaskID: Int64] = [:], at: Instant) throws(StoreError) {
        try transaction { database throws(StoreError) in
            for task in tasks {
                try database.recordRetake(of: task, at: at)
                if let seed = seeds[task] { try database.recordSeed(seed, of: task, at: at) }
            }
        }
    }

    /// A description of the process that has the runner's lock; nil: none has.
    ///
    /// Tries the lock briefly. Creates nothing.
    public static func runner(of path: String) throws(StoreError) -> String? {
        let store = try resolved(path)
        let lockPath = store + "-lock"
        let descriptor = store_file_open(lockPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0)
        guard descriptor >= 0 else {
            let reason = store_file_errno()
            if reason == ENOENT { return nil }
            // Another user's lock: a run keeps a log next to the store.
            if reason == EACCES { return access(log(of: store), F_OK) == 0 ? "a process of another user" : nil }
            throw StoreError(errno: reason, doing: "opening \(lockPath)")
        }
        defer { RunnerLock.unlock(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        let reason = store_file_errno()
        guard reason == EWOULDBLOCK else { throw StoreError(errno: reason, doing: "locking \(lockPath)") }
        return note(in: descriptor)
    }
}

extension SQLiteConnection {
    func recordRetake(of task: TaskID, at: Instant) throws(StoreError) {
        let number = try first(
            "SELECT attempt FROM task_standing WHERE id = ? AND state = 'completed' AND has_key = 1", SQLValue(task)
        ) { row throws(StoreError) in try row.attemptNumber(0) }
        guard let number else { throw Self.conflict("retried", task) }
        try supersede(AttemptID(task: task, number: number), state: .completed, at: at)
        var row = NewEvent("retried", at: at, batch: try batch(of: task), task: task, attempt: number + 1)
            .moving(from: .completed, to: .queued)
        row.source = "user"
        try log(row)
    }
}
