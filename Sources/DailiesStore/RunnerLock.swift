import CSQLite

/// The exclusive right to run on a store: an flock(2) on a file next to the store, and a lock on the database file
/// itself against runners that use another name (``DatabaseFile``).
///
/// The kernel releases both when the process ends, however it ends; deinit releases them too. The lock file stays,
/// since removing it would let two processes lock two files of the same name. If it is removed anyway, the store begins
/// no further transaction.
package final class RunnerLock: Sendable {
    /// The lock file.
    package let path: String
    private let descriptor: Int32
    /// nil: there was no store. The connection that creates it locks it.
    private let file: DatabaseFile?
    private let isTaken = Locked(false)

    /// Lock files that this process has locked, by path.
    private static let held = Locked<[String: FileIdentity]>([:])

    /// - Parameter descriptor: that of the lock file, locked and registered.
    fileprivate init(path: String, descriptor: Int32, file: DatabaseFile?) {
        self.path = path
        self.descriptor = descriptor
        self.file = file
    }

    deinit {
        Self.held.withLock { $0[path] = nil }
        Self.unlock(descriptor)
    }

    /// Unlocks and closes. Closing alone is not enough: a child process that is starting may have a copy of the
    /// descriptor, and with it the lock.
    static func unlock(_ descriptor: Int32) {
        _ = flock(descriptor, LOCK_UN)
        store_file_close(descriptor)
    }

    /// Registers the lock file. Every transaction of its store checks that it is still in place.
    fileprivate static func enter(_ path: String, _ descriptor: Int32) throws(StoreError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, FileIdentity(of: path) == FileIdentity(status) else {
            throw StoreError(.io, "the lock file \(path) was just replaced; try again")
        }
        let isFirst = held.withLock { held in
            if held[path] != nil { return false }
            held[path] = FileIdentity(status)
            return true
        }
        guard isFirst else { throw StoreError(heldBy: "this process") }
    }

    /// - Throws: `missing` if this process has locked the store and the lock file was removed or replaced.
    static func refuseMissingLockFile(of store: String) throws(StoreError) {
        let path = store + "-lock"
        guard let held = held.withLock({ $0[path] }), FileIdentity(of: path) != held else { return }
        throw StoreError(
            .missing,
            "its lock file \(path) was removed or replaced while it was in use, so a second runner could start; leave "
                + "the lock file in place and run again")
    }

    /// Notes for other processes that the owner only carries out commands, and ends by itself soon.
    package func noteCommandsOnly() { Store.writeOwner(in: descriptor, Store.carriesOutCommands) }

    /// Hands the lock to one runner, permanently.
    ///
    /// - Precondition: the lock belongs to `store`, which is open for running, and was not handed over before: two
    ///   runners on one store would submit the same tasks.
    package func markUsed(for store: Store) {
        precondition(store.use == .running, "a runner needs a store that is open for running, not for reading")
        precondition(path == store.path + "-lock", "the lock \(path) is not that of the store \(store.path)")
        let wasTaken = isTaken.withLock { isTaken in
            defer { isTaken = true }
            return isTaken
        }
        precondition(!wasTaken, "the lock \(path) was already handed over; a second run must take it again")
    }
}

extension Store {
    /// Takes the runner's lock of a store, whether or not the store exists.
    ///
    /// - Throws: `lockedByRunner` with the process that has it; `severalNames` for a store with hard links or a mount
    ///   of a single file; `io` if the lock file cannot be created.
    package static func lock(_ path: String) throws(StoreError) -> RunnerLock {
        let store = try resolved(path)
        let lockPath = store + "-lock"
        let descriptor = store_file_open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(lockPath)") }
        do throws(StoreError) {
            try refuseForeignLockFile(descriptor, lockPath)
            try lock(descriptor, lockPath)
            let file = access(store, F_OK) == 0 ? try DatabaseFile(store, isHeld: true) : nil
            try RunnerLock.enter(lockPath, descriptor)
            writeOwner(in: descriptor, "")
            return RunnerLock(path: lockPath, descriptor: descriptor, file: file)
        } catch {
            RunnerLock.unlock(descriptor)
            throw error
        }
    }

    private static func lock(_ descriptor: Int32, _ lockPath: String) throws(StoreError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = store_file_errno()
            guard reason == EWOULDBLOCK else { throw StoreError(errno: reason, doing: "locking \(lockPath)") }
            throw StoreError(heldBy: owner(in: descriptor))
        }
        try verifyLocking(of: lockPath)
    }

    /// Some file systems grant every lock, so a taken lock must be refused to another descriptor.
    private static func verifyLocking(of lockPath: String) throws(StoreError) {
        let other = store_file_open(lockPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0)
        guard other >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(lockPath)") }
        defer { RunnerLock.unlock(other) }
        if flock(other, LOCK_EX | LOCK_NB) == 0 {
            throw StoreError(.io, "locking \(lockPath) failed: \(StoreError.noLocks)")
        }
    }

    /// The owner note overwrites the file. Its content must be a note, the beginning of one, or zeros that a power cut
    /// may leave, and not a user's file.
    private static func refuseForeignLockFile(_ descriptor: Int32, _ lockPath: String) throws(StoreError) {
        var head = [UInt8](repeating: 0, count: noteBegins.count)
        let count = max(pread(descriptor, &head, head.count, 0), 0)
        head.removeLast(head.count - count)
        guard head.elementsEqual(noteBegins.prefix(count)) || head.allSatisfy({ $0 == 0 }) else {
            throw StoreError(.io, "\(lockPath) is not a lock file of this program; move it elsewhere")
        }
    }
    private static let noteBegins = Array("process ".utf8)

    /// The process that has the lock, for messages.
    static func owner(in descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let line = buffer.prefix(max(count, 0)).prefix { $0 >= 0x20 && $0 < 0x7F }
        return line.isEmpty ? "a process that is just starting" : String(decoding: line, as: UTF8.self)
    }

    /// Failures are ignored: the lock works without its note, and a full disk must not keep a run from finishing.
    fileprivate static func writeOwner(in descriptor: Int32, _ purpose: String) {
        let line = Array("process \(getpid()), since \(utcNow())\(purpose)\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, line, line.count, 0) }
    }

    /// The end of the note of an owner that only carries out commands.
    package static let carriesOutCommands = ", carrying out commands"

    private static func utcNow() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }

    /// The path with all symbolic links resolved, so that a store has one lock under any name.
    static func resolved(_ path: String) throws(StoreError) -> String {
        if let whole = realPath(path) { return whole }
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let name = parts.last, name != "..", name != "." else {
            throw StoreError(.io, "\(path) is not the path of a file; give the path of the store")
        }
        let folder = String(path.dropLast(path.reversed().prefix { $0 == "/" }.count).dropLast(name.count))
        guard let wholeFolder = realPath(folder.isEmpty ? "." : folder) else {
            throw StoreError(errno: store_file_errno(), doing: "finding the folder of \(path)")
        }
        return wholeFolder == "/" ? "/\(name)" : "\(wholeFolder)/\(name)"
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension StoreError {
    /// Error codes of flock(2) and fcntl(2) if a file system, its server or the system does not support locks.
    private static let unsupportedLockCodes: Set<Int32> = [ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP, EINVAL]
    static let noLocks =
        "this file system does not support locks, which keep two runners apart; put the store on another file system"

    /// Creates an error from a system error code.
    init(errno code: Int32, doing: String) {
        let kind: Kind
        switch code {
        case ENOSPC, EDQUOT: kind = .full
        case EROFS, EACCES, EPERM: kind = .readOnly
        case ENOENT: kind = .missing
        default: kind = .io
        }
        let reason = Self.unsupportedLockCodes.contains(code) ? Self.noLocks : String(cString: strerror(code))
        self.init(kind, "\(doing) failed: \(reason)")
    }
}
