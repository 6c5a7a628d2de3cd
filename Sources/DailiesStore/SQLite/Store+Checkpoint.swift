import CSQLite

/// Moves the log into the store's file now and then, and marks the file as incomplete while the log holds more.
///
/// The table `store_file` has one row. Before a checkpoint its `needs_log` becomes 1, and with the checkpoint so does the
/// file's. Right after it becomes 0, in the log alone. Whoever opens the file with its log reads 0; whoever opens a
/// copy without the log reads 1. When the last connection closes, SQLite moves all of the log over, and the file says 0.
/// A crash between the two commits leaves a 1 in the log as well: the log file is there, so all is whole. If another program
/// then moves that log over, the file looks like half a store; ``Store/acceptWithoutLog(_:)`` says that it is not.
extension Store {
    /// Pages in the log from which a checkpoint is due: 32 MB. A larger log, moved less often, saves most of the writing.
    static let checkpointPages = 8000
    /// A reader may keep a checkpoint from its end. The next is tried after this many more pages.
    private static let retryPages = 1000

    /// The path of a store's log.
    static func log(of path: String) -> String { path + "-wal" }

    /// Marks the file of a store that was opened for running.
    ///
    /// - Parameter hadLog: whether there was a log before the store was opened.
    /// - Throws: `damaged` for a file whose log is missing.
    static func markFile(_ database: SQLiteConnection, path: String, hadLog: Bool) throws(StoreError) {
        try refuseMissingLog(database, path: path, hadLog: hadLog)
        try checkpoint(database)
    }

    /// Refuses a file that says it needs its log where there is none.
    static func refuseMissingLog(_ database: SQLiteConnection, path: String, hadLog: Bool) throws(StoreError) {
        let needsLog = try database.first("SELECT needs_log FROM store_file") { row in row.bool(0) }
        if needsLog == true, !hadLog { throw halfOfStore(path) }
    }

    static func halfOfStore(_ path: String) -> StoreError {
        StoreError(
            .damaged,
            "\(path) is incomplete: the latest changes are in \(log(of: path)); copy that file too, or make a copy "
                + "with `dailies store backup` (if this is not a copy, see `dailies store accept --help`)")
    }

    /// Takes a file for whole that needs a log and has none, by the user's decision.
    ///
    /// - Returns: false where there was nothing to accept.
    /// - Throws: ``StoreError``, also for a file that is not a store or is in use.
    public static func acceptWithoutLog(_ path: String) throws(StoreError) -> Bool {
        let path = try resolved(path)
        let hadLog = hasLog(path)
        let database = try SQLiteConnection(
            path: path, flags: SQLITE_OPEN_READWRITE, file: try DatabaseFile(path, isHeld: false))
        try prepareForReading(database, path: path)
        guard !hadLog else { return false }
        return try database.run("UPDATE store_file SET needs_log = 0 WHERE needs_log = 1") == 1
    }

    /// After a commit.
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
