/// Guards check tasks that the provider has, and cancel them while that is free.
extension Scheduler {
    /// Stops the parts of this run's submission that the decisions concern.
    mutating func stopSubmission(for verdicts: [GuardDecision], on attempt: ActiveAttempt) {
        for verdict in verdicts {
            switch verdict.reason {
            case .budget: stopQueue(of: attempt, for: verdict)
            case .budgetSpent: break
            case .quote: stopModel(attempt.shape.model, verdict.detail)
            }
        }
        if !verdicts.contains(where: { $0.reason == .quote }) { budgets.learnQuote(of: attempt) }
    }

    /// The decision to cancel a task while that is free; nil: it continues.
    static func cancelVerdict(_ verdicts: [GuardDecision], on state: AttemptState) -> GuardDecision? {
        guard case .accepted = state else { return nil }
        return verdicts.first
    }

    /// Similar tasks would hit the same budget, so this run submits no more of them.
    private mutating func stopQueue(of attempt: ActiveAttempt, for verdict: GuardDecision) {
        switch verdict.scope {
        case nil: break
        case .tag(let tag): budgets.stop(tag, verdict.detail)
        case .batch:
            let queue = TaskQueueID(batch: attempt.batch, model: attempt.shape.model)
            guard isInScope(queue) else { break }
            if queues.hasWaiting(in: queue) { run.reachBudget(verdict.detail) }
            queues.add(queue)
            queues.block { $0 == queue }
        }
    }

    /// A bill that exceeds its quote by more than the tolerance stops submission of the model, with or without a
    /// budget.
    mutating func guardBill(of attempt: ActiveAttempt, _ bill: Amount) {
        guard let detail = budgets.objection(to: bill, of: attempt) else { return }
        emit(.warning("\(attempt.key): \(detail)"))
        stopModel(attempt.shape.model, detail)
    }

    private mutating func stopModel(_ model: ModelID, _ detail: String) {
        guard models.stop(model) else { return }
        queues.block { $0.model == model }
        run.leaveWork("\(detail); no more \(model) clips were submitted; use --accept-quote to continue")
    }

    // MARK: Cancelling

    /// Marks an attempt as cancelled by a guard.
    ///
    /// - Returns: the mutation that records it, and the request to send; nil if one is in flight.
    mutating func markCancelled(
        _ attempt: inout ActiveAttempt, _ verdict: GuardDecision
    ) -> (step: Mutation.Kind, action: Action?) {
        attempt.cancelReason = verdict.reason
        budgets.noteCancel(of: attempt.id, verdict.detail)
        return (.cancelWanted(attempt.id, verdict.reason), cancelAction(for: &attempt))
    }

    private func cancelAction(for attempt: inout ActiveAttempt) -> Action? {
        guard let remote = attempt.state.remoteID, !attempt.isCancelInFlight else { return nil }
        attempt.isCancelInFlight = true
        return .cancel(attempt.id, remote, account: attempt.account)
    }

    /// Asks the provider to cancel it.
    mutating func cancel(_ attempt: inout ActiveAttempt) {
        if let action = cancelAction(for: &attempt) { effects.append(.act(action)) }
    }

    mutating func reportCancel(of attempt: ActiveAttempt, _ detail: String) {
        emit(.warning("\(attempt.key): \(detail); cancelling it while that is free"))
    }

    /// In hard mode: cancels queued tasks under budgets that a bill has spent, which is free.
    mutating func cancelBeyondBudgets(of billed: ActiveAttempt, _ now: Instant) {
        guard !budgets.spentVerdicts(on: billed).isEmpty else { return }
        let waiting = attempts.values.filter { attempt in
            guard case .accepted = attempt.state, attempt.cancelReason == nil else { return false }
            return attempt.id != billed.id && attempt.parking == nil
        }
        for var attempt in waiting.sorted(by: { $0.id < $1.id }) {
            guard let verdict = budgets.spentVerdicts(on: attempt).first else { continue }
            cancel(&attempt, verdict, now)
            put(attempt)
        }
    }

    /// Records a guard's decision and requests the cancellation.
    mutating func cancel(_ attempt: inout ActiveAttempt, _ verdict: GuardDecision, _ now: Instant) {
        let (step, action) = markCancelled(&attempt, verdict)
        commit([step], then: [action].compactMap { $0 }, now)
        reportCancel(of: attempt, verdict.detail)
    }

    /// At recovery: repeats the checks of acceptance. It may not have come to them, or budgets and prices may have
    /// changed. A cancel that an earlier run wanted is sent before any query.
    mutating func guardRecovered(_ attempt: inout ActiveAttempt, _ now: Instant) {
        let old = attempt.reserved
        let (new, refusing) = budgets.reservation(byEstimateOf: attempt, isTrusted: false)
        budgets.reserve(new, byEstimateOf: &attempt)
        var steps: [Mutation.Kind] = []
        if let reserved = attempt.reserved, reserved != old {
            steps.append(.reservationRaised(attempt.id, reserved))
        }
        let verdicts = budgets.verdicts(on: attempt, refusedBy: refusing)
        stopSubmission(for: verdicts, on: attempt)
        let verdict = Self.cancelVerdict(verdicts, on: attempt.state)
        guard case .accepted = attempt.state else { return steps.isEmpty ? () : commit(steps, now) }
        if attempt.cancelReason == nil, let verdict {
            let (step, action) = markCancelled(&attempt, verdict)
            commit(steps + [step], then: [action].compactMap { $0 }, now)
            return reportCancel(of: attempt, verdict.detail)
        }
        if !steps.isEmpty { commit(steps, now) }
        if attempt.cancelReason != nil { cancel(&attempt) }
    }

    /// A task that a guard wanted cancelled is cancelled and waits again. Its queue stays blocked if this run's guard
    /// blocked it.
    mutating func endGuardedCancel(of attempt: ActiveAttempt, _ reason: CancelReason, charged: Credits?) {
        emit(.waitsAgain(attempt.name, reason, charged: charged))
        earlyStop.didNotStart(attempt.id)
        reopen(TaskQueueID(batch: attempt.batch, model: attempt.shape.model))
        guard let detail = budgets.endCancel(of: attempt.id) else { return }
        switch reason {
        case .budget, .budgetSpent: run.reachBudget(detail)
        case .quote: run.leaveWork()
        }
    }
}
