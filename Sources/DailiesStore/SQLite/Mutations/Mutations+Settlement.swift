import DailiesCore

/// The end of an attempt and its cost.
extension SQLiteConnection {
    /// Only a known cost ends a reservation. While it is unknown, awaited or permanently, the reservation covers the
    /// possible bill, so that settled + reserved never falls below the money spent.
    func recordSettled(_ attempt: AttemptID, _ settlement: Settlement, at: Instant) throws(StoreError) {
        let step = settlement.end.rawValue
        let snapshot = try snapshot(of: attempt, for: step) { $0.isUnanswered || $0.isWithProvider }
        let new = settlement.end.word
        let charge = settlement.charges.first
        try update(
            attempt, for: step,
            """
            UPDATE attempt SET state = $1, settled_at_ms = $2, completed_at_ms = $3, delivered_seconds = $4,
                credits_nano = $5, is_rounded = $6, is_cost_awaited = $7, reserved_nano = $8,
                is_replayed = (is_replayed OR $9), output_url = $10, failure_code = $11, failure_message = $12,
                outcome_unknown_at_ms = NULL, lost_at_ms = NULL
            WHERE task = $13 AND number = $14 AND state = $15 AND not_accepted_at_ms IS NULL AND (task_id IS NOT NULL) = $16
            """,
            .text(new.rawValue), SQLValue(at), SQLValue(settlement.completedAt), SQLValue(settlement.deliveredSeconds),
            SQLValue(charge?.credits), SQLValue(charge?.isRounded ?? false),
            SQLValue(settlement.isCostAwaited && charge == nil), SQLValue(charge == nil ? snapshot.reserved : nil),
            SQLValue(settlement.isReplayed), SQLValue(new == .completed ? settlement.asset?.url : nil),
            SQLValue(settlement.storedFailureCode), SQLValue(new == .completed ? nil : settlement.failureMessage),
            SQLValue(attempt.task), SQLValue(attempt.number), .text(snapshot.state.rawValue),
            SQLValue(snapshot.isAcknowledged))
        try book(snapshot, reserved: charge == nil ? snapshot.reserved : nil, cost: charge?.credits, settledAt: at)
        try moveTask(of: attempt, for: step, from: snapshot.state, to: new)
        // A first attempt has no predecessor.
        if attempt.number == 1 { try write(cost: charge?.credits, of: attempt.task) } else { try sumUp(attempt.task) }
        var row = NewEvent(step, at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: new)
        row.source = settlement.isReplayed ? "replayed" : charge?.ruleOrReply ?? settlement.reportedSource
        row.code = settlement.failureCode
        row.message = settlement.failureMessage
        try logCharges(settlement.charges, releasing: snapshot.reserved, in: row)
    }

    func recordCost(of attempt: AttemptID, _ amounts: [Amount], at: Instant) throws(StoreError) {
        let step = "cost_learned"
        let snapshot = try snapshot(of: attempt, for: step) { $0.isSettled && $0.credits == nil && !amounts.isEmpty }
        guard let charge = amounts.first else { throw Self.conflict(step, attempt, "was given no amount") }
        try update(
            attempt, for: step,
            """
            UPDATE attempt SET credits_nano = $1, is_rounded = $2, is_cost_awaited = FALSE, reserved_nano = NULL
            WHERE task = $3 AND number = $4 AND settled_at_ms IS NOT NULL AND credits_nano IS NULL
            """,
            SQLValue(charge.credits), SQLValue(charge.isRounded), SQLValue(attempt.task), SQLValue(attempt.number))
        try book(snapshot, reserved: nil, cost: charge.credits)
        try sumUp(attempt.task)
        var row = NewEvent(step, at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: snapshot.state)
        row.source = charge.ruleOrReply
        try logCharges(amounts, releasing: snapshot.reserved, in: row)
    }

    func recordCostUnknown(of attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "cost_unknown") { $0.isCostAwaited }
        try update(
            attempt, for: "cost_unknown",
            "UPDATE attempt SET is_cost_awaited = FALSE WHERE task = $1 AND number = $2 AND is_cost_awaited",
            SQLValue(attempt.task), SQLValue(attempt.number))
        try log(
            NewEvent("cost_unknown", at: at, attempt, in: snapshot.batch).moving(
                from: snapshot.state, to: snapshot.state))
    }

    /// The row of the transition has the booked amount; each further amount has a separate row.
    private func logCharges(
        _ amounts: [Amount], releasing reserved: Credits?, in row: NewEvent
    ) throws(StoreError) {
        try log(row.with(amounts.first, .charged))
        for amount in amounts.dropFirst() { try log(row.also(amount, .stated)) }
        if !amounts.isEmpty, let reserved { try log(row.also(reserved, .released)) }
    }

    /// Stores the task's cost over all attempts: unknown if none is known or a settled one is not.
    private func sumUp(_ task: TaskID) throws(StoreError) {
        let costs: [Credits?] = try column(
            "SELECT credits_nano FROM attempt WHERE task = $1 AND settled_at_ms IS NOT NULL", SQLValue(task))
        let known = costs.compactMap { $0 }
        let sum = known.count == costs.count && !known.isEmpty ? known.reduce(Credits.zero) { $0.adding($1) } : nil
        try write(cost: sum, of: task)
    }

    private func write(cost: Credits?, of task: TaskID) throws(StoreError) {
        try run("UPDATE task_state SET credits_nano = $1 WHERE id = $2", SQLValue(cost), SQLValue(task))
    }
}

extension Settlement.End {
    var word: TaskState {
        switch self {
        case .completed: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}

extension Settlement {
    /// The source of an end without a cost.
    fileprivate var reportedSource: String { failureCode == Settlement.assumedLost ? "user" : "reply" }

    /// The failure code: the provider's, or the state.
    fileprivate var storedFailureCode: String? {
        switch end {
        case .completed: nil
        case .failed, .cancelled: failureCode ?? end.rawValue
        }
    }
}

extension Amount {
    /// The source in the log: a rule, or the provider's reply.
    fileprivate var ruleOrReply: String { source.hasPrefix("rule:") ? source : "reply" }
}
