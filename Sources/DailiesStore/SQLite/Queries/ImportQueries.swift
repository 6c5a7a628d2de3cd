import DailiesCore
import Dispatch

/// Passes the tasks of a manifest to its argument one by one, in order; keys are unique. It may be called more than
/// once and passes the same tasks each time. It stops at an error of its argument and rethrows it.
package typealias TaskStream = (_ body: (TaskSpec) throws -> Void) throws -> Void

/// Importing manifests and comparing them with the store.
extension Store {
    /// Imports a manifest into its batch, in one transaction: completely, or not at all with an error.
    ///
    /// Tasks are identified by key. A new one waits. One with the same request keeps its state and takes tags, priority
    /// and file name from the manifest. One with a changed request is refused unless changes are accepted: it then
    /// takes the request if it is unsent, and waits under the next number if it is settled. Waiting tasks that are no
    /// longer in the manifest become `cancelled` with the code `removed`, and wait again if they return. Failed and
    /// cancelled tasks stay.
    ///
    /// Tasks are streamed: memory grows by less than 32 bytes per known task. They are read on the calling thread while
    /// others are written.
    ///
    /// - Throws: ``ImportError``, or an error of `forEachTask`; nothing is written then.
    package func importManifest(
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

    /// Imports several manifests in one transaction: all of them, or none with an error.
    ///
    /// - Returns: the results in order.
    /// - Throws: ``ManifestRefusal``, ``ImportError/store(_:)``, or an error of one of the streams; nothing is written
    ///   then.
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
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("an import ended without a result") }
        return try result.get()
    }

    private func importManifest(
        _ work: [(batch: BatchDefinition, tasks: BoundedTaskChannel)], _ rules: ImportOptions, _ at: Instant
    ) throws -> [ImportResult] {
        do {
            return try rethrowingTransaction { database in
                try work.enumerated().map { index, manifest in
                    do {
                        var importer = try ManifestImporter(manifest.batch, rules, at, in: database)
                        try manifest.tasks.forEach { task in try importer.add(task, in: database) }
                        return try importer.finish(in: database)
                    } catch let error as ImportError {
                        throw ManifestRefusal(index: index, reason: error)
                    }
                }
            }
        } catch let error as StoreError {
            throw ImportError.store(error)
        }
    }

    /// The same for tasks in memory.
    ///
    /// - Parameter tasks: tasks with unique keys.
    package func importManifest(
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

    /// Reports what ``importManifest(_:rules:at:forEachTask:)`` would find, task by task. Writes nothing.
    ///
    /// - Parameters:
    ///   - provider: the provider whose clips count as existing.
    ///   - each: receives the manifest's tasks in order, then those it no longer names.
    /// - Returns: the batch; nil if none of this name exists, and all tasks are new.
    /// - Throws: ``StoreError``, or an error of `forEachTask` or `each`.
    @discardableResult
    package func compare(
        batchName: String, provider: String, forEachTask: TaskStream, _ each: (DiffEntry) throws -> Void
    ) throws -> StoredBatch? {
        try withoutActuallyEscaping(each) { each in
            try rethrowingRead { database in try database.compare(batchName, provider, forEachTask, each) }
        }
    }

    /// The same for tasks in memory.
    package func compare(batchName: String, provider: String, tasks: [TaskSpec]) throws -> ManifestDiff {
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
            let verdict = verdict(on: task, known)
            let clip =
                verdict.mayRender ? try clips.clip(like: task.request, except: known?.id, in: self) : nil
            try each(.named(task.named(known?.key ?? task.key), verdict, clip))
        }
        for task in try waiting(in: batch.id, except: kept) { try each(.removed(try key(of: task))) }
        return batch
    }

    fileprivate func key(of task: TaskID) throws(StoreError) -> TaskKey {
        let key: TaskKey? = try value("SELECT key FROM task_input WHERE id = $1", SQLValue(task))
        guard let key else { throw StoreError(.damaged, "task \(task) has no input; restore a backup of the store") }
        return key
    }
}
