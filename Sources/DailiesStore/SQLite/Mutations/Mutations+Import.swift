import DailiesCore

/// The writes of an enrolment.
extension SQLiteConnection {
    func insert(_ enrolment: BatchDefinition, at: Instant) throws(StoreError) -> BatchID {
        try insertService(of: enrolment)
        try run(
            """
            INSERT INTO batch (name, manifest_path, created_at_ms, provider, base_url, output_dir)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            .text(enrolment.name), .text(enrolment.manifestPath), SQLValue(at), .text(enrolment.provider),
            .text(enrolment.baseURL), .text(enrolment.outputDirectory))
        let batch = BatchID(lastInsertedRow)
        try setBudgets(of: batch, enrolment, at: at)
        return batch
    }

    private func insertService(of enrolment: BatchDefinition) throws(StoreError) {
        try run(
            "INSERT INTO service (provider, base_url) VALUES (?, ?) ON CONFLICT DO NOTHING", .text(enrolment.provider),
            .text(enrolment.baseURL))
    }

    /// Whether the service of a batch has accepted a submit of it, or may have: then the batch is the service's for good. An
    /// attempt that is uncertain for one reason only, that another server than the API answered, does not count.
    func isBound(_ batch: BatchID) throws(StoreError) -> Bool {
        try first(
            """
            SELECT EXISTS (SELECT 1 FROM attempt AS a WHERE batch_id = ?1 AND not_accepted_at_ms IS NULL
                AND (task_id IS NOT NULL OR state = 'queued' AND (outcome_unknown_at_ms IS NULL OR EXISTS (
                    SELECT 1 FROM event WHERE task = a.task AND attempt = a.n
                        AND (kind = 'repeated' OR kind = 'uncertain' AND code IS NOT '\(ProviderError.notTheAPI)')))))
            """, SQLValue(batch)
        ) { row in row.bool(0) } ?? false
    }

    /// Nothing of the batch has been accepted where it belongs now: from here on it belongs elsewhere.
    func move(_ stored: StoredBatch, to enrolment: BatchDefinition, at: Instant) throws(StoreError) {
        let answered = try rows(
            "SELECT task, n FROM attempt WHERE batch_id = ? AND state = 'queued' AND not_accepted_at_ms IS NULL",
            SQLValue(stored.id)
        ) { row in AttemptID(task: TaskID(row.integer(0)), number: Int(row.integer(1))) }
        let fault = ProviderError(
            kind: .status, code: ProviderError.notTheAPI,
            message: "no API answered at \(stored.baseURL), and another base URL was given")
        for attempt in answered { try recordNotAccepted(attempt, fault, at: at) }
        try insertService(of: enrolment)
        try run(
            "UPDATE batch SET provider = ?, base_url = ? WHERE id = ?", .text(enrolment.provider),
            .text(enrolment.baseURL), SQLValue(stored.id))
        var row = NewEvent("moved", at: at, batch: stored.id)
        row.source = "user"
        row.message = "from \(stored.provider) at \(stored.baseURL) to \(enrolment.provider) at \(enrolment.baseURL)"
        try log(row)
    }

    func update(_ stored: StoredBatch, to enrolment: BatchDefinition, at: Instant) throws(StoreError) {
        try run(
            "UPDATE batch SET manifest_path = ?, output_dir = ? WHERE id = ?", .text(enrolment.manifestPath),
            .text(enrolment.outputDirectory), SQLValue(stored.id))
        try setBudgets(of: stored.id, enrolment, at: at)
    }

    private func setBudgets(of batch: BatchID, _ enrolment: BatchDefinition, at: Instant) throws(StoreError) {
        try setBudget(of: batch, enrolment.budget, mode: enrolment.budgetMode, at: at)
        for budget in enrolment.tagBudgets { try setTagBudget(of: batch, budget, at: at) }
    }

    /// A task that was not known. Where it stands is for ``insertStanding(of:in:)``.
    func insert(_ task: TaskSpec, in batch: BatchID) throws(StoreError) -> TaskID {
        try run(
            """
            INSERT INTO task_input (batch_id, key, request, duration_seconds, resolution, tags, output)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            SQLValue(batch), .text(task.key.text), .text(task.request.text), SQLValue(task.shape.durationSeconds),
            SQLValue(task.shape.resolution), .text(JSONText.object(task.tags)), SQLValue(task.output))
        return TaskID(lastInsertedRow)
    }

    /// They wait from then on.
    func insertStanding(of tasks: InsertRange, in batch: BatchID) throws(StoreError) {
        let inserted = try run(
            """
            INSERT INTO task_standing (id, batch_id, model, priority)
            SELECT id, ?, ?, ? FROM task_input WHERE id BETWEEN ? AND ?
            """,
            SQLValue(batch), .text(tasks.model.text), SQLValue(tasks.priority), SQLValue(tasks.first),
            SQLValue(tasks.last))
        precondition(inserted == tasks.count, "\(inserted) of \(tasks.count) new tasks got their standing")
    }

    /// A task that is known and whose change, if any, is accepted.
    func bring(
        _ known: ExistingTask, inLineWith task: TaskSpec, _ verdict: TaskDiff, counting result: inout ImportResult,
        at: Instant
    ) throws(StoreError) {
        guard case .changed(let change) = verdict else {
            if known.differs(from: task) { try updateListing(of: known, to: task) }
            let state = try restore(known, in: result.batch, at: at)
            if state != known.state { result.restored += 1 } else { result.unchanged += 1 }
            result.standing[state, default: 0] += 1
            return
        }
        try updateInput(of: known.id, to: task)
        switch change.standing {
        case .unsent:
            if known.state == .cancelled { try requeueUnsent(known.id, at: at) }
        case .settled(let state):
            try supersede(AttemptID(task: known.id, number: known.attempt), state: state, at: at)
        case .unsettled:
            preconditionFailure("task \(known.id) is not settled and was not refused")
        }
        var row = NewEvent("changed", at: at, batch: result.batch, task: known.id)
            .moving(from: known.state, to: .queued)
        row.source = "manifest"
        try log(row)
        result.changed += 1
        result.standing[.queued, default: 0] += 1
    }

    /// One that was cancelled because it was gone from the manifest waits again.
    private func restore(
        _ known: ExistingTask, in batch: BatchID, at: Instant
    ) throws(StoreError) -> TaskState {
        guard known.wasRemoved else { return known.state }
        try requeueUnsent(known.id, at: at)
        var row = NewEvent("restored", at: at, batch: batch, task: known.id).moving(from: known.state, to: .queued)
        row.source = "manifest"
        try log(row)
        return .queued
    }

    /// What may change without another request: its writing too.
    private func updateListing(of known: ExistingTask, to task: TaskSpec) throws(StoreError) {
        try run("UPDATE task_standing SET priority = ? WHERE id = ?", SQLValue(task.priority), SQLValue(known.id))
        try run(
            "UPDATE task_input SET request = ?, tags = ?, output = ? WHERE id = ?", .text(known.request(as: task).text),
            .text(JSONText.object(task.tags)), SQLValue(task.output), SQLValue(known.id))
    }

    private func updateInput(of id: TaskID, to task: TaskSpec) throws(StoreError) {
        // Another request has a seed of its own.
        try run(
            "UPDATE task_standing SET model = ?, priority = ?, new_seed = NULL WHERE id = ?",
            .text(task.shape.model.text), SQLValue(task.priority), SQLValue(id))
        try run(
            """
            UPDATE task_input SET request = ?, duration_seconds = ?, resolution = ?, tags = ?, output = ?
            WHERE id = ?
            """,
            .text(task.request.text), SQLValue(task.shape.durationSeconds),
            SQLValue(task.shape.resolution), .text(JSONText.object(task.tags)), SQLValue(task.output), SQLValue(id))
    }

    /// One row for the manifest; its new tasks are in the tables, what it changed has rows of its own.
    func logEnrolment(_ result: ImportResult, at: Instant) throws(StoreError) {
        var row = NewEvent("enrolled", at: at, batch: result.batch)
        row.source = "manifest"
        row.message = """
            \(result.new) new, \(result.unchanged) unchanged, \(result.changed) changed, \
            \(result.removed) removed, \(result.restored) restored
            """
        try log(row)
    }
}
