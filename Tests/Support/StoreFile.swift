import CSQLite
import Testing

/// A store as any other program sees it: SQLite, read-only, without a line of ours.
final class StoreFile {
    private var handle: OpaquePointer?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ path: String) throws {
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, nil)
        guard code == SQLITE_OK else { throw Failure(description: "cannot open \(path): \(code)") }
        sqlite3_busy_timeout(handle, 5000)
    }

    /// Whether nobody writes at this moment.
    static func isFree(_ path: String) throws -> Bool {
        var handle: OpaquePointer?
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw Failure(description: "cannot open \(path)")
        }
        defer { sqlite3_close_v2(handle) }
        return sqlite3_exec(handle, "BEGIN IMMEDIATE; ROLLBACK", nil, nil, nil) == SQLITE_OK
    }

    /// Moves the whole log over and cuts it, as a runner does now and then. False: somebody reads in it.
    static func checkpoint(_ path: String) throws -> Bool {
        var handle: OpaquePointer?
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw Failure(description: "cannot open \(path)")
        }
        defer { sqlite3_close_v2(handle) }
        return sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil) == SQLITE_OK
    }

    /// Makes a store of a dump, or changes one, as the shell `sqlite3` would.
    static func write(_ path: String, _ sql: String) throws {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else {
            throw Failure(description: "cannot open \(path)")
        }
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw Failure(description: "\(path): \(String(cString: sqlite3_errmsg(handle)))")
        }
    }

    deinit { sqlite3_close_v2(handle) }

    /// All rows, columns joined by `|`, NULL as nothing: what the shell `sqlite3` prints.
    func rows(_ sql: String) throws -> [String] {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
            throw Failure(description: "\(sql): \(String(cString: sqlite3_errmsg(handle)))")
        }
        defer { sqlite3_finalize(statement) }
        var rows: [String] = []
        var code = sqlite3_step(statement)
        while code == SQLITE_ROW {
            let columns = (0..<sqlite3_column_count(statement)).map { column in
                sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
            }
            rows.append(columns.joined(separator: "|"))
            code = sqlite3_step(statement)
        }
        guard code == SQLITE_DONE else {
            throw Failure(description: "\(sql): \(String(cString: sqlite3_errmsg(handle)))")
        }
        return rows
    }

    func one(_ sql: String) throws -> String { try #require(try rows(sql).first, "no row: \(sql)") }

    func number(_ sql: String) throws -> Int { try #require(Int(try one(sql)), "no number: \(sql)") }

    /// All rows of all tables.
    func dump() throws -> [String] {
        let tables = try rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return try tables.flatMap { table in try rows("SELECT * FROM \"\(table)\"").map { "\(table)|\($0)" } }
    }
}
