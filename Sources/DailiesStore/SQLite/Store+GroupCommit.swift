import DailiesCore
import Dispatch

/// Uncommitted calls of ``Store/write(_:then:)``.
struct PendingWrites {
    struct Call {
        let changes: [Mutation]
        let then: @Sendable (Result<[MutationOutcome], StoreError>) -> Void
    }
    var calls: [Call] = []
    /// Whether a block that commits them is queued.
    var isScheduled = false
}

extension Store {
    /// Maximum changes per transaction; more would gain nothing and increase latency. A single call may have more.
    private static let transactionCap = 500

    /// Makes changes durable, all or none, and then calls `then` on the store's queue with the outcomes that only the
    /// store knows, in the order of the changes.
    ///
    /// Calls are executed in order; waiting calls share one transaction (group commit) and one disk sync. A call that
    /// does not apply (``StoreError/Kind/conflict``, ``StoreError/Kind/overBudget``,
    /// ``StoreError/Kind/taskIDTaken(_:)``) fails alone. A failed commit
    /// fails every call that shared it, and is rolled back. `then` is called in the order of the calls, after the
    /// commit is synced to disk.
    package func write(
        _ changes: [Mutation], then: @escaping @Sendable (Result<[MutationOutcome], StoreError>) -> Void
    ) {
        let isFirst = waiting.withLock { waiting in
            waiting.calls.append(PendingWrites.Call(changes: changes, then: then))
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        if isFirst { queue.async { self.commitScheduled() } }
    }

    /// Waits for all queued calls, then commits these changes in a separate transaction.
    package func writeAndWait(_ changes: [Mutation]) throws(StoreError) {
        try transaction { database throws(StoreError) in _ = try database.apply(changes, by: self.runner) }
    }

    /// Waits until all queued calls are committed or have failed, and their `then` was called.
    package func drain() throws(StoreError) {
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

    /// Commits the calls that wait now, not those that arrive during the commit. On the queue.
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

    /// Commits one transaction's worth of calls and notifies their callers.
    ///
    /// - Returns: the number of calls.
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
        guard !faults.hasCrashed else { return group.count }
        isNotifying = true
        defer { isNotifying = false }
        for (call, result) in zip(group, results) { call.then(result) }
        return group.count
    }

    private func commit(_ group: [PendingWrites.Call]) -> [Result<[MutationOutcome], StoreError>] {
        do throws(StoreError) {
            var results: [Result<[MutationOutcome], StoreError>] = []
            try transaction(isNested: true) { database throws(StoreError) in
                for call in group { results.append(.success(try database.apply(call.changes, by: self.runner))) }
            }
            return results
        } catch {
            // Conflicts are rare, and savepoints for them would copy every page that a call touches.
            guard error.affectsOneCall else { return Array(repeating: .failure(error), count: group.count) }
            return commitIndividually(group)
        }
    }

    /// Commits a group in which some call does not apply: that one fails alone.
    private func commitIndividually(_ group: [PendingWrites.Call]) -> [Result<[MutationOutcome], StoreError>] {
        var results: [Result<[MutationOutcome], StoreError>] = []
        do throws(StoreError) {
            try transaction(isNested: true) { database throws(StoreError) in
                for call in group {
                    do throws(StoreError) {
                        results.append(.success(try self.applyInSavepoint(call.changes, in: database)))
                    } catch {
                        guard error.affectsOneCall, !database.isOutsideTransaction else { throw error }
                        results.append(.failure(error))
                    }
                }
            }
            return results
        } catch {
            return group.indices.map { index in
                // A refused task ID does not end a run, so it must not hide a store failure.
                if index < results.count, case .failure(let own) = results[index],
                    own.kind == .conflict || own.kind == .overBudget
                {
                    return .failure(own)
                }
                return .failure(error)
            }
        }
    }

    /// Applies one call's changes within a shared transaction: all, or none with an error.
    private func applyInSavepoint(
        _ changes: [Mutation], in database: SQLiteConnection
    ) throws(StoreError) -> [MutationOutcome] {
        try database.run("SAVEPOINT call")
        let outcomes: [MutationOutcome]
        do throws(StoreError) {
            outcomes = try database.apply(changes, by: runner)
        } catch {
            if !database.isOutsideTransaction {
                try database.run("ROLLBACK TO call")
                try database.run("RELEASE call")
            }
            throw error
        }
        try database.run("RELEASE call")
        return outcomes
    }

    // MARK: transactions

    /// Runs `body` in a write transaction, after all queued calls.
    ///
    /// - Parameter isNested: whether the group commit itself calls it, so that waiting calls are not committed first.
    func transaction<T>(
        isNested: Bool = false, _ body: (SQLiteConnection) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try onQueue { () throws(StoreError) in
            precondition(!self.isNotifying, "a blocking write from a `then` would overtake waiting calls")
            if !isNested { self.commitWaiting() }
            if self.faults.hasCrashed { throw StoreFailpoints.crashed }
            if let permanentFailure = self.permanentFailure { throw permanentFailure }
            let database = try self.connection()
            // Data written into a moved file is lost: stop before the next submit.
            if database.hasMoved {
                throw StoreError(
                    .missing, "its file was moved, replaced or removed while it was in use; put it back")
            }
            try RunnerLock.refuseMissingLockFile(of: self.path)
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
                // The commit is durable anyway; nothing more is written before the store is opened again.
                self.permanentFailure = error
            }
            return value
        }
    }

    /// The same for a body that calls foreign code: its errors roll everything back and are rethrown.
    func rethrowingTransaction<T>(_ body: (SQLiteConnection) throws -> T) throws -> T {
        var foreign: (any Error)?
        do throws(StoreError) {
            return try transaction { database throws(StoreError) in try Self.capturing(&foreign) { try body(database) }
            }
        } catch {
            throw foreign ?? error
        }
    }

    /// ``reading(_:)`` for a body that calls foreign code.
    func rethrowingRead<T>(_ body: (SQLiteConnection) throws -> T) throws -> T {
        var foreign: (any Error)?
        do throws(StoreError) {
            return try reading { database throws(StoreError) in try Self.capturing(&foreign) { try body(database) } }
        } catch {
            throw foreign ?? error
        }
    }

    /// Saves a foreign error and throws a ``StoreError`` in its place.
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
            if faults.hasCrashed { throw StoreFailpoints.crashed }
        case .fails(let error):
            throw error
        case .crashesBefore:
            faults.crash()
            throw StoreFailpoints.crashed
        case .crashesAfter:
            try database.run("COMMIT")
            faults.crash()
            throw StoreFailpoints.crashed
        }
        do throws(StoreError) {
            try database.run("COMMIT")
        } catch {
            // After a failed sync it is unknown what of the log is on disk, and a second sync may report success.
            // Opening the store again reads what is really there.
            if error.kind == .io || error.kind == .damaged { permanentFailure = error }
            throw error
        }
    }

    /// Rolls back, unless the error already ended the transaction.
    func rollBack(_ database: SQLiteConnection) {
        if database.isOutsideTransaction { return }
        do throws(StoreError) {
            try database.run("ROLLBACK")
        } catch {
            // The caller reports the original error; a connection that cannot roll back is no longer usable.
            permanentFailure = error
        }
    }
}
