import DailiesCore

/// From waiting to accepted by the provider.
extension SQLiteConnection {
    private static let taskToSubmit = """
        SELECT s.batch_id, v.id AS service_id, i.request, s.new_seed, s.model, i.duration_seconds, i.resolution,
            \(Store.tagBudgets(of: "s.id", in: "s.batch_id")) AS tag_budgets
        FROM task_state AS s JOIN task_input AS i ON i.id = s.id JOIN batch AS b ON b.id = s.batch_id
        JOIN service AS v ON v.provider = b.provider AND v.base_url = b.base_url
        WHERE s.id = $1
        """

    private static let insertAttempt = """
        INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
            key_fingerprint, submitted_at_ms, sent_at_ms, similarity_hash, reserved_nano, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10, $11, $11, $12, $13, $14)
        ON CONFLICT (task, number) DO UPDATE SET service_id = excluded.service_id, model = excluded.model,
            resolution = excluded.resolution, seconds = excluded.seconds, submission_key = excluded.submission_key,
            dialect = excluded.dialect, key_fingerprint = excluded.key_fingerprint, handed_over_from = NULL,
            submitted_at_ms = excluded.submitted_at_ms, sent_at_ms = excluded.sent_at_ms,
            similarity_hash = excluded.similarity_hash, reserved_nano = excluded.reserved_nano,
            body = excluded.body, not_accepted_at_ms = NULL
        WHERE attempt.not_accepted_at_ms IS NOT NULL
        """

    /// Opens an attempt, or reopens one that provably never reached the provider. Nothing else does. A task that another
    /// runner has claimed is refused.
    func recordIntent(_ intent: Intent, by runner: RunnerID?, at: Instant) throws(StoreError) {
        let submission = intent.submission
        let attempt = submission.attempt
        let task = try first(Self.taskToSubmit, SQLValue(attempt.task)) { row in
            (
                batch: row["batch_id"] as BatchID, service: row["service_id"] as Int64, shape: RequestShape(in: row),
                hash: SimilarityHash(row.requestAsSent), tagBudgets: Store.tagBudgets(in: row["tag_budgets"])
            )
        }
        guard let task else { throw Self.conflict("intent", attempt, "does not exist") }
        try reserve(intent.reserved, for: attempt, in: task.batch, tags: task.tagBudgets, at: at)
        try update(
            attempt, for: "intent",
            """
            UPDATE task_state SET is_submitted = TRUE, claimed_by = NULL
            WHERE id = $1 AND attempt = $2 AND model = $3 AND state = 'queued' AND NOT is_submitted
                AND (claimed_by IS NULL OR claimed_by = $4)
            """, SQLValue(attempt.task), SQLValue(attempt.number), .text(submission.model.text),
            SQLValue(runner?.rawValue))
        try update(
            attempt, for: "intent", Self.insertAttempt,
            SQLValue(attempt.task), SQLValue(attempt.number), SQLValue(task.batch), SQLValue(task.service),
            .text(submission.model.text), .text(task.shape.resolution ?? ""),
            SQLValue(max(task.shape.durationSeconds ?? 1, 1)), .text(submission.key.text),
            .text(submission.dialect.rawValue), .text(submission.account.text), SQLValue(at),
            .integer(task.hash.number), SQLValue(intent.reserved), .blob(submission.body))
        var row = NewEvent("intent", at: at, attempt, in: task.batch).moving(from: .queued, to: .queued)
        row.message = submission.key.text
        try log(row.with(intent.reserved, .reserved))
    }

    func recordRepeat(of attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "repeated") { $0.isUnanswered }
        try update(
            attempt, for: "repeated",
            "UPDATE attempt SET sent_at_ms = $1 WHERE task = $2 AND number = $3 AND task_id IS NULL",
            SQLValue(at), SQLValue(attempt.task), SQLValue(attempt.number))
        try log(NewEvent("repeated", at: at, attempt, in: snapshot.batch).moving(from: .queued, to: .queued))
    }

    func recordNotAccepted(_ attempt: AttemptID, _ fault: ProviderError, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "not_accepted") { $0.isUnanswered }
        try update(
            attempt, for: "not_accepted",
            """
            UPDATE attempt SET not_accepted_at_ms = $1, outcome_unknown_at_ms = NULL, reserved_nano = NULL
            WHERE task = $2 AND number = $3 AND state = 'queued' AND task_id IS NULL AND not_accepted_at_ms IS NULL
            """, SQLValue(at), SQLValue(attempt.task), SQLValue(attempt.number))
        try update(
            attempt, for: "not_accepted",
            "UPDATE task_state SET is_submitted = FALSE WHERE id = $1 AND attempt = $2 AND is_submitted AND state = 'queued'",
            SQLValue(attempt.task), SQLValue(attempt.number))
        try book(snapshot, reserved: nil, cost: nil)
        try log(
            NewEvent("not_accepted", at: at, attempt, in: snapshot.batch).moving(from: .queued, to: .queued)
                .caused(by: fault).with(snapshot.reserved, .released))
    }

    /// The time of the first unknown outcome stays; later ones are only events.
    func recordUncertain(_ attempt: AttemptID, _ fault: ProviderError, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "uncertain") { $0.isUnanswered }
        try update(
            attempt, for: "uncertain",
            """
            UPDATE attempt SET outcome_unknown_at_ms = coalesce(outcome_unknown_at_ms, $1)
            WHERE task = $2 AND number = $3 AND state = 'queued' AND task_id IS NULL AND not_accepted_at_ms IS NULL
            """, SQLValue(at), SQLValue(attempt.task), SQLValue(attempt.number))
        try log(
            NewEvent("uncertain", at: at, attempt, in: snapshot.batch).moving(from: .queued, to: .queued)
                .caused(by: fault))
    }

    /// - Throws: `taskIDTaken` if the provider's task belongs to another attempt, or a user's open command adopts it for
    ///   another. Every way to learn an ID passes this check.
    func recordAccepted(_ attempt: AttemptID, _ acceptance: Acceptance, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "accepted") { $0.isUnanswered }
        let new: TaskState = acceptance.isRunning ? .running : .queued
        if acceptance.source != .adopted, let owner = try adopter(of: acceptance.remoteID, besides: attempt) {
            throw StoreError(.taskIDTaken(owner), "\(acceptance.remoteID) is being adopted for \(owner)")
        }
        do throws(StoreError) {
            try write(acceptance, as: new, of: attempt, at: at)
        } catch {
            guard error.extendedCode == StoreError.uniqueConstraintCode,
                let owner = try owner(of: acceptance.remoteID, besides: attempt)
            else { throw error }
            throw StoreError(.taskIDTaken(owner), "\(acceptance.remoteID) belongs to \(owner)")
        }
        try book(snapshot, reserved: acceptance.reserved, cost: nil)
        try moveTask(of: attempt, for: "accepted", from: .queued, to: new)
        var row = NewEvent("accepted", at: at, attempt, in: snapshot.batch).moving(from: .queued, to: new)
        row.source = acceptance.source.rawValue
        row.message = acceptance.remoteID.text
        try log(row.with(acceptance.estimate, .quoted))
        try logExchange(of: snapshot.reserved, for: acceptance.reserved, alongside: row)
    }

    private func write(
        _ acceptance: Acceptance, as new: TaskState, of attempt: AttemptID, at: Instant
    ) throws(StoreError) {
        try update(
            attempt, for: "accepted",
            """
            UPDATE attempt SET state = $1, task_id = $2, accepted_at_ms = $3, accepted_by = $4,
                is_replayed = $5, estimated_credits_nano = $6, reserved_nano = $7, outcome_unknown_at_ms = NULL
            WHERE task = $8 AND number = $9 AND state = 'queued' AND task_id IS NULL AND not_accepted_at_ms IS NULL
            """,
            .text(new.rawValue), .text(acceptance.remoteID.text), SQLValue(at), .text(acceptance.source.rawValue),
            SQLValue(acceptance.source == .replayed), SQLValue(acceptance.estimate?.credits),
            SQLValue(acceptance.reserved),
            SQLValue(attempt.task), SQLValue(attempt.number))
    }

    private static func owner(_ row: SQLRow) -> TaskOwner {
        TaskOwner(batch: row["name"], key: row["key"], attempt: AttemptID(task: row["task"], number: row["number"]))
    }

    /// The attempt of the same service and account that owns a provider task.
    private func owner(
        of remote: RemoteTaskID, besides attempt: AttemptID
    ) throws(StoreError) -> TaskOwner? {
        try first(
            """
            SELECT b.name, i.key, o.task, o.number FROM attempt AS a
            JOIN attempt AS o ON o.service_id = a.service_id AND o.key_fingerprint = a.key_fingerprint
                AND o.task_id = $3 AND NOT o.shares_task_id
            JOIN task_input AS i ON i.id = o.task JOIN batch AS b ON b.id = o.batch_id
            WHERE a.task = $1 AND a.number = $2
            """, SQLValue(attempt.task), SQLValue(attempt.number), .text(remote.text)
        ) { row in Self.owner(row) }
    }

    /// The attempt of the same service and account for which a user's open command adopts a provider task.
    private func adopter(
        of remote: RemoteTaskID, besides attempt: AttemptID
    ) throws(StoreError) -> TaskOwner? {
        try first(
            """
            SELECT b.name, i.key, o.task, o.number FROM command AS c
            JOIN attempt AS o ON o.task = c.task AND o.number = c.attempt
            JOIN attempt AS a ON a.task = $1 AND a.number = $2 AND a.id <> o.id
                AND a.service_id = o.service_id AND a.key_fingerprint = o.key_fingerprint
            JOIN task_input AS i ON i.id = o.task JOIN batch AS b ON b.id = o.batch_id
            WHERE c.adopted_task_id = $3 AND c.ended_at_ms IS NULL
            """, SQLValue(attempt.task), SQLValue(attempt.number), .text(remote.text)
        ) { row in Self.owner(row) }
    }

    /// Logs the exchange of a reservation: one released, one taken.
    private func logExchange(of old: Credits?, for new: Credits?, alongside row: NewEvent) throws(StoreError) {
        guard old != new else { return }
        if let old { try log(row.also(old, .released)) }
        if let new { try log(row.also(new, .reserved)) }
    }

    func recordCancelWanted(_ attempt: AttemptID, _ reason: CancelReason, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "cancel_wanted") { $0.state == .queued && $0.isAcknowledged }
        try update(
            attempt, for: "cancel_wanted",
            """
            UPDATE attempt SET cancel_reason = $1
            WHERE task = $2 AND number = $3 AND state = 'queued' AND task_id IS NOT NULL AND cancel_reason IS NULL
            """, .text(reason.rawValue), SQLValue(attempt.task), SQLValue(attempt.number))
        var row = NewEvent("cancel_wanted", at: at, attempt, in: snapshot.batch).moving(from: .queued, to: .queued)
        row.code = reason.rawValue
        try log(row)
    }

    func recordReservationRaised(_ attempt: AttemptID, to reserved: Credits, at: Instant) throws(StoreError) {
        let step = "reservation_raised"
        let snapshot = try snapshot(of: attempt, for: step) { $0.isWithProvider && $0.reserved ?? .zero < reserved }
        try update(
            attempt, for: step,
            """
            UPDATE attempt SET reserved_nano = $1
            WHERE task = $2 AND number = $3 AND state IN ('queued', 'running') AND task_id IS NOT NULL
            """, SQLValue(reserved), SQLValue(attempt.task), SQLValue(attempt.number))
        try book(snapshot, reserved: reserved, cost: nil)
        let row = NewEvent(step, at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: snapshot.state)
        try log(row)
        try logExchange(of: snapshot.reserved, for: reserved, alongside: row)
    }

    func recordRunning(_ attempt: AttemptID, at: Instant) throws(StoreError) {
        let moved = try run(
            """
            UPDATE attempt SET state = 'running', lost_at_ms = NULL
            WHERE task = $1 AND number = $2 AND state = 'queued' AND task_id IS NOT NULL
            """, SQLValue(attempt.task), SQLValue(attempt.number))
        guard moved == 1 else {
            _ = try snapshot(of: attempt, for: "running") { $0.state == .queued && $0.isAcknowledged }
            throw Self.conflict("running", attempt, "changed in the meantime")
        }
        try moveTask(of: attempt, for: "running", from: .queued, to: .running)
        try log(NewEvent("running", at: at, attempt).moving(from: .queued, to: .running))
    }
}
