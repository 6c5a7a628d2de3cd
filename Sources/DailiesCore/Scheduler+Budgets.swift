/// What budgets and quotes make of submission.
extension Scheduler {
    /// What waits for the budget of a tag is looked at again once something came back to a budget, or once nothing can.
    mutating func takeUpAside() {
        guard !heldTags.isEmpty, budgets.haveMoved() || tally.active <= tally.idleUnresolved else { return }
        heldTags = []
        lanes.takeUpAside()
    }

    /// It waits for the budget of a tag; tasks without that tag pass it.
    mutating func setAside(_ task: WaitingTask) -> Beginning {
        lanes.setAside(task) ? .done : .laneWaits
    }

    mutating func reachBudget(_ scope: BudgetBook.Scope?, _ task: WaitingTask, _ bound: Credits?) {
        passOver(task, under: scope) { $0.batch == task.batch }
        guard let scope, let position = budgets[scope]?.position else { return }
        let detail =
            "\(budgets.name(of: scope)): \(position.settled) settled, \(position.reserved) reserved, and the next clip may "
            + "cost " + (bound.map { "\($0)" } ?? "an unknown amount")
        // Of a tag's budget every task with that tag may say so; it is told once.
        guard toldBudgets.insert(scope).inserted else { return }
        giveReason(detail)
        effects.append(.tell(.paused(.budget(task.batch), detail: detail, until: nil)))
    }

    /// A task that a budget does not hold stays in the store. The budget of a batch stops its lanes; that of a tag stops
    /// the tasks with that tag and no other.
    mutating func passOver(
        _ task: WaitingTask, under scope: BudgetBook.Scope?, blocking matches: (Lane) -> Bool
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
                    "clips of \(PriceKind(shape)) were billed up to \(found.billed) credits, above the \(found.stated) that you state "
                        + "for them (--rates, --max-credits-per-task); your figure is used")))
    }

    mutating func giveReason(_ reason: String) {
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }

    /// A quote above everything known of such a clip's price: nothing more of that model is submitted, and this one is
    /// cancelled while it waits at the provider.
    mutating func guardQuote(_ flight: Flight, _ estimate: Amount?, isStarted: Bool) {
        guard let estimate, !flight.isReplayed else { return }
        guard let tolerance = settings.quoteTolerance, let expected = prices.highestExpected(for: flight.shape),
            estimate.credits > expected.times(hundredths: 100 + tolerance)
        else { return prices.learnQuote(estimate.credits, for: flight.shape) }
        let model = flight.shape.model
        lanes.block { $0.model == model }
        ending.isWorkOutstanding = true
        let detail =
            "the provider asks \(estimate.text) credits for a clip of \(model) that was expected to cost \(expected) "
            + "at most"
        let reason = "\(detail); nothing more of \(model) was submitted; --accept-quote goes on"
        giveReason(reason)
        if !isStarted { cancelWhileFree(flight.attempt, detail) }
    }

    mutating func cancelWhileFree(_ attempt: AttemptID, _ detail: String) {
        guard var flight = flight(attempt), !flight.mustCancel else { return }
        flight.mustCancel = true
        effects.append(.tell(.warning("\(flight.key): \(detail); cancelling it while that is free")))
        cancel(&flight)
        put(flight)
    }

    /// One that waits at the provider is cancelled where a budget does not hold it.
    mutating func guardBudgets(_ flight: Flight, _ estimate: Amount?, isOver: Bool) {
        if isOver {
            let estimate = estimate?.text ?? "?"
            cancelWhileFree(
                flight.attempt, "the provider estimates \(estimate) credits, which the budget does not hold")
        }
        // It was in the air when the budget was spent, or is found by its key now.
        if let scope = flight.budgets.first(where: { budgets[$0]?.cancelsWaiting == true }) {
            ending.budgetReached = true
            cancelWhileFree(flight.attempt, "\(budgets.name(of: scope)) is spent")
        }
    }
}
