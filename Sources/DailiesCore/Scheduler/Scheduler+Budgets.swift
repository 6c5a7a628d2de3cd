/// Budgets and reservations.
extension Scheduler {
    /// The reservation for a new task: its maximum price, or what acceptance will reserve by this run's estimates.
    func reservation(for shape: RequestShape) -> Credits? {
        [prices.bound(for: shape), estimatedReservations[shape]].compactMap { $0 }.max()
    }

    /// The reservation that replaces the current one after the provider's estimate.
    ///
    /// - Returns: with the budget that does not allow it; nil: all do.
    func reservation(byEstimateOf flight: ActiveAttempt, isTrusted: Bool) -> (
        reserved: Credits?, refusing: Budgets.Scope?
    ) {
        let old = flight.reserved
        let new = Reservation.after(estimate: flight.estimate, holding: old, isTrusted: isTrusted)
        return (new, budgets.scope(refusing: new, insteadOf: old, of: flight.budgets))
    }

    /// Applies an estimate to the attempt's reservation and to those of new tasks of its kind.
    mutating func reserve(_ new: Credits?, byEstimateOf flight: inout ActiveAttempt) {
        if let asked = Reservation.after(estimate: flight.estimate, holding: nil, isTrusted: false), !flight.isReplayed
        {
            estimatedReservations[flight.shape] = max(estimatedReservations[flight.shape] ?? .zero, asked)
        }
        hold(new, for: &flight)
    }

    /// Replaces the reservation of an attempt.
    mutating func hold(_ amount: Credits?, for flight: inout ActiveAttempt) {
        guard amount != flight.reserved else { return }
        budgets.release(flight.reserved, for: flight.budgets)
        budgets.reserve(amount, for: flight.budgets)
        flight.reserved = amount
    }

    /// Reconsiders tasks deferred for a tag's budget once a budget has freed credits, or none can be freed any more.
    mutating func resumeDeferred() {
        guard !waitingTagBudgets.isEmpty, budgets.takeHasFreedCredits() || tally.active <= tally.idleUnresolved else {
            return
        }
        waitingTagBudgets = []
        lanes.resumeDeferred()
    }

    /// Defers a task that waits for a tag's budget; tasks without that tag may pass it.
    mutating func setAside(_ task: WaitingTask) -> StartResult {
        lanes.setAside(task) ? .done : .laneWaits
    }

    mutating func reachBudget(_ scope: Budgets.Scope?, _ task: WaitingTask, _ bound: Credits?) {
        passOver(task, under: scope) { $0.batch == task.batch }
        guard let scope, let position = budgets[scope]?.position else { return }
        let detail =
            "\(budgets.name(of: scope)): \(position.settled) settled, \(position.reserved) reserved; the next clip may "
            + "cost " + (bound.map { "\($0)" } ?? "an unknown amount")
        // Every task with the tag may reach this budget; it is reported once.
        guard reportedBudgets.insert(scope).inserted else { return }
        run.addReason(detail)
        effects.append(.tell(.paused(.budget(task.batch), detail: detail, until: nil)))
    }

    /// Leaves a task that a budget does not allow in the store. A batch's budget blocks the batch's queues; a tag's
    /// budget blocks only tasks with that tag.
    mutating func passOver(
        _ task: WaitingTask, under scope: Budgets.Scope?, blocking matches: (TaskQueueID) -> Bool
    ) {
        run.reachBudget()
        if case .tag = scope { lanes.take(task) } else { lanes.block(where: matches) }
    }

    /// Warns once if bills exceed the user's price, which is used anyway.
    mutating func warnAboutContradiction(_ shape: RequestShape) {
        guard let found = prices.contradiction(for: shape) else { return }
        effects.append(
            .tell(
                .warning(
                    "clips of \(PriceKind(shape)) were billed up to \(found.billed) credits, more than your figure "
                        + "of \(found.stated) (--rates, --max-credits-per-task); using your figure")))
    }
}
