import CSQLite

/// The right to write to a store, for one process at a time: an flock(2) on a file beside the store.
///
/// The kernel gives it back when the process ends, however it ends. The database file itself is never opened for this:
/// closing any descriptor of it would drop the locks that SQLite holds on it. Released on deinit. The lock file stays,
/// since removing it would let two processes lock two files of the same name.
public final class RunnerLock: Sendable {
    /// The lock file.
    public let path: String
    private let descriptor: Int32
    private let isTaken = Guarded(false)

    fileprivate init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { store_file_close(descriptor) }

    /// Hands the right to one runner, for good.
    ///
    /// - Precondition: the lock is that of `store`, which is open for running, and no runner has had it before: two
    ///   runners on one store would submit the same tasks.
    package func handOver(for store: Store) {
        precondition(store.use == .running, "a runner needs a store that is open for running, not for reading")
        precondition(path == store.path + "-lock", "the lock \(path) is not that of the store \(store.path)")
        let wasTaken = isTaken.withLock { isTaken in
            defer { isTaken = true }
            return isTaken
        }
        precondition(!wasTaken, "the lock \(path) has had its runner; a second run takes the lock anew")
    }
}

extension Store {
    /// Takes the runner's lock of a store, whether or not the store exists yet.
    ///
    /// - Throws: `lockedByRunner` naming the process that holds it; `io` when the folder does not allow the lock file.
    public static func lock(_ path: String) throws(StoreError) -> RunnerLock {
        let lockPath = try resolved(path) + "-lock"
        let descriptor = store_file_open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(lockPath)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = store_file_errno()
            defer { store_file_close(descriptor) }
            guard reason == EWOULDBLOCK else { throw StoreError(errno: reason, doing: "locking \(lockPath)") }
            let holder = note(in: descriptor)
            throw StoreError(
                .lockedByRunner(holder),
                "another runner holds the store (\(holder)); wait for it or stop it, reading works meanwhile")
        }
        do throws(StoreError) {
            try refuseEmptyPromise(of: lockPath)
        } catch {
            store_file_close(descriptor)
            throw error
        }
        leaveNote(in: descriptor)
        return RunnerLock(path: lockPath, descriptor: descriptor)
    }

    /// Some file systems say yes to every lock: one that is held must be refused to another descriptor.
    private static func refuseEmptyPromise(of lockPath: String) throws(StoreError) {
        let other = store_file_open(lockPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0)
        guard other >= 0 else { throw StoreError(errno: store_file_errno(), doing: "opening \(lockPath)") }
        defer { store_file_close(other) }
        if flock(other, LOCK_EX | LOCK_NB) == 0 {
            throw StoreError(.io, "locking \(lockPath) failed: \(StoreError.noLocks)")
        }
    }

    /// Who holds the lock, for the message of whoever is refused.
    static func note(in descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let line = buffer.prefix(max(count, 0)).prefix { $0 >= 0x20 && $0 < 0x7F }
        return line.isEmpty ? "a process that is just starting" : String(decoding: line, as: UTF8.self)
    }

    /// The lock holds without its note: a full disk must not keep a runner from finishing what it owes.
    private static func leaveNote(in descriptor: Int32) {
        let line = Array("process \(getpid()), since \(utcNow())\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, line, line.count, 0) }
    }

    private static func utcNow() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }

    /// The path with every symbolic link followed, so that one store has one lock whatever it is called.
    static func resolved(_ path: String) throws(StoreError) -> String {
        if let whole = realPath(path) { return whole }
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let name = parts.last, name != "..", name != "." else {
            throw StoreError(.io, "\(path) is no path of a file; name the store's file")
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
    /// What flock(2) answers where a file system, or its server, has no locks.
    private static let withoutLocks: Set<Int32> = [ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP]
    static let noLocks = "this file system has no locks, which keep two runners apart; put the store on another one"

    /// A refusal of the system's in our words.
    init(errno code: Int32, doing: String) {
        let kind: Kind
        switch code {
        case ENOSPC, EDQUOT: kind = .full
        case EROFS, EACCES, EPERM: kind = .readOnly
        case ENOENT: kind = .missing
        default: kind = .io
        }
        let words = Self.withoutLocks.contains(code) ? Self.noLocks : String(cString: strerror(code))
        self.init(kind, "\(doing) failed: \(words)")
    }
}
