/// What budgets make of submission.
extension Scheduler {
    /// What is reserved for a new task: the bound on its price, or what acceptance will ask for by this run's estimates.
    func reservation(for shape: RequestShape) -> Credits? {
        [prices.bound(for: shape), estimatedReservations[shape]].compactMap { $0 }.max()
    }

    /// What the estimate of a task that the provider has asks for in place of its reservation.
    ///
    /// - Returns: with the budget that does not hold it; nil: all do.
    func reservation(byEstimateOf flight: ActiveAttempt, isTrusted: Bool) -> (
        reserved: Credits?, refusing: Budgets.Scope?
    ) {
        let old = flight.reserved
        let new = Reservation.after(estimate: flight.estimate, holding: old, isTrusted: isTrusted)
        return (new, budgets.scope(refusing: new, insteadOf: old, of: flight.budgets))
    }

    /// Takes an estimate in: its reservation from now on, and what new tasks of its kind are to reserve.
    mutating func reserve(_ new: Credits?, byEstimateOf flight: inout ActiveAttempt) {
        if let asked = Reservation.after(estimate: flight.estimate, holding: nil, isTrusted: false), !flight.isReplayed
        {
            estimatedReservations[flight.shape] = max(estimatedReservations[flight.shape] ?? .zero, asked)
        }
        hold(new, for: &flight)
    }

    /// Exchanges what is held for a flight.
    mutating func hold(_ amount: Credits?, for flight: inout ActiveAttempt) {
        guard amount != flight.reserved else { return }
        budgets.release(flight.reserved, for: flight.budgets)
        budgets.reserve(amount, for: flight.budgets)
        flight.reserved = amount
    }

    /// What waits for the budget of a tag is looked at again once something came back to a budget, or once nothing can.
    mutating func resumeDeferred() {
        guard !waitingTagBudgets.isEmpty, budgets.takeHasFreedCredits() || tally.active <= tally.idleUnresolved else {
            return
        }
        waitingTagBudgets = []
        lanes.resumeDeferred()
    }

    /// It waits for the budget of a tag; tasks without that tag pass it.
    mutating func setAside(_ task: WaitingTask) -> StartResult {
        lanes.setAside(task) ? .done : .laneWaits
    }

    mutating func reachBudget(_ scope: Budgets.Scope?, _ task: WaitingTask, _ bound: Credits?) {
        passOver(task, under: scope) { $0.batch == task.batch }
        guard let scope, let position = budgets[scope]?.position else { return }
        let detail =
            "\(budgets.name(of: scope)): \(position.settled) settled, \(position.reserved) reserved; the next clip may "
            + "cost " + (bound.map { "\($0)" } ?? "an unknown amount")
        // Of a tag's budget every task with that tag may say so; it is told once.
        guard toldBudgets.insert(scope).inserted else { return }
        giveReason(detail)
        effects.append(.tell(.paused(.budget(task.batch), detail: detail, until: nil)))
    }

    /// A task that a budget does not hold stays in the store. The budget of a batch stops its lanes; that of a tag stops
    /// the tasks with that tag and no other.
    mutating func passOver(
        _ task: WaitingTask, under scope: Budgets.Scope?, blocking matches: (TaskQueueID) -> Bool
    ) {
        ending.budgetReached = true
        if case .tag = scope { lanes.take(task) } else { lanes.block(where: matches) }
    }

    /// What the user says of a price holds against the bills, once both were named.
    mutating func warnOfContradiction(_ shape: RequestShape) {
        guard let found = prices.contradiction(for: shape) else { return }
        effects.append(
            .tell(
                .warning(
                    "clips of \(PriceKind(shape)) were billed up to \(found.billed) credits, more than your figure of \(found.stated) "
                        + "(--rates, --max-credits-per-task); using your figure")))
    }

    mutating func giveReason(_ reason: String) {
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }
}
