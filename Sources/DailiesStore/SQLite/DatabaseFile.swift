import CSQLite

/// Identifies a file independently of its name.
struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// nil if the file does not exist.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// A store's database file in use by this process, identified by device and inode.
///
/// A holder locks the file itself, so that no other process can hold it under any name: a hard link, a mount in a
/// container, the same name after the lock file was removed. SQLite neither writes nor locks the locked bytes. The lock
/// needs a descriptor, and closing any descriptor of a file drops SQLite's locks on it in this process, so the
/// descriptor stays open until nothing in this process uses the file.
final class DatabaseFile: Sendable {
    /// This process's use of one file.
    private struct Use {
        /// Connections and runner locks.
        var users = 0
        /// Those that lock the file.
        var holders = 0
        var descriptor: Int32?
    }
    private static let uses = Locked<[FileIdentity: Use]>([:])

    /// SQLite locks bytes at 2^30 and writes below 2^48.
    private static let lockedFrom: off_t = 1 << 60

    let identity: FileIdentity
    private let isHeld: Bool

    /// The file must exist. Keep this object longer than SQLite's connection to the file.
    ///
    /// - Parameter isHeld: whether to lock the file. One process may have several holders.
    /// - Throws: `lockedByRunner` if another process has it, `severalNames` for a file with hard links or a mount of a
    ///   single file, `notAStore` if it is not a regular file, and system errors.
    init(_ path: String, isHeld: Bool) throws(StoreError) {
        self.isHeld = isHeld
        identity = try Self.uses.withLock { uses in
            Result { () throws(StoreError) in try Self.begin(path, isHeld: isHeld, in: &uses) }
        }.get()
    }

    deinit { Self.uses.withLock { Self.end(identity, wasHeld: isHeld, in: &$0) } }

    /// Whether the path currently leads to this file.
    func isNamed(_ path: String) -> Bool { FileIdentity(of: path) == identity }

    private static func begin(
        _ path: String, isHeld: Bool, in uses: inout [FileIdentity: Use]
    ) throws(StoreError) -> FileIdentity {
        let identity = try onlyName(path)
        var use = uses[identity] ?? Use()
        if isHeld {
            if use.holders == 0 { try hold(path, identity, &use, &uses) }
            use.holders += 1
        }
        use.users += 1
        uses[identity] = use
        return identity
    }

    private static func end(_ identity: FileIdentity, wasHeld: Bool, in uses: inout [FileIdentity: Use]) {
        guard var use = uses[identity] else { preconditionFailure("a file was released that is not in use") }
        use.users -= 1
        if wasHeld {
            use.holders -= 1
            if use.holders == 0, let descriptor = use.descriptor {
                _ = store_file_lock(descriptor, Int16(F_UNLCK), lockedFrom, 0)
            }
        }
        if use.users == 0, let descriptor = use.descriptor { store_file_close(descriptor) }
        uses[identity] = use.users == 0 ? nil : use
    }

    /// The length of the lock is the process ID, for the message of a refused process.
    private static func hold(
        _ path: String, _ identity: FileIdentity, _ use: inout Use, _ uses: inout [FileIdentity: Use]
    ) throws(StoreError) {
        let descriptor = if let open = use.descriptor { open } else { try open(path, identity) }
        use.descriptor = descriptor
        guard store_file_lock(descriptor, Int16(F_WRLCK), lockedFrom, off_t(getpid())) != 0 else { return }
        let reason = store_file_errno()
        let holder = store_file_locked(descriptor, lockedFrom)
        if use.users == 0 { store_file_close(descriptor) } else { uses[identity] = use }
        guard reason == EAGAIN || reason == EACCES else { throw StoreError(errno: reason, doing: "locking \(path)") }
        throw StoreError(heldBy: holder > 0 ? "process \(holder)" : "a process that is just ending")
    }

    private static func open(_ path: String, _ identity: FileIdentity) throws(StoreError) -> Int32 {
        let descriptor = store_file_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0)
        guard descriptor >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(path)") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, FileIdentity(status) == identity else {
            // It stays open, since SQLite may have locks on this file.
            throw StoreError(.missing, "\(path) was just replaced; try again")
        }
        return descriptor
    }

    /// Refuses files with several names: SQLite keeps its log next to the name that the database was opened by, so that
    /// two names would have two logs with part of the latest changes each.
    private static func onlyName(_ path: String) throws(StoreError) -> FileIdentity {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreError(errno: store_file_errno(), doing: "checking \(path)") }
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG) else {
            throw StoreError(.notAStore, "\(path) is not a regular file; give the path of the store")
        }
        guard status.st_nlink <= 1 else {
            throw StoreError(
                .severalNames,
                "\(path) has \(status.st_nlink) hard links, and the latest changes are in a log next to one of them; "
                    + "remove the other links, or use a copy")
        }
        guard store_file_is_mounted(path) == 0 else {
            throw StoreError(
                .severalNames,
                "\(path) is a mount of a single file, and the latest changes are in a log next to the original; "
                    + "mount its folder instead")
        }
        return FileIdentity(status)
    }
}
