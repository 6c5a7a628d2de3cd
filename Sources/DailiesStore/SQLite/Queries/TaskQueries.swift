import CSQLite
import DailiesCore

/// One attempt in the history of a task.
package struct AttemptRow: Hashable, Sendable {
    /// The attempt number, from 1.
    package let number: Int
    /// The current or final state.
    package let state: TaskState
    package let submissionKey: SubmissionKey
    /// The dialect of its body.
    package let dialect: Dialect
    /// The fingerprint of the API key that sent it.
    package let account: KeyFingerprint
    /// The provider's task ID; nil: never known.
    package let remoteID: RemoteTaskID?
    /// When its intent became durable.
    package let submittedAt: Instant
    /// When it was proven not to have reached the provider; nil: it was not.
    package let notAcceptedAt: Instant?
    /// When its end became durable; nil: it is open.
    package let settledAt: Instant?
    /// When a later attempt replaced it; nil: none did.
    package let supersededAt: Instant?
    /// Credits reserved in the budget; nil: none, or released.
    package let reserved: Credits?
    /// The cost; nil: unknown, or not settled.
    package let credits: Credits?
    /// The absolute path of its clip; nil: none is saved.
    package let outputPath: String?
    /// The provider's failure code or one of this program.
    package let failureCode: String?
    /// For display; may contain any characters.
    package let failureMessage: String?
}

/// Queries of single commands.
extension Store {
    /// The version of the SQLite library in use.
    package static var libraryVersion: String { String(cString: sqlite3_libversion()) }

    /// The schema version that this program writes.
    package static var schemaVersion: Int64 { Migration.current }

    /// A task with its latest attempt; nil if it does not exist.
    package func task(_ id: TaskID) throws(StoreError) -> TaskRow? {
        try tasks(after: TaskID(max(id.rawValue, .min + 1) - 1), limit: 1).first { $0.id == id }
    }

    /// The tasks with this key: up to one per batch, in the order of the batches.
    ///
    /// - Parameter batch: nil: all batches.
    package func tasks(called key: TaskKey, in batch: BatchID? = nil) throws(StoreError) -> [TaskRow] {
        let ids = try reading { database throws(StoreError) in
            var ids: [TaskID] = []
            for stored in try database.batches() where batch == nil || stored.id == batch {
                ids += try database.column(
                    """
                    SELECT id FROM task_input WHERE batch_id = $1 AND key = $2
                    UNION SELECT task FROM task_alias WHERE batch_id = $1 AND alias = $2 ORDER BY 1
                    """, SQLValue(stored.id), .text(key.text))
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
    package func attempts(of task: TaskID) throws(StoreError) -> [AttemptRow] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT number, state, submission_key, dialect, key_fingerprint, task_id, submitted_at_ms,
                    not_accepted_at_ms, settled_at_ms, superseded_at_ms, reserved_nano, credits_nano, output_path,
                    failure_code, failure_message
                FROM attempt WHERE task = $1 ORDER BY number
                """, SQLValue(task)
            ) { row throws(StoreError) in
                AttemptRow(
                    number: try row.attemptNumber("number"), state: try row.word("state"),
                    submissionKey: row["submission_key"], dialect: try row.word("dialect"),
                    account: row["key_fingerprint"], remoteID: row["task_id"], submittedAt: row["submitted_at_ms"],
                    notAcceptedAt: row["not_accepted_at_ms"], settledAt: row["settled_at_ms"],
                    supersededAt: row["superseded_at_ms"], reserved: row["reserved_nano"],
                    credits: row["credits_nano"], outputPath: row["output_path"],
                    failureCode: row["failure_code"], failureMessage: row["failure_message"])
            }
        }
    }

    /// The names of all tags of these batches' tasks, sorted by bytes.
    ///
    /// - Parameter batches: nil: all.
    package func tagNames(_ batches: [BatchID]? = nil) throws(StoreError) -> [String] {
        var names: Set<ByteKey> = []
        try reading { database throws(StoreError) in
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                let found: [String] = try database.column(
                    """
                    SELECT DISTINCT t.name FROM task_tag AS t JOIN task_input AS i ON i.id = t.task
                    WHERE i.batch_id = $1
                    """, SQLValue(batch.id))
                names.formUnion(found.map(ByteKey.init))
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
    package func retake(_ tasks: [TaskID], seeds: [TaskID: Int64] = [:], at: Instant) throws(StoreError) {
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
    package static func lockOwner(of path: String) throws(StoreError) -> String? {
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
        return owner(in: descriptor)
    }
}

extension SQLiteConnection {
    func tags(of task: TaskID) throws(StoreError) -> [TaskSpec.Tag] {
        try rows("SELECT name, value FROM task_tag WHERE task = $1 ORDER BY name", SQLValue(task)) { row in
            TaskSpec.Tag(name: row["name"], value: row["value"])
        }
    }

    func recordRetake(of task: TaskID, at: Instant) throws(StoreError) {
        let number = try first(
            "SELECT attempt FROM task_state WHERE id = $1 AND state = 'completed' AND is_submitted", SQLValue(task)
        ) { row throws(StoreError) in try row.attemptNumber("attempt") }
        guard let number else { throw Self.conflict("retried", task) }
        try supersede(AttemptID(task: task, number: number), state: .completed, at: at)
        var row = NewEvent("retried", at: at, batch: try batch(of: task), task: task, attempt: number + 1)
            .moving(from: .completed, to: .queued)
        row.source = "user"
        try log(row)
    }
}
