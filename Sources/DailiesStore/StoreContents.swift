import CSQLite

/// The contents of a store to be removed. Reads any supported version without migrating it.
package final class StoreContents {
    /// The provider names and base URLs of its batches.
    package let services: [(provider: String, baseURL: String)]
    private let database: SQLiteConnection?

    /// - Returns: nil if neither a store nor a log exists.
    /// - Throws: ``StoreError`` for a foreign, damaged or newer file, and for a log without its store.
    package init?(of path: String) throws(StoreError) {
        let path = try Store.resolved(path)
        try Store.refuseOrphanedLog(path)
        guard access(path, F_OK) == 0 else { return nil }
        database = try Store.connectToAnyVersion(path)
        services =
            try database?.rows("SELECT DISTINCT provider, base_url FROM batch ORDER BY id") { row in
                (row["provider"], row["base_url"])
            } ?? []
    }

    /// Calls `body` for every saved clip with its batch's output folder, its path and its length.
    package func forEachClip(
        _ body: (_ folder: String, _ path: String, _ bytes: Int64) throws(StoreError) -> Void
    ) throws(StoreError) {
        try database?.forEach(
            """
            SELECT b.output_dir, a.output_path, a.output_bytes FROM attempt AS a JOIN batch AS b ON b.id = a.batch_id
            WHERE a.output_path IS NOT NULL AND a.output_bytes IS NOT NULL
            """
        ) { row throws(StoreError) in try body(row["output_dir"], row["output_path"], row["output_bytes"]) }
    }

    /// Submission keys of completed attempts whose clip is not saved; partial downloads may be on disk.
    ///
    /// - Parameter limit: the maximum number.
    package func unsavedKeys(limit: Int) throws(StoreError) -> [String] {
        try database?.column(
            "SELECT submission_key FROM attempt WHERE state = 'completed' AND output_path IS NULL LIMIT $1",
            SQLValue(limit)) ?? []
    }
}

extension RunnerLock {
    /// Removes the store, its log first, so that a crash never leaves a log without its store. The lock remains valid
    /// for the next store of this name.
    package func removeStore() throws(StoreError) {
        let store = String(path.dropLast("-lock".count))
        for file in [store + "-shm", store + "-wal", store] where unlink(file) != 0 {
            let reason = store_file_errno()
            if reason != ENOENT { throw StoreError(errno: reason, doing: "removing \(file)") }
        }
    }
}
