import CSQLite

/// Checkpoints the log occasionally, and marks the file as incomplete while the log has newer data.
///
/// The table `store_file` has one row. Before a checkpoint its `needs_log` becomes 1, and the checkpoint writes that to
/// the file. Then it becomes 0 again, in the log only. Opening the file with its log reads 0; opening a copy without
/// the log reads 1. When the last connection closes, SQLite moves all of the log, and the file says 0. A crash between
/// the two commits leaves a 1 in the log too; since the log file exists, the store is complete. If another program then
/// moves that log into the file, the file looks incomplete; ``Store/acceptWithoutLog(_:)`` corrects that.
extension Store {
    /// Number of log pages at which a checkpoint is due: 32 MB. A larger log, moved less often, saves most of the
    /// writing.
    static let checkpointPages = 8000
    /// A reader may keep a checkpoint from completing. The next is tried after this many more pages.
    private static let retryPages = 1000

    /// The path of a store's log.
    static func log(of path: String) -> String { path + "-wal" }

    /// Marks the file of a store that was opened for running.
    ///
    /// - Parameter hadLog: whether a log existed before the store was opened.
    /// - Throws: `damaged` for a file whose log is missing.
    static func markFile(_ database: SQLiteConnection, path: String, hadLog: Bool) throws(StoreError) {
        try refuseMissingLog(database, path: path, hadLog: hadLog)
        try checkpoint(database)
    }

    /// Refuses a file that needs its log if there is none.
    static func refuseMissingLog(_ database: SQLiteConnection, path: String, hadLog: Bool) throws(StoreError) {
        let needsLog: Bool? = try database.value("SELECT needs_log FROM store_file")
        if needsLog == true, !hadLog { throw incompleteStore(path) }
    }

    static func incompleteStore(_ path: String) -> StoreError {
        StoreError(
            .damaged,
            "\(path) is incomplete: the latest changes are in \(log(of: path)); copy that file too, or make a copy "
                + "with `dailies store backup` (if this is not a copy, see `dailies store accept --help`)")
    }

    /// Accepts a file without its log as complete, by the user's decision.
    ///
    /// - Returns: false if there was nothing to accept.
    /// - Throws: ``StoreError``, also for a file that is not a store or is in use.
    package static func acceptWithoutLog(_ path: String) throws(StoreError) -> Bool {
        let path = try resolved(path)
        let hadLog = hasLog(path)
        let database = try SQLiteConnection(
            path: path, flags: SQLITE_OPEN_READWRITE, file: try DatabaseFile(path, isHeld: false))
        try prepareForReading(database, path: path)
        guard !hadLog else { return false }
        return try database.run("UPDATE store_file SET needs_log = 0 WHERE needs_log = 1") == 1
    }

    /// Checkpoints after a commit if that is due.
    func checkpointIfDue(_ database: SQLiteConnection) throws(StoreError) {
        guard use == .running else { return }
        if database.pagesInLog < checkpointPages { nextCheckpoint = checkpointPages }
        guard database.pagesInLog >= nextCheckpoint else { return }
        try Self.checkpoint(database)
        nextCheckpoint = database.pagesInLog + Self.retryPages
    }

    private static func checkpoint(_ database: SQLiteConnection) throws(StoreError) {
        try database.run("UPDATE store_file SET needs_log = 1")
        try database.checkpoint()
        try database.run("UPDATE store_file SET needs_log = 0")
    }
}
