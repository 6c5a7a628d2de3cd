import DailiesCore

/// Writes of a manifest import.
extension SQLiteConnection {
    func insert(_ definition: BatchDefinition, at: Instant) throws(StoreError) -> BatchID {
        try insertService(of: definition)
        let batch: BatchID = try insert(
            """
            INSERT INTO batch (name, manifest_path, created_at_ms, provider, base_url, output_dir)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
            """,
            .text(definition.name), .text(definition.manifestPath), SQLValue(at), .text(definition.provider),
            .text(definition.baseURL), .text(definition.outputDirectory))
        try run("INSERT INTO batch_total (batch_id) VALUES ($1)", SQLValue(batch))
        try setBudgets(of: batch, definition, at: at)
        return batch
    }

    private func insertService(of definition: BatchDefinition) throws(StoreError) {
        try run(
            "INSERT INTO service (provider, base_url) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            .text(definition.provider), .text(definition.baseURL))
    }

    /// Whether a batch's service has accepted a submit of it, or may have, so that the batch belongs to it permanently.
    /// An attempt that is uncertain only because a server other than the API answered does not count.
    func isBound(_ batch: BatchID) throws(StoreError) -> Bool {
        try exists(
            """
            SELECT 1 FROM attempt AS a WHERE batch_id = $1 AND not_accepted_at_ms IS NULL
                AND (task_id IS NOT NULL OR state = 'queued' AND (outcome_unknown_at_ms IS NULL OR EXISTS (
                    SELECT 1 FROM event WHERE task = a.task AND attempt = a.number
                        AND (kind = 'repeated' OR kind = 'uncertain' AND code IS DISTINCT FROM '\(ProviderError.notTheAPI)'))))
            LIMIT 1
            """, SQLValue(batch))
    }

    /// Moves a batch to another service. Its current one must not have accepted anything.
    func move(_ stored: StoredBatch, to definition: BatchDefinition, at: Instant) throws(StoreError) {
        let answered = try rows(
            "SELECT task, number FROM attempt WHERE batch_id = $1 AND state = 'queued' AND not_accepted_at_ms IS NULL",
            SQLValue(stored.id)
        ) { row in AttemptID(task: row["task"], number: row["number"]) }
        let fault = ProviderError(
            kind: .status, code: ProviderError.notTheAPI,
            message: "no API answered at \(stored.baseURL), and another base URL was given")
        for attempt in answered { try recordNotAccepted(attempt, fault, at: at) }
        try insertService(of: definition)
        try run(
            "UPDATE batch SET provider = $1, base_url = $2 WHERE id = $3", .text(definition.provider),
            .text(definition.baseURL), SQLValue(stored.id))
        var row = NewEvent("moved", at: at, batch: stored.id)
        row.source = "user"
        row.message = "from \(stored.provider) at \(stored.baseURL) to \(definition.provider) at \(definition.baseURL)"
        try log(row)
    }

    func update(_ stored: StoredBatch, to definition: BatchDefinition, at: Instant) throws(StoreError) {
        try run(
            "UPDATE batch SET manifest_path = $1, output_dir = $2 WHERE id = $3", .text(definition.manifestPath),
            .text(definition.outputDirectory), SQLValue(stored.id))
        try setBudgets(of: stored.id, definition, at: at)
    }

    private func setBudgets(of batch: BatchID, _ definition: BatchDefinition, at: Instant) throws(StoreError) {
        try setBudget(of: batch, definition.budget, mode: definition.budgetMode, at: at)
        for budget in definition.tagBudgets { try setTagBudget(of: batch, budget, at: at) }
    }

    /// The last ID of a task. An import counts on from it, since RETURNING takes longer than the insert itself. IDs that
    /// someone wrote into the file may be so large that there is none after them; they do not count.
    func lastTask() throws(StoreError) -> TaskID {
        let last: TaskID? = try value(
            "SELECT id FROM task_input WHERE id < $1 ORDER BY id DESC LIMIT 1", .integer(.max / 2))
        return last ?? TaskID(0)
    }

    /// Inserts a new task; ``insertStates(of:in:)`` inserts its state.
    func insert(_ task: TaskSpec, as id: TaskID, in batch: BatchID) throws(StoreError) {
        try run(
            """
            INSERT INTO task_input (id, batch_id, key, request, duration_seconds, resolution, tags, output)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            SQLValue(id), SQLValue(batch), .text(task.key.text), .text(task.request.text),
            SQLValue(task.shape.durationSeconds),
            SQLValue(task.shape.resolution), .text(JSONText.object(task.tags)), SQLValue(task.output))
    }

    /// Inserts the states of new tasks, which then wait.
    func insertStates(of tasks: InsertRange, in batch: BatchID) throws(StoreError) {
        let inserted = try run(
            """
            INSERT INTO task_state (id, batch_id, model, priority)
            SELECT id, $1, $2, $3 FROM task_input WHERE id BETWEEN $4 AND $5
            """,
            SQLValue(batch), .text(tasks.model.text), SQLValue(tasks.priority), SQLValue(tasks.first),
            SQLValue(tasks.last))
        precondition(inserted == tasks.count, "\(inserted) of \(tasks.count) new tasks got a state")
        if tasks.hasTags { try insertTags(from: tasks.first, to: tasks.last) }
    }

    /// Inserts the tags of consecutive tasks.
    private func insertTags(from first: TaskID, to last: TaskID) throws(StoreError) {
        try run(
            """
            INSERT INTO task_tag (task, name, value)
            SELECT i.id, t.key, t.value FROM task_input AS i, \(SQLDialect.members(of: "i.tags")) AS t
            WHERE i.id BETWEEN $1 AND $2
            """, SQLValue(first), SQLValue(last))
    }

    /// Replaces a task's tags; its attempts then count for the budgets of the new ones.
    private func replaceTags(of known: ExistingTask, in batch: BatchID, by tags: String) throws(StoreError) {
        if known.tags.utf8.elementsEqual(tags.utf8) { return }
        try book(known.id, of: batch, .removed)
        try run("DELETE FROM task_tag WHERE task = $1", SQLValue(known.id))
        try insertTags(from: known.id, to: known.id)
        try book(known.id, of: batch, .added)
    }

    /// Updates a known task from its manifest. A change of its request must be accepted.
    func update(
        _ known: ExistingTask, from task: TaskSpec, _ verdict: TaskDiff, counting result: inout ImportResult,
        at: Instant
    ) throws(StoreError) {
        guard case .changed(let change) = verdict else {
            if known.differs(from: task) { try updateListing(of: known, in: result.batch, to: task) }
            let state = try restore(known, in: result.batch, at: at)
            if state != known.state { result.restored += 1 } else { result.unchanged += 1 }
            result.tasksByState[state, default: 0] += 1
            return
        }
        try updateInput(of: known, in: result.batch, to: task)
        switch change.progress {
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
        result.tasksByState[.queued, default: 0] += 1
    }

    /// A task that was cancelled as removed waits again.
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

    /// Updates what may change without a new request, including the request's text.
    private func updateListing(of known: ExistingTask, in batch: BatchID, to task: TaskSpec) throws(StoreError) {
        try run("UPDATE task_state SET priority = $1 WHERE id = $2", SQLValue(task.priority), SQLValue(known.id))
        let tags = JSONText.object(task.tags)
        try run(
            "UPDATE task_input SET request = $1, tags = $2, output = $3 WHERE id = $4",
            .text(known.request(as: task).text), .text(tags), SQLValue(task.output), SQLValue(known.id))
        try replaceTags(of: known, in: batch, by: tags)
    }

    private func updateInput(of known: ExistingTask, in batch: BatchID, to task: TaskSpec) throws(StoreError) {
        // A new request has its own seed.
        try run(
            "UPDATE task_state SET model = $1, priority = $2, new_seed = NULL WHERE id = $3",
            .text(task.shape.model.text), SQLValue(task.priority), SQLValue(known.id))
        let tags = JSONText.object(task.tags)
        try run(
            """
            UPDATE task_input SET request = $1, duration_seconds = $2, resolution = $3, tags = $4, output = $5
            WHERE id = $6
            """,
            .text(task.request.text), SQLValue(task.shape.durationSeconds),
            SQLValue(task.shape.resolution), .text(tags), SQLValue(task.output), SQLValue(known.id))
        try replaceTags(of: known, in: batch, by: tags)
    }

    /// One row per manifest; its new tasks are in the tables, and changed ones have their own rows.
    func logImport(_ result: ImportResult, at: Instant) throws(StoreError) {
        var row = NewEvent("enrolled", at: at, batch: result.batch)
        row.source = "manifest"
        row.message = """
            \(result.new) new, \(result.unchanged) unchanged, \(result.changed) changed, \
            \(result.removed) removed, \(result.restored) restored
            """
        try log(row)
    }
}
