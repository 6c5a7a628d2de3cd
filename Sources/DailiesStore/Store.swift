import DailiesCore
import Dispatch

/// The program's database: one SQLite file, written by one run and readable by any process.
///
/// All work runs on the store's serial queue. A read sees everything that was written through the same store before it.
/// Blocking calls may be made from any thread; from a `then` only reads, which see committed data but not the calls
/// waiting behind that `then`.
package final class Store: @unchecked Sendable {
    // Unchecked because of the variables below, which are accessed on `queue` only.

    /// The purpose of an opened store.
    package enum Use: Hashable, Sendable {
        /// Writing; creates the file if necessary. Requires the ``RunnerLock``. One process at a time can open a file
        /// for this, under any name.
        case running
        /// Reading, even during a run. Creates nothing; transactions last no longer than one call.
        case reading
        /// Writing commands for a run, even during one, and reading. Creates nothing and needs no lock.
        case sendingCommands
    }

    /// The path with symbolic links resolved.
    package let path: String
    /// The purpose it was opened for.
    package let use: Use
    let faults: StoreFailpoints

    let queue = DispatchQueue(label: "dailies.store", qos: .userInitiated)
    private let queueKey = DispatchSpecificKey<ObjectIdentifier>()
    private var database: SQLiteConnection?
    /// Set after a failed commit that leaves the file's state unknown; no further write is tried.
    var permanentFailure: StoreError?
    /// Whether a caller's `then` is running. On the queue only.
    var isNotifying = false
    /// The value of `PRAGMA data_version` when commands were last read. On the queue only.
    var lastDataVersion: Int64?
    let waiting = Locked(PendingWrites())
    /// The runner that registered with this store; nil: none. On the queue only.
    var runner: RunnerID?
    /// Number of log pages at which a checkpoint is due; tests lower it. On the queue only.
    var checkpointPages = Store.checkpointPages
    /// Number of log pages at which the next checkpoint is tried. On the queue only.
    var nextCheckpoint = 0

    private init(path: String, use: Use, faults: StoreFailpoints, database: SQLiteConnection) {
        self.path = path
        self.use = use
        self.faults = faults
        self.database = database
        queue.setSpecific(key: queueKey, value: ObjectIdentifier(self))
    }

    /// Opens a store.
    ///
    /// - Throws: `missing`, `notAStore`, `newerThanProgram`, `olderThanProgram` (reading only), `damaged`,
    ///   `severalNames`, `lockedByRunner` (running only), and system errors. A foreign, damaged or newer file stays
    ///   unchanged.
    package static func open(_ path: String, for use: Use) throws(StoreError) -> Store {
        try open(path, for: use, faults: StoreFailpoints())
    }

    package static func open(_ path: String, for use: Use, faults: StoreFailpoints) throws(StoreError) -> Store {
        let whole = try resolved(path)
        return Store(path: whole, use: use, faults: faults, database: try connect(whole, for: use))
    }

    /// Waits for queued calls and closes the store. Later calls fail; closing again does nothing.
    package func close() throws(StoreError) {
        try onQueue { () throws(StoreError) in
            guard self.database != nil else { return }
            self.commitWaiting()
            self.database = nil
        }
    }

    // MARK: the queue

    /// Runs `body` on the queue and waits for it; directly if already on the queue.
    func onQueue<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        if DispatchQueue.getSpecific(key: queueKey) == ObjectIdentifier(self) { return try body() }
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

    /// Reads one consistent state in a short transaction, after all queued calls are committed.
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
