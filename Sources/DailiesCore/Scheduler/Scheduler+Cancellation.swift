/// Guards check tasks that the provider has, and cancel them while that is free.
extension Scheduler {
    /// A guard's decision.
    struct GuardDecision {
        let reason: CancelReason
        /// A message for the user.
        let detail: String
        /// The budget concerned.
        var scope: Budgets.Scope?
    }

    /// Checks an accepted task against budgets and quotes.
    ///
    /// - Parameter scope: the budget that does not allow its reservation; nil: all do.
    func guardVerdicts(on flight: ActiveAttempt, refusedBy scope: Budgets.Scope?) -> [GuardDecision] {
        [budgetVerdict(on: flight, refusedBy: scope)].compactMap { $0 } + spentBudgetVerdicts(on: flight)
            + [quoteVerdict(on: flight)].compactMap { $0 }
    }

    /// Stops the parts of this run's submission that the decisions concern.
    mutating func stopSubmission(for verdicts: [GuardDecision], on flight: ActiveAttempt) {
        for verdict in verdicts {
            switch verdict.reason {
            case .budget: stopLane(of: flight, for: verdict)
            case .budgetSpent: break
            case .quote: stopModel(flight.shape.model, verdict.detail)
            }
        }
        if let quote = quote(of: flight), !verdicts.contains(where: { $0.reason == .quote }) {
            prices.learnQuote(quote, for: flight.shape)
        }
    }

    /// The decision to cancel a task while that is free; nil: it continues.
    static func cancelVerdict(_ verdicts: [GuardDecision], on state: AttemptState) -> GuardDecision? {
        guard case .accepted = state else { return nil }
        return verdicts.first
    }

    /// Whether a budget does not allow the provider's estimate.
    private func budgetVerdict(on flight: ActiveAttempt, refusedBy scope: Budgets.Scope?) -> GuardDecision? {
        guard let scope, let estimate = flight.estimate, !flight.isReplayed else { return nil }
        let detail =
            "the provider estimates \(estimate) credits for a clip of \(flight.shape.model), more than the "
            + "\(budgets.name(of: scope)) allows"
        return GuardDecision(reason: .budget, detail: detail, scope: scope)
    }

    /// Similar tasks would hit the same budget, so this run submits no more of them.
    private mutating func stopLane(of flight: ActiveAttempt, for verdict: GuardDecision) {
        switch verdict.scope {
        case nil: break
        case .tag(let tag): stoppedTags[tag] = verdict.detail
        case .batch:
            let lane = TaskQueueID(batch: flight.batch, model: flight.shape.model)
            guard isInScope(lane) else { break }
            if lanes.hasWaiting(in: lane) { run.reachBudget(verdict.detail) }
            lanes.add(lane)
            lanes.block { $0 == lane }
        }
    }

    /// In hard mode a spent budget cancels tasks queued at the provider.
    func spentBudgetVerdicts(on flight: ActiveAttempt) -> [GuardDecision] {
        flight.budgets.filter { budgets[$0]?.cancelsWaiting == true }
            .map { GuardDecision(reason: .budgetSpent, detail: "the \(budgets.name(of: $0)) is spent") }
    }

    /// The provider's quote; an estimate of zero is not one.
    private func quote(of flight: ActiveAttempt) -> Credits? {
        guard let quote = flight.estimate, quote > .zero, !flight.isReplayed else { return nil }
        return quote
    }

    /// A quote above all known prices of such a clip stops submission of the model.
    private func quoteVerdict(on flight: ActiveAttempt) -> GuardDecision? {
        guard let quote = quote(of: flight), let tolerance = settings.quoteTolerance,
            let expected = prices.highestExpected(for: flight.shape),
            quote > expected.times(hundredths: 100 + min(tolerance, .max - 100))
        else { return nil }
        let detail =
            "the provider quotes \(quote) credits for a clip of \(flight.shape.model), more than the expected maximum "
            + "of \(expected)"
        return GuardDecision(reason: .quote, detail: detail)
    }

    /// A bill that exceeds its quote by more than the tolerance stops submission of the model, with or without a
    /// budget. Without a quote, the expected price is compared.
    mutating func guardBill(of flight: ActiveAttempt, _ bill: Amount) {
        let quote = flight.estimate.flatMap { $0 > .zero ? $0 : nil }
        guard let tolerance = settings.quoteTolerance, !flight.isReplayed,
            let expected = quote ?? prices.highestExpected(for: flight.shape),
            bill.credits > expected.times(hundredths: 100 + min(tolerance, .max - 100))
        else { return }
        let comparison = quote == nil ? ", more than the expected maximum of" : " after quoting"
        let detail =
            "the provider billed \(bill.text) credits for a clip of \(flight.shape.model)\(comparison) \(expected)"
        effects.append(.tell(.warning("\(flight.key): \(detail)")))
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
        cancelDetails[flight.attempt] = verdict.detail
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
        effects.append(.tell(.warning("\(flight.key): \(detail); cancelling it while that is free")))
    }

    /// In hard mode: cancels queued tasks under budgets that a bill has spent, which is free.
    mutating func cancelBeyondBudgets(of billed: ActiveAttempt, _ now: Instant) {
        guard billed.budgets.contains(where: { budgets[$0]?.cancelsWaiting == true }) else { return }
        let waiting = flights.values.filter { flight in
            guard case .accepted = flight.state, flight.cancelReason == nil else { return false }
            return flight.attempt != billed.attempt && flight.parking == nil
        }
        for var flight in waiting.sorted(by: { $0.attempt < $1.attempt }) {
            guard let verdict = spentBudgetVerdicts(on: flight).first else { continue }
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
        let (new, refusing) = reservation(byEstimateOf: flight, isTrusted: false)
        reserve(new, byEstimateOf: &flight)
        var steps: [Mutation.Kind] = []
        if let reserved = flight.reserved, reserved != old {
            steps.append(.reservationRaised(flight.attempt, reserved))
        }
        let verdicts = guardVerdicts(on: flight, refusedBy: refusing)
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
        effects.append(.tell(.waitsAgain(flight.name, reason, charged: charged)))
        earlyStop.didNotStart(flight.attempt)
        reopen(TaskQueueID(batch: flight.batch, model: flight.shape.model))
        guard let detail = cancelDetails.removeValue(forKey: flight.attempt) else { return }
        switch reason {
        case .budget, .budgetSpent: run.reachBudget(detail)
        case .quote: run.leaveWork()
        }
    }
}
