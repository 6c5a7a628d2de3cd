import DailiesCore

/// Applies changes: each is a conditional update that names the old state, with its log rows, inside the caller's
/// transaction. A change that does not apply throws `conflict` and may be half done; the caller rolls back.
extension SQLiteConnection {
    /// - Parameter runner: the runner that writes; nil: none is registered.
    /// - Returns: the outcomes that only the store knows, in the order of the changes.
    func apply(_ changes: [Mutation], by runner: RunnerID?) throws(StoreError) -> [MutationOutcome] {
        var outcomes: [MutationOutcome] = []
        for change in changes {
            if let outcome = try apply(change, by: runner) { outcomes.append(outcome) }
        }
        return outcomes
    }

    private func apply(_ change: Mutation, by runner: RunnerID?) throws(StoreError) -> MutationOutcome? {
        let at = change.at
        switch change.step {
        case .intent(let intent): try recordIntent(intent, by: runner, at: at)
        case .repeated(let attempt): try recordRepeat(of: attempt, at: at)
        case .notAccepted(let attempt, let fault): try recordNotAccepted(attempt, fault, at: at)
        case .uncertain(let attempt, let fault): try recordUncertain(attempt, fault, at: at)
        case .accepted(let attempt, let acceptance): try recordAccepted(attempt, acceptance, at: at)
        case .running(let attempt): try recordRunning(attempt, at: at)
        case .settled(let attempt, let settlement): try recordSettled(attempt, settlement, at: at)
        case .costLearned(let attempt, let amounts): try recordCost(of: attempt, amounts, at: at)
        case .costUnknown(let attempt): try recordCostUnknown(of: attempt, at: at)
        case .assetFound(let attempt, let asset): try recordAsset(of: attempt, asset, at: at)
        case .noAsset(let attempt): try recordNoAsset(of: attempt, at: at)
        case .unverified(let attempt, let path): try recordUnverified(attempt, path: path, at: at)
        case .saved(let attempt, let clip): try recordSaved(attempt, clip, at: at)
        case .clipGone(let attempt): try recordClipGone(attempt, at: at)
        case .lost(let attempt, let fault): try recordLost(attempt, fault, at: at)
        case .found(let attempt): try recordFound(attempt, at: at)
        case .unresolved(let attempt): try recordUnresolved(attempt, at: at)
        case .withdrawn(let task, let reason): try recordWithdrawn(task, reason, at: at)
        case .retried(let task): try recordRetried(task, at: at)
        case .withdrawnByCommand(let command, let attempt):
            return try recordWithdrawal(of: attempt, by: command, at: at)
        case .retriedByCommand(let command, let attempt, let again, let newSeed):
            return try recordRetry(of: attempt, by: command, again: again, newSeed: newSeed, at: at)
        case .reseeded(let task, let seed, let isByRule):
            try recordSeed(seed, of: task, isByRule: isByRule, at: at)
        case .cancelWanted(let attempt, let reason): try recordCancelWanted(attempt, reason, at: at)
        case .reservationRaised(let attempt, let reserved):
            try recordReservationRaised(attempt, to: reserved, at: at)
        case .waitsAgain(let attempt): try recordWaitsAgain(attempt, at: at)
        case .commandEnded(let command, let outcome, let message):
            try endCommand(command, outcome, message: message, at: at)
        case .keyTrust(let record): try recordKeyTrust(record, at: at)
        case .note(let attempt, let kind, let text): try recordNote(on: attempt, kind: kind, text: text, at: at)
        }
        return nil
    }
}

/// The state of an attempt before a change.
struct AttemptSnapshot {
    let batch: BatchID
    let state: TaskState
    let isAcknowledged: Bool
    let isNotAccepted: Bool
    let isUnknown: Bool
    let isLost: Bool
    let reserved: Credits?
    let credits: Credits?
    let isCostAwaited: Bool
    let isSaved: Bool
    let tagBudgets: [TagBudgetID]

    /// Whether it was sent, or is about to be, and the provider has not accepted it.
    var isUnanswered: Bool { state == .queued && !isAcknowledged && !isNotAccepted }
    /// Whether the provider has it and has not ended it.
    var isWithProvider: Bool { isAcknowledged && (state == .queued || state == .running) }
    var isSettled: Bool { state == .completed || state == .failed || state == .cancelled }
    var isUnsaved: Bool { state == .completed && !isSaved }

    /// The state for a conflict's message.
    var stateDescription: String {
        switch state {
        case .queued where isNotAccepted: "not open"
        case .queued where isAcknowledged: "accepted"
        case .queued where isUnknown: "uncertain"
        case .queued: "being submitted"
        case .running: "running"
        case .completed where isSaved: "saved"
        case .completed, .failed, .cancelled: state.rawValue
        }
    }
}

extension SQLiteConnection {
    /// The attempt's state; throws a conflict if it does not exist or does not satisfy `fits`.
    func snapshot(
        of attempt: AttemptID, for step: String, where fits: (AttemptSnapshot) -> Bool
    ) throws(StoreError) -> AttemptSnapshot {
        let found = try first(Self.snapshot, SQLValue(attempt.task), SQLValue(attempt.number)) {
            row throws(StoreError) in
            AttemptSnapshot(
                batch: row["batch_id"], state: try row.word("state"), isAcknowledged: row["is_acknowledged"],
                isNotAccepted: row["is_not_accepted"], isUnknown: row["is_unknown"], isLost: row["is_lost"],
                reserved: row["reserved_nano"], credits: row["credits_nano"], isCostAwaited: row["is_cost_awaited"],
                isSaved: row["is_saved"], tagBudgets: Store.tagBudgets(in: row["tag_budgets"]))
        }
        guard let found else { throw Self.conflict(step, attempt, "does not exist") }
        guard fits(found) else { throw Self.conflict(step, attempt, "is \(found.stateDescription)") }
        return found
    }

    private static let snapshot = """
        SELECT batch_id, state, task_id IS NOT NULL AS is_acknowledged,
            not_accepted_at_ms IS NOT NULL AS is_not_accepted, outcome_unknown_at_ms IS NOT NULL AS is_unknown,
            lost_at_ms IS NOT NULL AS is_lost, reserved_nano, credits_nano, is_cost_awaited,
            output_path IS NOT NULL AS is_saved,
            \(Store.tagBudgets(of: "attempt.task", in: "attempt.batch_id")) AS tag_budgets
        FROM attempt WHERE task = $1 AND number = $2
        """

    static func conflict(_ step: String, _ attempt: AttemptID, _ finding: String) -> StoreError {
        StoreError(.conflict, "the change \"\(step)\" does not apply: attempt \(attempt) \(finding)")
    }

    static func conflict(_ step: String, _ task: TaskID) -> StoreError {
        StoreError(.conflict, "the change \"\(step)\" does not apply: task \(task) is in another state")
    }

    /// Runs a conditional update that must change exactly one row.
    func update(_ attempt: AttemptID, for step: String, _ sql: String, _ values: SQLValue...) throws(StoreError) {
        guard try run(sql, list: values) == 1 else { throw Self.conflict(step, attempt, "changed in the meantime") }
    }

    /// Changes the state of the task whose latest attempt this is.
    func moveTask(
        of attempt: AttemptID, for step: String, from old: TaskState, to new: TaskState
    ) throws(StoreError) {
        try update(
            attempt, for: step,
            "UPDATE task_state SET state = $1 WHERE id = $2 AND attempt = $3 AND is_submitted AND state = $4",
            .text(new.rawValue), SQLValue(attempt.task), SQLValue(attempt.number), .text(old.rawValue))
    }
}
