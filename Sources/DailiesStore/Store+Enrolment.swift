import DailiesCore

/// Manifests meet the store.
extension Store {
    /// Brings a batch in line with its manifest, in one transaction: all of it, or nothing and an error.
    ///
    /// Tasks are known by their key. A new one waits. One with the same request keeps its state and takes tags,
    /// priority, prompt and file name from the manifest. One with a changed request is refused, unless changes are
    /// accepted: then it takes the request if it was not sent, and waits under the next number if it is settled. What
    /// waits and is not in the manifest any more becomes `cancelled` with the code `removed`, and waits again when it
    /// comes back. Failed and cancelled ones stay as they are.
    ///
    /// - Parameter tasks: keys are unique.
    public func enrol(
        _ batch: BatchEnrolment, tasks: [TaskSpec], rules: EnrolmentRules = EnrolmentRules(), at: Instant
    ) throws(EnrolmentError) -> Enrolment {
        let outcome: Result<Enrolment, EnrolmentError>
        do throws(StoreError) {
            // A refusal comes before the first write, so that the transaction which it ends is empty.
            outcome = try transaction { database throws(StoreError) in
                try database.enrol(batch, tasks, rules, at)
            }
        } catch {
            throw .store(error)
        }
        return try outcome.get()
    }

    /// What ``enrol(_:tasks:rules:at:)`` would find. Writes nothing.
    public func compare(batchName: String, tasks: [TaskSpec]) throws(StoreError) -> ManifestComparison {
        try reading { database throws(StoreError) in
            guard let batch = try database.batch(named: batchName) else {
                return ManifestComparison(batch: nil, verdicts: tasks.map { _ in .new }, removed: [])
            }
            var verdicts: [ManifestComparison.Verdict] = []
            var kept: Set<TaskID> = []
            for task in tasks {
                let known = try database.known(task.key, in: batch.id)
                if let known { kept.insert(known.id) }
                verdicts.append(known?.verdict(for: task) ?? .new)
            }
            var removed: [TaskKey] = []
            for task in try database.waiting(in: batch.id, except: kept) {
                removed.append(try database.key(of: task))
            }
            return ManifestComparison(batch: batch, verdicts: verdicts, removed: removed)
        }
    }
}

extension Database {
    fileprivate func key(of task: TaskID) throws(StoreError) -> TaskKey {
        let key = try first("SELECT key FROM task_input WHERE id = ?", Value(task)) { row in TaskKey(row.text(0)) }
        guard let key else { throw StoreError(.damaged, "task \(task) has no input; restore a copy of the store") }
        return key
    }

    fileprivate func enrol(
        _ enrolment: BatchEnrolment, _ tasks: [TaskSpec], _ rules: EnrolmentRules, _ at: Instant
    ) throws(StoreError) -> Result<Enrolment, EnrolmentError> {
        guard let stored = try batch(named: enrolment.name) else {
            let batch = try insert(enrolment, at: at)
            var result = Enrolment(batch: batch)
            for task in tasks { _ = try insert(task, in: batch, counting: &result) }
            try logEnrolment(result, at: at)
            return .success(result)
        }
        guard stored.provider == enrolment.provider, stored.baseURL == enrolment.baseURL else {
            return .failure(.differentProvider(name: stored.provider, baseURL: stored.baseURL))
        }
        guard stored.manifestPath == enrolment.manifestPath || rules.sameBatch else {
            return .failure(.differentPath(stored: stored.manifestPath))
        }
        if let refusal = try refusal(of: tasks, in: stored.id, rules) { return .failure(refusal) }
        try update(stored, to: enrolment, at: at)
        var result = Enrolment(batch: stored.id)
        var kept: Set<TaskID> = []
        for task in tasks {
            if let known = try known(task.key, in: stored.id) {
                kept.insert(known.id)
                try bring(known, inLineWith: task, counting: &result, at: at)
            } else {
                kept.insert(try insert(task, in: stored.id, counting: &result))
            }
        }
        for task in try waiting(in: stored.id, except: kept) {
            try recordWithdrawn(task, .removed, at: at)
            result.removed += 1
        }
        try logEnrolment(result, at: at)
        return .success(result)
    }

    /// The first pass: every changed task, before anything is written.
    private func refusal(
        of tasks: [TaskSpec], in batch: BatchID, _ rules: EnrolmentRules
    ) throws(StoreError) -> EnrolmentError? {
        var changed: [ChangedTask] = []
        for task in tasks {
            if let change = try known(task.key, in: batch)?.change(to: task) { changed.append(change) }
        }
        if changed.isEmpty { return nil }
        guard rules.acceptChanges else { return .changed(changed) }
        let unsettled = changed.filter { $0.standing == .unsettled }.map(\.key)
        return unsettled.isEmpty ? nil : .unsettled(unsettled)
    }
}
