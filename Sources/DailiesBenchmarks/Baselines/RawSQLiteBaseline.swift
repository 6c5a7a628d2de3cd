import CSQLite
import DailiesCore
import DailiesStore
import Foundation

/// Writes the rows of ``WriteLoad``'s steps directly through SQLite's C API: prepared statements, parameters bound by
/// position, a fixed number of steps per commit.
final class RawSQLiteBaseline {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let tasks: Int
    private let connection: OpaquePointer
    private var statements: [OpaquePointer] = []

    /// The store's statements, without the reads that verify its position.
    private static let texts = [
        "UPDATE task_state SET is_submitted = 1 WHERE id = ? AND attempt = 1 AND state = 'queued' AND is_submitted = 0",
        """
        INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
            key_fingerprint, submitted_at_ms, sent_at_ms, reserved_nano, body)
        VALUES (?1, 1, 1, 1, 'sora-2-pro', '1080p', 8, 'queued', ?2, 'flat', ?3, ?4, ?4, ?5, ?6)
        """,
        """
        UPDATE attempt SET state = 'queued', task_id = ?, accepted_at_ms = ?, accepted_by = 'reply', is_replayed = 0,
            estimated_credits_nano = ?, reserved_nano = ?, outcome_unknown_at_ms = NULL
        WHERE task = ? AND number = 1 AND state = 'queued' AND task_id IS NULL AND not_accepted_at_ms IS NULL
        """,
        "UPDATE task_state SET state = ? WHERE id = ? AND attempt = 1 AND is_submitted = 1 AND state = ?",
        """
        UPDATE attempt SET state = 'running', lost_at_ms = NULL
        WHERE task = ? AND number = 1 AND state = 'queued' AND task_id IS NOT NULL
        """,
        """
        UPDATE attempt SET state = 'completed', settled_at_ms = ?, completed_at_ms = ?, delivered_seconds = 8,
            credits_nano = ?, is_rounded = 0, is_cost_awaited = 0, reserved_nano = NULL, output_url = ?,
            outcome_unknown_at_ms = NULL, lost_at_ms = NULL
        WHERE task = ? AND number = 1 AND state = 'running' AND not_accepted_at_ms IS NULL
        """,
        "UPDATE task_state SET credits_nano = ? WHERE id = ?",
        """
        INSERT INTO event (at_ms, batch_id, task, attempt, kind, from_state, to_state, amount_text, amount_nano,
            amount_unit, amount_field, amount_kind, source, message)
        VALUES (?1, 1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11)
        """,
        """
        UPDATE batch_total SET reserved_whole = reserved_whole + ?1 / 1000000000,
            reserved_billionths = reserved_billionths + ?1 % 1000000000,
            first_submitted_at_ms = coalesce(first_submitted_at_ms, ?2)
        WHERE batch_id = 1
        """,
        """
        UPDATE batch_total SET settled_whole = settled_whole + ?1 / 1000000000,
            settled_billionths = settled_billionths + ?1 % 1000000000,
            reserved_whole = reserved_whole - ?1 / 1000000000,
            reserved_billionths = reserved_billionths - ?1 % 1000000000, last_settled_at_ms = ?2
        WHERE batch_id = 1
        """,
        "BEGIN IMMEDIATE", "COMMIT",
    ]

    private enum Text: Int {
        case takeTask, openAttempt, accept, moveTask, run, settle, sumUp, log, reserve, book, begin, commit
    }

    init(path: String, tasks: Int, stage: BenchmarkEnvironment) throws {
        self.tasks = tasks
        // Start from the same store, created by the store itself.
        let store = try Store.open(path, for: .running)
        try WriteLoad.importManifest(tasks, in: store)
        try store.close()
        var opened: OpaquePointer?
        guard sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
            let opened
        else { throw Failure(description: "cannot open \(path)") }
        connection = opened
        let settings = """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
            PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -16000;
            """
        guard sqlite3_exec(connection, settings, nil, nil, nil) == SQLITE_OK else { throw failure() }
        for text in Self.texts {
            var statement: OpaquePointer?
            guard
                sqlite3_prepare_v3(connection, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
                    == SQLITE_OK,
                let statement
            else { throw failure() }
            statements.append(statement)
        }
    }

    deinit {
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close_v2(connection)
    }

    func run(stepsPerCommit: Int) throws -> WriteBenchmark.Rate {
        let rows = (1...tasks).map(Row.init)
        var (commits, inCommit) = (0, 0)
        let began = ContinuousClock.now
        // Four steps of each task, with the tasks of one commit together, as they arrive at the store.
        let together = max(1, stepsPerCommit)
        var first = 0
        while first < rows.count {
            let group = rows[first..<min(first + together, rows.count)]
            for step in 0..<4 {
                for row in group {
                    if inCommit == 0 { try execute(.begin) { _ in } }
                    try write(step, row)
                    inCommit += 1
                    if inCommit == stepsPerCommit {
                        try execute(.commit) { _ in }
                        (commits, inCommit) = (commits + 1, 0)
                    }
                }
            }
            first += together
        }
        if inCommit > 0 {
            try execute(.commit) { _ in }
            commits += 1
        }
        let seconds = began.duration(to: .now) / .seconds(1)
        return WriteBenchmark.Rate(steps: 4 * rows.count, commits: commits, seconds: seconds)
    }

    /// The values of a task's rows, prepared as C strings.
    private final class Row {
        let task: Int64
        let key: [CChar]
        let remote: [CChar]
        let url: [CChar]
        let body: [UInt8]
        init(_ task: Int) {
            self.task = Int64(task)
            key = WriteLoad.key(of: task).text.utf8CString.map { $0 }
            remote = WriteLoad.remote(of: task).text.utf8CString.map { $0 }
            url = WriteLoad.url(of: task).utf8CString.map { $0 }
            body = WriteLoad.body(of: task, WriteLoad.key(of: task))
        }
    }

    private static let price: Int64 = 3_650_000_000
    private static let at: Int64 = 1_764_000_000_000

    private func write(_ step: Int, _ row: Row) throws {
        let at = Self.at
        switch step {
        case 0:
            try move(.reserve)
            try execute(.takeTask) { sqlite3_bind_int64($0, 1, row.task) }
            try execute(.openAttempt) { statement in
                sqlite3_bind_int64(statement, 1, row.task)
                bind(row.key, statement, 2)
                bind(Words.account, statement, 3)
                sqlite3_bind_int64(statement, 4, at)
                sqlite3_bind_int64(statement, 5, Self.price)
                _ = row.body.withUnsafeBytes {
                    sqlite3_bind_blob(statement, 6, $0.baseAddress, Int32($0.count), copied)
                }
            }
            try log(row, Words.intent, Words.queued, Words.queued, Words.reserved, row.key)
        case 1:
            try execute(.accept) { statement in
                bind(row.remote, statement, 1)
                sqlite3_bind_int64(statement, 2, at)
                sqlite3_bind_int64(statement, 3, Self.price)
                sqlite3_bind_int64(statement, 4, Self.price)
                sqlite3_bind_int64(statement, 5, row.task)
            }
            try moveTask(row, Words.queued, Words.queued)
            try log(row, Words.accepted, Words.queued, Words.queued, Words.quoted, row.remote)
        case 2:
            try execute(.run) { sqlite3_bind_int64($0, 1, row.task) }
            try moveTask(row, Words.queued, Words.running)
            try log(row, Words.running, Words.queued, Words.running, nil, nil)
        default:
            try execute(.settle) { statement in
                sqlite3_bind_int64(statement, 1, at)
                sqlite3_bind_int64(statement, 2, at)
                sqlite3_bind_int64(statement, 3, Self.price)
                bind(row.url, statement, 4)
                sqlite3_bind_int64(statement, 5, row.task)
            }
            try move(.book)
            try moveTask(row, Words.running, Words.completed)
            try execute(.sumUp) { statement in
                sqlite3_bind_int64(statement, 1, Self.price)
                sqlite3_bind_int64(statement, 2, row.task)
            }
            try log(row, Words.completed, Words.running, Words.completed, Words.charged, nil)
            try log(row, Words.amount, nil, nil, Words.released, nil)
        }
    }

    private enum Words {
        static let account = WriteLoad.account.text.utf8CString.map { $0 }
        static let queued = word("queued"), running = word("running"), completed = word("completed")
        static let intent = word("intent"), accepted = word("accepted"), amount = word("amount")
        static let reserved = word("reserved"), quoted = word("quoted"), charged = word("charged")
        static let released = word("released"), reply = word("reply"), credits = word("credits"), text = word("3.65")
        static func word(_ text: String) -> [CChar] { text.utf8CString.map { $0 } }
    }

    /// Reserves or settles the price in the batch's totals.
    private func move(_ text: Text) throws {
        try execute(text) { statement in
            sqlite3_bind_int64(statement, 1, Self.price)
            sqlite3_bind_int64(statement, 2, Self.at)
        }
    }

    private func moveTask(_ row: Row, _ old: [CChar], _ new: [CChar]) throws {
        try execute(.moveTask) { statement in
            bind(new, statement, 1)
            sqlite3_bind_int64(statement, 2, row.task)
            bind(old, statement, 3)
        }
    }

    private func log(
        _ row: Row, _ kind: [CChar], _ old: [CChar]?, _ new: [CChar]?, _ amount: [CChar]?, _ message: [CChar]?
    ) throws {
        try execute(.log) { statement in
            sqlite3_bind_int64(statement, 1, Self.at)
            sqlite3_bind_int64(statement, 2, row.task)
            bind(kind, statement, 3)
            bind(old, statement, 4)
            bind(new, statement, 5)
            if let amount {
                bind(Words.text, statement, 6)
                sqlite3_bind_int64(statement, 7, Self.price)
                bind(Words.credits, statement, 8)
                bind(amount, statement, 9)
            }
            bind(Words.reply, statement, 10)
            bind(message, statement, 11)
        }
    }

    private func bind(_ text: [CChar]?, _ statement: OpaquePointer, _ place: Int32) {
        guard let text else { return }
        _ = text.withUnsafeBufferPointer {
            sqlite3_bind_text(statement, place, $0.baseAddress, Int32($0.count - 1), copied)
        }
    }

    private func execute(_ text: Text, _ bind: (OpaquePointer) -> Void) throws {
        let statement = statements[text.rawValue]
        bind(statement)
        let code = sqlite3_step(statement)
        let isMet = text == .begin || text == .commit || sqlite3_changes(connection) == 1
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
        guard code == SQLITE_DONE, isMet else { throw failure() }
    }

    private func failure() -> Failure { Failure(description: String(cString: sqlite3_errmsg(connection))) }
}

/// Tells SQLite to copy what is bound: the C header's macro for it is a cast that Swift cannot import.
private nonisolated(unsafe) let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
