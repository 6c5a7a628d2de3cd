import DailiesCore
import Dispatch

/// The durable memory of the program: one SQLite file, written by one runner, read by anyone.
///
/// Everything runs on the store's own serial queue. What a call reads includes everything that was written through the
/// same store before it. Calls that wait may be made from any thread; from a `then` only those that read, and these see
/// what is committed, not what waits behind that `then`.
public final class Store: @unchecked Sendable {
    // Unchecked because of the variables below: they are touched on `queue` only.

    /// What a store is opened for.
    public enum Use: Hashable, Sendable {
        /// Writing; the file is created where there is none. Whoever does so holds the ``RunnerLock``. One process at a
        /// time can have a file open for it, under whatever name.
        case running
        /// Reading, also while a runner writes. Creates nothing, holds no transaction longer than one call.
        case reading
        /// Writing commands for a runner, who may be at work meanwhile, and reading. Creates nothing, needs no lock.
        case telling
    }

    /// With every symbolic link followed.
    public let path: String
    /// What it was opened for.
    public let use: Use
    let faults: StoreFailpoints

    let queue = DispatchQueue(label: "dailies.store", qos: .userInitiated)
    private let queueMark = DispatchSpecificKey<ObjectIdentifier>()
    private var database: SQLiteConnection?
    /// Set once a commit failed in a way that leaves the file's state in doubt: no write is tried any more.
    var breakdown: StoreError?
    /// A caller's `then` runs. On the queue only.
    var isNotifying = false
    /// What `PRAGMA data_version` said when commands were last read. On the queue only.
    var lastDataVersion: Int64?
    let waiting = Locked(PendingWrites())
    /// Pages in the log from which a checkpoint is due; tests lower it. On the queue only.
    var checkpointPages = Store.checkpointPages
    /// Pages in the log at which the next one is tried. On the queue only.
    var nextCheckpoint = 0

    private init(path: String, use: Use, faults: StoreFailpoints, database: SQLiteConnection) {
        self.path = path
        self.use = use
        self.faults = faults
        self.database = database
        queue.setSpecific(key: queueMark, value: ObjectIdentifier(self))
    }

    /// Opens a store.
    ///
    /// - Throws: `missing`, `notAStore`, `newerThanProgram`, `olderThanProgram` (reading only), `damaged`, `severalNames`,
    ///   `lockedByRunner` (running only), and what the system may refuse. A file that is not ours, damaged or newer is left as it is.
    public static func open(_ path: String, for use: Use) throws(StoreError) -> Store {
        try open(path, for: use, faults: StoreFailpoints())
    }

    package static func open(_ path: String, for use: Use, faults: StoreFailpoints) throws(StoreError) -> Store {
        let whole = try resolved(path)
        return Store(path: whole, use: use, faults: faults, database: try connect(whole, for: use))
    }

    /// Waits for what was queued, and closes. Later calls are refused; a second close does nothing.
    public func close() throws(StoreError) {
        try onQueue { () throws(StoreError) in
            guard self.database != nil else { return }
            self.commitWaiting()
            self.database = nil
        }
    }

    // MARK: the queue

    /// Runs `body` on the queue and waits for it. Already there, it runs at once.
    func onQueue<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        if DispatchQueue.getSpecific(key: queueMark) == ObjectIdentifier(self) { return try body() }
        let result: Result<T, StoreError> = queue.sync {
            do throws(StoreError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The connection. On the queue only.
    func connection() throws(StoreError) -> SQLiteConnection {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let database else { throw StoreError(.io, "the store is closed") }
        return database
    }

    /// Reads in one short transaction, so that all of it is of one moment, after everything queued before is written.
    func reading<T>(_ body: (SQLiteConnection) throws(StoreError) -> T) throws(StoreError) -> T {
        try onQueue { () throws(StoreError) in
            self.commitWaiting()
            let database = try self.connection()
            guard database.isOutsideTransaction else { return try body(database) }
            try database.run("BEGIN")
            let value: T
            do throws(StoreError) {
                value = try body(database)
            } catch {
                self.rollBack(database)
                throw error
            }
            try database.run("COMMIT")
            return value
        }
    }
}
