/// Guards check tasks that the provider has, and cancel them while that is free.
extension Scheduler {
    /// Stops the parts of this run's submission that the decisions concern.
    mutating func stopSubmission(for verdicts: [GuardDecision], on flight: ActiveAttempt) {
        for verdict in verdicts {
            switch verdict.reason {
            case .budget: stopLane(of: flight, for: verdict)
            case .budgetSpent: break
            case .quote: stopModel(flight.shape.model, verdict.detail)
            }
        }
        if !verdicts.contains(where: { $0.reason == .quote }) { budgets.learnQuote(of: flight) }
    }

    /// The decision to cancel a task while that is free; nil: it continues.
    static func cancelVerdict(_ verdicts: [GuardDecision], on state: AttemptState) -> GuardDecision? {
        guard case .accepted = state else { return nil }
        return verdicts.first
    }

    /// Similar tasks would hit the same budget, so this run submits no more of them.
    private mutating func stopLane(of flight: ActiveAttempt, for verdict: GuardDecision) {
        switch verdict.scope {
        case nil: break
        case .tag(let tag): budgets.stop(tag, verdict.detail)
        case .batch:
            let lane = TaskQueueID(batch: flight.batch, model: flight.shape.model)
            guard isInScope(lane) else { break }
            if lanes.hasWaiting(in: lane) { run.reachBudget(verdict.detail) }
            lanes.add(lane)
            lanes.block { $0 == lane }
        }
    }

    /// A bill that exceeds its quote by more than the tolerance stops submission of the model, with or without a
    /// budget.
    mutating func guardBill(of flight: ActiveAttempt, _ bill: Amount) {
        guard let detail = budgets.objection(to: bill, of: flight) else { return }
        emit(.warning("\(flight.key): \(detail)"))
        stopModel(flight.shape.model, detail)
    }

    private mutating func stopModel(_ model: ModelID, _ detail: String) {
        guard models.stop(model) else { return }
        lanes.block { $0.model == model }
        run.leaveWork("\(detail); no more \(model) clips were submitted; use --accept-quote to continue")
    }

    // MARK: Cancelling

    /// Marks an attempt as cancelled by a guard.
    ///
    /// - Returns: the mutation that records it, and the request to send; nil if one is in flight.
    mutating func markCancelled(
        _ flight: inout ActiveAttempt, _ verdict: GuardDecision
    ) -> (step: Mutation.Kind, action: Action?) {
        flight.cancelReason = verdict.reason
        budgets.noteCancel(of: flight.attempt, verdict.detail)
        return (.cancelWanted(flight.attempt, verdict.reason), cancelAction(for: &flight))
    }

    private func cancelAction(for flight: inout ActiveAttempt) -> Action? {
        guard let remote = flight.state.remoteID, !flight.isCancelInFlight else { return nil }
        flight.isCancelInFlight = true
        return .cancel(flight.attempt, remote, account: flight.account)
    }

    /// Asks the provider to cancel it.
    mutating func cancel(_ flight: inout ActiveAttempt) {
        if let action = cancelAction(for: &flight) { effects.append(.act(action)) }
    }

    mutating func reportCancel(of flight: ActiveAttempt, _ detail: String) {
        emit(.warning("\(flight.key): \(detail); cancelling it while that is free"))
    }

    /// In hard mode: cancels queued tasks under budgets that a bill has spent, which is free.
    mutating func cancelBeyondBudgets(of billed: ActiveAttempt, _ now: Instant) {
        guard !budgets.spentVerdicts(on: billed).isEmpty else { return }
        let waiting = flights.values.filter { flight in
            guard case .accepted = flight.state, flight.cancelReason == nil else { return false }
            return flight.attempt != billed.attempt && flight.parking == nil
        }
        for var flight in waiting.sorted(by: { $0.attempt < $1.attempt }) {
            guard let verdict = budgets.spentVerdicts(on: flight).first else { continue }
            cancel(&flight, verdict, now)
            put(flight)
        }
    }

    /// Records a guard's decision and requests the cancellation.
    mutating func cancel(_ flight: inout ActiveAttempt, _ verdict: GuardDecision, _ now: Instant) {
        let (step, action) = markCancelled(&flight, verdict)
        commit([step], then: [action].compactMap { $0 }, now)
        reportCancel(of: flight, verdict.detail)
    }

    /// At recovery: repeats the checks of acceptance. It may not have come to them, or budgets and prices may have
    /// changed. A cancel that an earlier run wanted is sent before any query.
    mutating func guardRecovered(_ flight: inout ActiveAttempt, _ now: Instant) {
        let old = flight.reserved
        let (new, refusing) = budgets.reservation(byEstimateOf: flight, isTrusted: false)
        budgets.reserve(new, byEstimateOf: &flight)
        var steps: [Mutation.Kind] = []
        if let reserved = flight.reserved, reserved != old {
            steps.append(.reservationRaised(flight.attempt, reserved))
        }
        let verdicts = budgets.verdicts(on: flight, refusedBy: refusing)
        stopSubmission(for: verdicts, on: flight)
        let verdict = Self.cancelVerdict(verdicts, on: flight.state)
        guard case .accepted = flight.state else { return steps.isEmpty ? () : commit(steps, now) }
        if flight.cancelReason == nil, let verdict {
            let (step, action) = markCancelled(&flight, verdict)
            commit(steps + [step], then: [action].compactMap { $0 }, now)
            return reportCancel(of: flight, verdict.detail)
        }
        if !steps.isEmpty { commit(steps, now) }
        if flight.cancelReason != nil { cancel(&flight) }
    }

    /// A task that a guard wanted cancelled is cancelled and waits again. Its queue stays blocked if this run's guard
    /// blocked it.
    mutating func endGuardedCancel(of flight: ActiveAttempt, _ reason: CancelReason, charged: Credits?) {
        emit(.waitsAgain(flight.name, reason, charged: charged))
        earlyStop.didNotStart(flight.attempt)
        reopen(TaskQueueID(batch: flight.batch, model: flight.shape.model))
        guard let detail = budgets.endCancel(of: flight.attempt) else { return }
        switch reason {
        case .budget, .budgetSpent: run.reachBudget(detail)
        case .quote: run.leaveWork()
        }
    }
}
