import CSQLite

extension Store {
    /// Copies the store into a new file, as a consistent snapshot, even during a run.
    ///
    /// The copy needs no log. The run continues; its log cannot shrink until the copy is done.
    ///
    /// - Parameter target: a path that must not exist; the file gets mode 0600.
    /// - Throws: ``StoreError``; no file is left behind then.
    package func backUp(to target: String) throws(StoreError) {
        guard try Self.createPrivateFile(target) else {
            throw StoreError(.io, "\(target) already exists; choose another name")
        }
        do throws(StoreError) {
            try onQueue { () throws(StoreError) in
                let copy = try SQLiteConnection(path: target, flags: SQLITE_OPEN_READWRITE)
                try self.connection().copyAll(to: copy)
            }
            try Self.syncFile(target)
        } catch {
            unlink(target)
            throw error
        }
    }

    /// Waits until the file and its name are on disk.
    private static func syncFile(_ path: String) throws(StoreError) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        for (name, flags) in [(path, O_RDONLY), (folder, O_RDONLY | O_DIRECTORY)] {
            let descriptor = store_file_open(name, flags | O_CLOEXEC, 0)
            guard descriptor >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(name)") }
            defer { store_file_close(descriptor) }
            guard fsync(descriptor) == 0 else {
                throw StoreError(errno: store_file_errno(), doing: "syncing \(name)")
            }
        }
    }
}
