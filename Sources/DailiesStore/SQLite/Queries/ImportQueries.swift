import DailiesCore
import Dispatch

/// Hands over the tasks of a manifest one by one, in its order; keys are unique. It may be called more than once, and
/// hands over the same each time. What its argument throws ends it at once and is thrown on.
public typealias TaskStream = (_ body: (TaskSpec) throws -> Void) throws -> Void

/// Manifests meet the store.
extension Store {
    /// Brings a batch in line with its manifest, in one transaction: all of it, or nothing and an error.
    ///
    /// Tasks are known by their key. A new one waits. One with the same request keeps its state and takes tags,
    /// priority and file name from the manifest. One with a changed request is refused, unless changes are
    /// accepted: then it takes the request if it was not sent, and waits under the next number if it is settled. What
    /// waits and is not in the manifest any more becomes `cancelled` with the code `removed`, and waits again when it
    /// comes back. Failed and cancelled ones stay as they are.
    ///
    /// Takes the tasks as they come and keeps none: memory grows by less than 32 bytes for each that it knows already.
    /// They are asked for on the calling thread while others are written.
    ///
    /// - Throws: ``ImportError``, or what `forEachTask` throws; in both cases nothing is written.
    public func importManifest(
        _ batch: BatchDefinition, rules: ImportOptions = ImportOptions(), at: Instant, forEachTask: TaskStream
    ) throws -> ImportResult {
        do {
            return try withoutActuallyEscaping(forEachTask) { forEachTask in
                try importManifest([(batch, forEachTask)], rules: rules, at: at)[0]
            }
        } catch let refusal as ManifestRefusal {
            throw refusal.reason
        }
    }

    /// The same for several batches, each with its manifest, in one transaction: all of them, or nothing and an error.
    ///
    /// - Returns: in their order.
    /// - Throws: ``ManifestRefusal``, ``ImportError/store(_:)``, or what one of the feeds throws; in all cases nothing is
    ///   written.
    package func importManifest(
        _ manifests: [(batch: BatchDefinition, forEachTask: TaskStream)], rules: ImportOptions, at: Instant
    ) throws -> [ImportResult] {
        dispatchPrecondition(condition: .notOnQueue(queue))
        let work = manifests.map { (batch: $0.batch, tasks: BoundedTaskChannel()) }
        let outcome = Locked<Result<[ImportResult], any Error>?>(nil)
        let written = DispatchSemaphore(value: 0)
        queue.async {
            let result = Result { try self.importManifest(work, rules, at) }
            outcome.withLock { $0 = result }
            for manifest in work { manifest.tasks.close() }
            written.signal()
        }
        for (manifest, work) in zip(manifests, work) { work.tasks.read(manifest.forEachTask) }
        written.wait()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("an enrolment ended without a result") }
        return try result.get()
    }

    private func importManifest(
        _ work: [(batch: BatchDefinition, tasks: BoundedTaskChannel)], _ rules: ImportOptions, _ at: Instant
    ) throws -> [ImportResult] {
        do {
            return try rethrowingTransaction { database in
                try work.enumerated().map { index, manifest in
                    do {
                        var round = try ManifestImporter(manifest.batch, rules, at, in: database)
                        try manifest.tasks.forEach { task in try round.take(task, in: database) }
                        return try round.finish(in: database)
                    } catch let error as ImportError {
                        throw ManifestRefusal(index: index, reason: error)
                    }
                }
            }
        } catch let error as StoreError {
            throw ImportError.store(error)
        }
    }

    /// The same for tasks that are in memory.
    ///
    /// - Parameter tasks: keys are unique.
    public func importManifest(
        _ batch: BatchDefinition, tasks: [TaskSpec], rules: ImportOptions = ImportOptions(), at: Instant
    ) throws(ImportError) -> ImportResult {
        do {
            return try importManifest(batch, rules: rules, at: at) { body in for task in tasks { try body(task) } }
        } catch let error as ImportError {
            throw error
        } catch {
            preconditionFailure("a list of tasks threw \(error)")
        }
    }

    /// What ``importManifest(_:rules:at:forEachTask:)`` would find, task by task. Writes nothing, and keeps no task.
    ///
    /// - Parameters:
    ///   - provider: whose clips count as there already.
    ///   - each: gets what the manifest names, in its order, and then what it names no more.
    /// - Returns: nil where there is no batch of this name yet; all is new then.
    /// - Throws: ``StoreError``, or what `forEachTask` and `each` throw.
    @discardableResult
    public func compare(
        batchName: String, provider: String, forEachTask: TaskStream, _ each: (DiffEntry) throws -> Void
    ) throws -> StoredBatch? {
        try withoutActuallyEscaping(each) { each in
            try rethrowingRead { database in try database.compare(batchName, provider, forEachTask, each) }
        }
    }

    /// The same for tasks that are in memory.
    public func compare(batchName: String, provider: String, tasks: [TaskSpec]) throws -> ManifestDiff {
        var comparison = ManifestDiff()
        let feed: TaskStream = { body in for task in tasks { try body(task) } }
        comparison.batch = try compare(batchName: batchName, provider: provider, forEachTask: feed) { finding in
            switch finding {
            case .named(_, let verdict, _): comparison.verdicts.append(verdict)
            case .removed(let key): comparison.removed.append(key)
            }
        }
        return comparison
    }
}

extension SQLiteConnection {
    fileprivate func compare(
        _ batchName: String, _ provider: String, _ forEachTask: TaskStream,
        _ each: @escaping (DiffEntry) throws -> Void
    ) throws -> StoredBatch? {
        let clips = try ClipFinder(provider, in: self)
        guard let batch = try batch(named: batchName) else {
            try forEachTask { task in
                try each(.named(task, .new, try clips.clip(like: task.request, except: nil, in: self)))
            }
            return nil
        }
        var kept = TaskBitSet()
        var finder = try TaskFinder(batch.id, in: self)
        try forEachTask { task in
            let known = try finder.find(task, in: self)
            if let known, known.isWaiting { kept.insert(known.id) }
            let verdict = try verdict(on: task, known)
            let clip =
                verdict.mayRender ? try clips.clip(like: task.request, except: known?.id, in: self) : nil
            try each(.named(task.known(as: known?.key ?? task.key), verdict, clip))
        }
        for task in try waiting(in: batch.id, except: kept) { try each(.removed(try key(of: task))) }
        return batch
    }

    fileprivate func key(of task: TaskID) throws(StoreError) -> TaskKey {
        let key = try first("SELECT key FROM task_input WHERE id = ?", SQLValue(task)) { row in TaskKey(row.text(0)) }
        guard let key else { throw StoreError(.damaged, "task \(task) has no input; restore a backup of the store") }
        return key
    }
}
