import DailiesCore

/// Changes to a task between its attempts, and facts that are not about a task.
extension SQLiteConnection {
    func recordWithdrawn(_ task: TaskID, _ reason: WithdrawalReason, at: Instant) throws(StoreError) {
        let changed = try run(
            """
            UPDATE task_state SET state = 'cancelled', withdrawn_code = $1, withdrawn_at_ms = $2, claimed_by = NULL
            WHERE id = $3 AND state = 'queued' AND NOT is_submitted
            """, .text(reason.rawValue), SQLValue(at), SQLValue(task))
        guard changed == 1 else { throw Self.conflict("withdrawn", task) }
        var row = NewEvent("withdrawn", at: at, batch: try batch(of: task), task: task)
            .moving(from: .queued, to: .cancelled)
        row.code = reason.rawValue
        row.source = reason == .removed ? "manifest" : "user"
        try log(row)
    }

    /// A settled task waits under the next number; an unsent one waits under its old number.
    func recordRetried(_ task: TaskID, at: Instant) throws(StoreError) {
        let found = try first(
            "SELECT state, is_submitted, attempt FROM task_state WHERE id = $1", SQLValue(task)
        ) { row throws(StoreError) in
            (
                state: try row.word("state", as: TaskState.self), isSubmitted: row["is_submitted"] as Bool,
                n: try row.attemptNumber("attempt")
            )
        }
        guard let found, found.state == .failed || found.state == .cancelled else {
            throw Self.conflict("retried", task)
        }
        if found.isSubmitted {
            try supersede(AttemptID(task: task, number: found.n), state: found.state, at: at)
        } else {
            try requeueUnsent(task, at: at)
        }
        var row = NewEvent("retried", at: at, batch: try batch(of: task), task: task)
            .moving(from: found.state, to: .queued)
        row.attempt = found.isSubmitted ? found.n + 1 : found.n
        try log(row)
    }

    /// A task that a guard cancelled waits under the next number.
    func recordWaitsAgain(_ attempt: AttemptID, at: Instant) throws(StoreError) {
        let reason: String? = try value(
            "SELECT cancel_reason FROM attempt WHERE task = $1 AND number = $2 AND cancel_reason IS NOT NULL",
            SQLValue(attempt.task), SQLValue(attempt.number))
        guard let reason else { throw Self.conflict("waits_again", attempt, "was not cancelled by a guard") }
        try supersede(attempt, state: .cancelled, at: at)
        let next = AttemptID(task: attempt.task, number: attempt.number + 1)
        var row = NewEvent("waits_again", at: at, next).moving(from: .cancelled, to: .queued)
        row.code = reason
        try log(row)
    }

    /// The stored request stays; only the seed of what is sent differs.
    func recordSeed(_ seed: Int64, of task: TaskID, isByRule: Bool = false, at: Instant) throws(StoreError) {
        let changed = try run(
            "UPDATE task_state SET new_seed = $1 WHERE id = $2 AND state = 'queued' AND NOT is_submitted",
            SQLValue(seed), SQLValue(task))
        guard changed == 1 else { throw Self.conflict("reseeded", task) }
        var row = NewEvent("reseeded", at: at, batch: try batch(of: task), task: task)
        row.source = isByRule ? "rule:new_seed" : "user"
        row.message = "\(seed)"
        try log(row)
    }

    /// A withdrawn task waits again under its old number.
    func requeueUnsent(_ task: TaskID, at: Instant) throws(StoreError) {
        let changed = try run(
            """
            UPDATE task_state SET state = 'queued', withdrawn_code = NULL, withdrawn_at_ms = NULL
            WHERE id = $1 AND state = 'cancelled' AND NOT is_submitted
            """, SQLValue(task))
        guard changed == 1 else { throw Self.conflict("restored", task) }
    }

    /// Replaces a settled attempt by the next number. Its cost stays in the task's sum, and its clip is still
    /// downloaded.
    func supersede(_ attempt: AttemptID, state: TaskState, at: Instant) throws(StoreError) {
        try update(
            attempt, for: "retried",
            """
            UPDATE attempt SET superseded_at_ms = $1 WHERE task = $2 AND number = $3 AND state = $4
                AND settled_at_ms IS NOT NULL AND NOT is_cost_awaited AND superseded_at_ms IS NULL
            """, SQLValue(at), SQLValue(attempt.task), SQLValue(attempt.number), .text(state.rawValue))
        try update(
            attempt, for: "retried",
            """
            UPDATE task_state SET state = 'queued', attempt = attempt + 1, is_submitted = FALSE
            WHERE id = $1 AND attempt = $2 AND is_submitted AND state = $3
            """, SQLValue(attempt.task), SQLValue(attempt.number), .text(state.rawValue))
    }

    func recordKeyTrust(_ record: KeySupportRecord, at: Instant) throws(StoreError) {
        try run(
            """
            INSERT INTO key_trust (base_url, key_fingerprint, dialect, trust, evidence, at_ms)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (base_url, key_fingerprint, dialect) DO UPDATE
            SET trust = excluded.trust, evidence = excluded.evidence, at_ms = excluded.at_ms
            """,
            .text(record.baseURL), .text(record.account.text), .text(record.dialect.rawValue),
            .text(record.trust.rawValue), .text(record.evidence), SQLValue(at))
        var row = NewEvent("key_trust", at: at, batch: nil)
        row.code = record.trust.rawValue
        row.source = record.evidence
        row.message = "\(record.baseURL) \(record.account) \(record.dialect.rawValue)"
        try log(row)
    }

    func recordNote(on attempt: AttemptID, kind: String, text: String, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "note") { _ in true }
        var row = NewEvent(kind, at: at, attempt, in: snapshot.batch)
        row.message = text
        try log(row)
    }

    func batch(of task: TaskID) throws(StoreError) -> BatchID? {
        try value("SELECT batch_id FROM task_state WHERE id = $1", SQLValue(task))
    }
}
