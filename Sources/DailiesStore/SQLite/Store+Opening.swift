import CSQLite

/// The header of a database file.
private struct FileHeader {
    /// "DALY", as in `schema.sql`.
    static let dailiesID: Int64 = 1_145_130_073

    let applicationID: Int64
    let version: Int64
    let tables: Int

    init(of database: SQLiteConnection) throws(StoreError) {
        func number(_ sql: String) throws(StoreError) -> Int64 {
            try database.value(sql) ?? 0
        }
        applicationID = try number("PRAGMA application_id")
        version = try number("PRAGMA user_version")
        tables = Int(try number("SELECT count(*) FROM sqlite_schema"))
    }

    /// Whether the file is empty, or its creation was interrupted.
    var isEmpty: Bool { applicationID == 0 && version == 0 && tables == 0 }

    /// Whether the tables are in a log that is missing.
    var isIncomplete: Bool { applicationID == Self.dailiesID && tables == 0 }
}

extension Store {
    /// SQLite of Debian 12. The statements need 3.39, for IS DISTINCT FROM.
    private static let oldestLibrary: Int32 = 3_040_000
    private static let busyWaitMilliseconds: Int32 = 5_000

    /// The embedded text of `schema.sql`.
    package static let schema = String(decoding: PackageResources.schema_sql, as: UTF8.self)

    /// Opens and checks the database, creates or migrates it if necessary, and configures the connection.
    static func connect(_ path: String, for use: Use) throws(StoreError) -> SQLiteConnection {
        guard sqlite3_libversion_number() >= oldestLibrary else {
            throw StoreError(
                .io, "SQLite \(String(cString: sqlite3_libversion())) is too old; install 3.40 or later")
        }
        switch use {
        case .running:
            try refuseOrphanedLog(path)
            let hadLog = hasLog(path)
            try createPrivateFile(path)
            let file = try DatabaseFile(path, isHeld: true)
            let database = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE, file: file)
            guard file.isNamed(path) else {
                throw StoreError(.missing, "\(path) was just replaced; try again")
            }
            database.waitWhenBusy(milliseconds: busyWaitMilliseconds)
            try prepareForRunning(database, path: path)
            try markFile(database, path: path, hadLog: hadLog)
            return database
        case .reading:
            guard access(path, F_OK) == 0 else {
                throw StoreError(.missing, "there is no store at \(path); a run creates one")
            }
            return isReadOnly(path) ? try openWithoutWriting(path) : try openForReading(path, path: path)
        case .sendingCommands:
            guard access(path, F_OK) == 0 else {
                throw StoreError(.missing, "there is no store at \(path); a run creates one")
            }
            let hadLog = hasLog(path)
            let database = try SQLiteConnection(
                path: path, flags: SQLITE_OPEN_READWRITE, file: try DatabaseFile(path, isHeld: false))
            database.waitWhenBusy(milliseconds: busyWaitMilliseconds)
            try prepareForReading(database, path: path)
            try refuseMissingLog(database, path: path, hadLog: hadLog)
            try setUpDurability(of: database)
            return database
        }
    }

    /// Opens a store of any supported version for reading; nil if the file is empty.
    static func connectToAnyVersion(_ path: String) throws(StoreError) -> SQLiteConnection? {
        let hadLog = hasLog(path)
        let database = try SQLiteConnection(
            path: path, flags: SQLITE_OPEN_READONLY, file: try DatabaseFile(path, isHeld: false))
        database.waitWhenBusy(milliseconds: busyWaitMilliseconds)
        let header = try FileHeader(of: database)
        try refuseForeignFile(header, path: path)
        if header.version == Migration.current { try refuseMissingLog(database, path: path, hadLog: hadLog) }
        return header.isEmpty ? nil : database
    }

    private static func openForReading(
        _ name: String, flags: Int32 = 0, path: String
    ) throws(StoreError) -> SQLiteConnection {
        let hadLog = hasLog(path)
        let database = try SQLiteConnection(
            path: name, flags: SQLITE_OPEN_READONLY | flags, file: try DatabaseFile(path, isHeld: false))
        database.waitWhenBusy(milliseconds: busyWaitMilliseconds)
        try prepareForReading(database, path: path)
        try refuseMissingLog(database, path: path, hadLog: hadLog)
        return database
    }

    /// Whether the disk is read-only, or the store and its folder belong to another user and no program has the store
    /// open (one would keep a log and its index next to it).
    private static func isReadOnly(_ path: String) -> Bool {
        guard access(path, W_OK) != 0 else { return false }
        if store_file_errno() == EROFS { return true }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        return access(folder, W_OK) != 0 && ["-wal", "-shm"].allSatisfy { sizeOfFile(path + $0) == nil }
    }

    /// If SQLite cannot create the index of a log, it reads the store only as immutable. That is correct on a read-only
    /// disk and for a file that is not open elsewhere, and loses nothing if the log is empty.
    private static func openWithoutWriting(_ path: String) throws(StoreError) -> SQLiteConnection {
        if sizeOfFile(path + "-wal") ?? 0 == 0 {
            let name = path.utf8.map { byte in
                byte >= 0x80 || "%?#".utf8.contains(byte)
                    ? "%" + String(byte, radix: 16) : String(UnicodeScalar(byte))
            }
            return try openForReading("file:\(name.joined())?immutable=1", flags: SQLITE_OPEN_URI, path: path)
        }
        do throws(StoreError) {
            return try openForReading(path, path: path)
        } catch {
            guard let code = error.extendedCode, code & 0xFF == SQLITE_CANTOPEN else { throw error }
            throw StoreError(
                .readOnly,
                "the latest changes are in its log \(path)-wal, which cannot be read on a read-only disk; "
                    + "copy both files to a writable disk", extendedCode: code)
        }
    }

    /// Creates the file before SQLite opens it, so that it and, following it, the -wal and -shm files are private to
    /// the user. Never opens an existing file: closing it would drop SQLite's locks on it in this process.
    ///
    /// - Returns: whether it was created; false if it exists.
    @discardableResult
    static func createPrivateFile(_ path: String) throws(StoreError) -> Bool {
        let descriptor = store_file_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 {
            let reason = store_file_errno()
            guard reason == EEXIST else { throw StoreError(errno: reason, doing: "creating \(path)") }
            return false
        }
        store_file_close(descriptor)
        return true
    }

    /// Refuses a log without its store. SQLite would discard it, and with it all payments since the last checkpoint.
    static func refuseOrphanedLog(_ path: String) throws(StoreError) {
        guard sizeOfFile(path) ?? 0 == 0, let log = sizeOfFile(path + "-wal"), log > 0 else { return }
        throw StoreError(
            .damaged,
            "the store is missing or empty, but its log \(path)-wal exists and may record paid clips; restore the "
                + "store, or move the log elsewhere to start a new one")
    }

    /// Whether a log with content exists. Opening a store for reading may leave an empty one behind.
    static func hasLog(_ path: String) -> Bool { sizeOfFile(log(of: path)) ?? 0 > 0 }

    private static func sizeOfFile(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    private static func prepareForRunning(_ database: SQLiteConnection, path: String) throws(StoreError) {
        var header = try FileHeader(of: database)
        try refuseForeignFile(header, path: path)
        // Nothing is written before this point, so that foreign files stay unchanged. The schema is written to the file
        // itself before a log exists.
        if header.isEmpty {
            try create(in: database)
            header = try FileHeader(of: database)
        }
        try setUpDurability(of: database)
        try Migration.migrate(database, path: path, from: header.version)
    }

    static func prepareForReading(_ database: SQLiteConnection, path: String) throws(StoreError) {
        let header = try FileHeader(of: database)
        try refuseForeignFile(header, path: path)
        if header.isEmpty { throw StoreError(.notAStore, "\(path) is empty; a run creates the store in it") }
        guard header.version == Migration.current else {
            throw StoreError(
                .olderThanProgram, "the store at \(path) has version \(header.version); `run` or `resume` migrates it")
        }
    }

    private static func refuseForeignFile(_ header: FileHeader, path: String) throws(StoreError) {
        if header.isEmpty { return }
        if header.isIncomplete {
            throw incompleteStore(path)
        }
        guard header.applicationID == FileHeader.dailiesID, header.version >= 1 else {
            throw StoreError(.notAStore, "\(path) belongs to another program; choose another file")
        }
        guard header.version <= Migration.current else {
            throw StoreError(
                .newerThanProgram,
                "the store at \(path) has version \(header.version), but this program supports only "
                    + "\(Migration.current); use a newer version of the program")
        }
    }

    /// Makes commits durable when they return. Settings are read back, since SQLite ignores unsupported ones silently.
    private static func setUpDurability(of database: SQLiteConnection) throws(StoreError) {
        let mode: String? = try database.value("PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw StoreError(
                .io, "this file system does not support a write-ahead log; put the store on another file system")
        }
        try database.run("PRAGMA synchronous = FULL")
        try database.run("PRAGMA foreign_keys = ON")
        // `Store+Checkpoint.swift` checkpoints the log.
        try database.run("PRAGMA wal_autocheckpoint = 0")
        database.countPagesInLog()
        try database.run("PRAGMA cache_size = -16000")
        let synchronous: Int? = try database.value("PRAGMA synchronous")
        let foreignKeys: Int? = try database.value("PRAGMA foreign_keys")
        guard synchronous == 2, foreignKeys == 1 else {
            throw StoreError(.io, "this SQLite library ignores its durability settings; use the system's SQLite")
        }
    }

    /// Creates the schema completely or not at all: after a crash the database is empty, and the next start creates it.
    private static func create(in database: SQLiteConnection) throws(StoreError) {
        try database.run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            if try FileHeader(of: database).isEmpty { try database.execute(script: schema) }
            try database.run("COMMIT")
        } catch {
            if !database.isOutsideTransaction { try database.run("ROLLBACK") }
            throw error
        }
    }
}
