import CSQLite

/// What is in a store that is to be removed. Reads a store of any version that this program knows, without migrating it.
package final class StoreContents {
    /// Of its batches: name of the provider and base URL.
    package let services: [(provider: String, baseURL: String)]
    private let database: SQLiteConnection?

    /// - Returns: nil if there is neither a store nor a log of one.
    /// - Throws: ``StoreError`` for another program's file, a damaged or newer store, and a log without its store.
    package init?(of path: String) throws(StoreError) {
        let path = try Store.resolved(path)
        try Store.refuseOrphanedLog(path)
        guard access(path, F_OK) == 0 else { return nil }
        database = try Store.connectToAnyVersion(path)
        services =
            try database?.rows("SELECT DISTINCT provider, base_url FROM batch ORDER BY id") { row in
                (row.text(0), row.text(1))
            } ?? []
    }

    /// Calls `body` with every clip that was saved: the output folder of its batch, its own path and its length.
    package func forEachClip(
        _ body: (_ folder: String, _ path: String, _ bytes: Int64) throws(StoreError) -> Void
    ) throws(StoreError) {
        try database?.forEach(
            """
            SELECT b.output_dir, a.output_path, a.output_bytes FROM attempt AS a JOIN batch AS b ON b.id = a.batch_id
            WHERE a.output_path IS NOT NULL AND a.output_bytes IS NOT NULL
            """
        ) { row throws(StoreError) in try body(row.text(0), row.text(1), row.integer(2)) }
    }

    /// Submission keys of completed attempts whose clip is not saved: a part of it may be on disk.
    ///
    /// - Parameter limit: at most this many.
    package func unsavedKeys(limit: Int) throws(StoreError) -> [String] {
        try database?.rows(
            "SELECT submission_key FROM attempt WHERE state = 'completed' AND output_path IS NULL LIMIT ?",
            SQLValue(limit)
        ) { row in row.text(0) } ?? []
    }
}

extension RunnerLock {
    /// Removes the store, its log first, so that a crash never leaves a log without its store. The lock stays in force for
    /// the next store of this name.
    package func removeStore() throws(StoreError) {
        let store = String(path.dropLast("-lock".count))
        for file in [store + "-shm", store + "-wal", store] where unlink(file) != 0 {
            let reason = store_file_errno()
            if reason != ENOENT { throw StoreError(errno: reason, doing: "removing \(file)") }
        }
    }
}
