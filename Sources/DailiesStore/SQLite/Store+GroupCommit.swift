import DailiesCore
import Dispatch

/// Calls of ``Store/write(_:then:)`` that are not committed yet.
struct PendingWrites {
    struct Call {
        let changes: [Mutation]
        let then: @Sendable (Result<Void, StoreError>) -> Void
    }
    var calls: [Call] = []
    /// A block that commits them is on its way to the queue.
    var isScheduled = false
}

extension Store {
    /// How many changes share one transaction at most: more would gain nothing and let everyone wait longer. A single
    /// call may hold more.
    private static let transactionCap = 500

    /// Makes changes durable, all or none of them, and then calls `then` on the store's queue.
    ///
    /// Calls are carried out in order; many that wait share one transaction (group commit) and one sync of the disk. A
    /// call that fails by itself (``StoreError/Kind/conflict``, ``StoreError/Kind/taskIDTaken(_:)``) fails alone; a failed commit fails every call that shared it, and
    /// nothing of it remains. `then` is called in the order of the calls, after the commit is synced to disk.
    package func write(_ changes: [Mutation], then: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        let isFirst = waiting.withLock { waiting in
            waiting.calls.append(PendingWrites.Call(changes: changes, then: then))
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        if isFirst { queue.async { self.commitScheduled() } }
    }

    /// The same, waiting: everything queued before is committed first, then these changes in a transaction of their own.
    package func writeAndWait(_ changes: [Mutation]) throws(StoreError) {
        try transaction { database throws(StoreError) in
            for change in changes { try database.apply(change) }
        }
    }

    /// Waits until everything queued before is committed, or has failed, and its `then` was called.
    public func drain() throws(StoreError) {
        try onQueue { () throws(StoreError) in self.commitWaiting() }
    }

    private func commitScheduled() {
        commitGroup()
        let isMore = waiting.withLock { waiting in
            waiting.isScheduled = !waiting.calls.isEmpty
            return waiting.isScheduled
        }
        if isMore { queue.async { self.commitScheduled() } }
    }

    /// Commits what waits at this moment, not what comes in meanwhile. On the queue.
    func commitWaiting() {
        dispatchPrecondition(condition: .onQueue(queue))
        if isNotifying { return }
        var left = waiting.withLock { $0.calls.count }
        while left > 0 {
            let committed = commitGroup()
            if committed == 0 { return }
            left -= committed
        }
    }

    /// Commits one transaction's worth of calls and tells their callers.
    ///
    /// - Returns: how many calls that was.
    @discardableResult
    private func commitGroup() -> Int {
        let group = waiting.withLock { waiting in
            var changes = 0
            let group = waiting.calls.prefix { call in
                defer { changes += call.changes.count }
                return changes == 0 || changes + call.changes.count <= Self.transactionCap
            }
            waiting.calls.removeFirst(group.count)
            return Array(group)
        }
        guard !group.isEmpty else { return 0 }
        let results = commit(group)
        guard !faults.isFrozen else { return group.count }
        isNotifying = true
        defer { isNotifying = false }
        for (call, result) in zip(group, results) { call.then(result) }
        return group.count
    }

    private func commit(_ group: [PendingWrites.Call]) -> [Result<Void, StoreError>] {
        do throws(StoreError) {
            try transaction(isNested: true) { database throws(StoreError) in
                for call in group {
                    for change in call.changes { try database.apply(change) }
                }
            }
            return Array(repeating: .success(()), count: group.count)
        } catch {
            // A call that does not fit is rare, and to be ready for it costs a copy of every page that a call touches.
            guard error.isOfOneCall else { return Array(repeating: .failure(error), count: group.count) }
            return commitIndividually(group)
        }
    }

    /// The same for a group of which some call does not fit: that one fails alone.
    private func commitIndividually(_ group: [PendingWrites.Call]) -> [Result<Void, StoreError>] {
        var results: [Result<Void, StoreError>] = []
        do throws(StoreError) {
            try transaction(isNested: true) { database throws(StoreError) in
                for call in group {
                    do throws(StoreError) {
                        try self.applyInSavepoint(call.changes, in: database)
                        results.append(.success(()))
                    } catch {
                        guard error.isOfOneCall, !database.isOutsideTransaction else { throw error }
                        results.append(.failure(error))
                    }
                }
            }
            return results
        } catch {
            return group.indices.map { index in
                // A refused task ID ends no run: it must not hide that the store fails.
                if index < results.count, case .failure(let own) = results[index], own.kind == .conflict {
                    return .failure(own)
                }
                return .failure(error)
            }
        }
    }

    /// One call's changes within a shared transaction: all, or none and an error.
    private func applyInSavepoint(_ changes: [Mutation], in database: SQLiteConnection) throws(StoreError) {
        try database.run("SAVEPOINT call")
        do throws(StoreError) {
            for change in changes { try database.apply(change) }
        } catch {
            if !database.isOutsideTransaction {
                try database.run("ROLLBACK TO call")
                try database.run("RELEASE call")
            }
            throw error
        }
        try database.run("RELEASE call")
    }

    // MARK: transactions

    /// Runs `body` in a writing transaction, after everything that was queued before.
    ///
    /// - Parameter isNested: called from the group commit itself, which must not commit the waiting first.
    func transaction<T>(
        isNested: Bool = false, _ body: (SQLiteConnection) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try onQueue { () throws(StoreError) in
            precondition(!self.isNotifying, "a waiting write from a `then` would overtake what waits behind it")
            if !isNested { self.commitWaiting() }
            if self.faults.isFrozen { throw StoreFailpoints.crashed }
            if let breakdown = self.breakdown { throw breakdown }
            let database = try self.connection()
            // What is written into a file that nobody finds again is lost: better to stop before the next submit.
            if database.hasMoved {
                throw StoreError(
                    .missing, "its file was moved, replaced or removed while it was in use; put it back")
            }
            try RunnerLock.refuseLost(of: self.path)
            try database.run("BEGIN IMMEDIATE")
            let value: T
            do throws(StoreError) {
                value = try body(database)
                try self.commitTransaction(of: database)
            } catch {
                self.rollBack(database)
                throw error
            }
            do throws(StoreError) {
                try self.checkpointIfDue(database)
            } catch {
                // What was committed is durable all the same; nothing more is written before the store is opened again.
                self.breakdown = error
            }
            return value
        }
    }

    /// The same for a body that calls code of others: whatever that throws rolls everything back and is thrown on.
    func rethrowingTransaction<T>(_ body: (SQLiteConnection) throws -> T) throws -> T {
        var foreign: (any Error)?
        do throws(StoreError) {
            return try transaction { database throws(StoreError) in try Self.capturing(&foreign) { try body(database) }
            }
        } catch {
            throw foreign ?? error
        }
    }

    /// ``reading(_:)`` for a body that calls code of others.
    func rethrowingRead<T>(_ body: (SQLiteConnection) throws -> T) throws -> T {
        var foreign: (any Error)?
        do throws(StoreError) {
            return try reading { database throws(StoreError) in try Self.capturing(&foreign) { try body(database) } }
        } catch {
            throw foreign ?? error
        }
    }

    /// Keeps an error that is none of ours, and throws one of ours in its place.
    private static func capturing<T>(
        _ foreign: inout (any Error)?, _ body: () throws -> T
    ) throws(StoreError) -> T {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch {
            foreign = error
            throw StoreError(.conflict, "aborted by the caller")
        }
    }

    private func commitTransaction(of database: SQLiteConnection) throws(StoreError) {
        switch faults.next() {
        case nil:
            if faults.isFrozen { throw StoreFailpoints.crashed }
        case .fails(let error):
            throw error
        case .freezesBefore:
            faults.freeze()
            throw StoreFailpoints.crashed
        case .freezesAfter:
            try database.run("COMMIT")
            faults.freeze()
            throw StoreFailpoints.crashed
        }
        do throws(StoreError) {
            try database.run("COMMIT")
        } catch {
            // After a failed sync nobody knows what of the log is on disk, and a second sync may claim that all is well.
            // Opening the store anew reads what really is there.
            if error.kind == .io || error.kind == .damaged { breakdown = error }
            throw error
        }
    }

    /// Some errors end a transaction by themselves; the rest is ended here.
    func rollBack(_ database: SQLiteConnection) {
        if database.isOutsideTransaction { return }
        do throws(StoreError) {
            try database.run("ROLLBACK")
        } catch {
            // The caller reports what led here; a connection that cannot even go back is of no more use.
            breakdown = error
        }
    }
}
