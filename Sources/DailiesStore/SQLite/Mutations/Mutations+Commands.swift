import DailiesCore

/// Carries out commands. The effect and the end of the command are one transaction, so that a crash leaves both or
/// neither.
extension SQLiteConnection {
    func recordWithdrawal(
        of attempt: AttemptID, by command: CommandID, at: Instant
    ) throws(StoreError) -> MutationOutcome? {
        let waits = try exists(
            "SELECT 1 FROM task_state WHERE id = $1 AND attempt = $2 AND state = 'queued' AND NOT is_submitted",
            SQLValue(attempt.task), SQLValue(attempt.number))
        guard waits else {
            // The run does not have it: it has ended, or only a run with another provider can cancel it.
            let isOpen: Bool? = try value(
                "SELECT is_open FROM attempt WHERE task = $1 AND number = $2", SQLValue(attempt.task),
                SQLValue(attempt.number))
            let message = isOpen == true ? "it is at a provider that the active run does not use" : nil
            try endCommand(command, isOpen == true ? .notCancelled : .alreadyOver, message: message, at: at)
            return nil
        }
        try recordWithdrawn(attempt.task, .cancelled, at: at)
        try endCommand(command, .withdrawn, message: nil, at: at)
        return try name(of: attempt.task).map(MutationOutcome.withdrawn)
    }

    func recordRetry(
        of attempt: AttemptID, by command: CommandID, again: Bool, newSeed: Int64?, at: Instant
    ) throws(StoreError) -> MutationOutcome? {
        if let refusal = try refusal(ofRetrying: attempt, again: again) {
            try endCommand(command, .refused, message: refusal.message, at: at)
            return nil
        }
        let state = try first(
            "SELECT state FROM task_state WHERE id = $1", SQLValue(attempt.task)
        ) { row throws(StoreError) in try row.word("state", as: TaskState.self) }
        if state == .completed {
            try recordRetake(of: attempt.task, at: at)
        } else {
            try recordRetried(attempt.task, at: at)
        }
        if let newSeed { try recordSeed(newSeed, of: attempt.task, at: at) }
        try endCommand(command, .requeued, message: nil, at: at)
        return try name(of: attempt.task).map(MutationOutcome.requeued)
    }

    private func name(of task: TaskID) throws(StoreError) -> TaskName? {
        try first("SELECT batch_id, key FROM task_input WHERE id = $1", SQLValue(task)) { row in
            TaskName(batch: BatchID(row["batch_id"]), key: TaskKey(row["key"]))
        }
    }

    /// Why a retry is refused; nil: it is allowed.
    private func refusal(ofRetrying attempt: AttemptID, again: Bool) throws(StoreError) -> RetryRefusal? {
        let found = try first(
            """
            SELECT s.state, s.attempt, coalesce(a.is_cost_awaited, FALSE) AS is_cost_awaited, s.is_submitted,
                a.task_id IS NOT NULL AS is_accepted, a.lost_at_ms IS NOT NULL AS is_lost FROM task_state AS s
            LEFT JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt AND s.is_submitted WHERE s.id = $1
            """, SQLValue(attempt.task)
        ) { row throws(StoreError) in
            (
                state: try row.word("state", as: TaskState.self), number: row["attempt"] as Int,
                isCostAwaited: row["is_cost_awaited"] as Bool, isSent: row["is_submitted"] as Bool,
                isAccepted: row["is_accepted"] as Bool, isLost: row["is_lost"] as Bool
            )
        }
        guard let found, found.number == attempt.number else { return .superseded }
        return RetryRefusal(
            state: found.state, isSent: found.isSent, isAccepted: found.isAccepted, isLost: found.isLost,
            isCostAwaited: found.isCostAwaited,
            again: again)
    }

    /// - Returns: false if the command has ended.
    func startCommand(_ command: CommandID, at: Instant) throws(StoreError) -> Bool {
        try run(
            "UPDATE command SET started_at_ms = coalesce(started_at_ms, $1) WHERE id = $2 AND ended_at_ms IS NULL",
            SQLValue(at), .integer(command.rawValue)) == 1
    }

    func endCommand(
        _ command: CommandID, _ outcome: CommandOutcome, message: String?, at: Instant
    ) throws(StoreError) {
        // A command that the user withdrew in the meantime stays unchanged.
        try run(
            "UPDATE command SET ended_at_ms = $1, outcome = $2, message = $3 WHERE id = $4 AND ended_at_ms IS NULL",
            SQLValue(at), .text(outcome.rawValue), SQLValue(message), .integer(command.rawValue))
    }
}
