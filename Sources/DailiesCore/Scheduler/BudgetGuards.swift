/// A guard's decision to stop submission of similar tasks, and to cancel this one while that is free.
struct GuardDecision: Sendable {
    let reason: CancelReason
    /// A message for the user.
    let detail: String
    /// The budget concerned.
    var scope: Budgets.Scope?
}

/// Budgets, reservations and prices of a run: decides which tasks may begin, and checks estimates, quotes and bills.
struct BudgetGuards: Sendable {
    /// The percentage by which a quote or a bill may exceed what is expected; nil: any.
    private let quoteTolerance: Int64?
    private var budgets = Budgets()
    private var prices = PriceBook(catalog: ModelCatalog(compiled: "", models: []))
    /// Tag budgets that a deferred task waits for; later tasks with the tag wait behind it.
    private var waitingTags: Set<TagBudgetID> = []
    /// Tag budgets that did not allow an estimate, with the reason. This run submits no more tasks with the tag.
    private var stoppedTags: [TagBudgetID: String] = [:]
    /// Budgets that this run has reported as reached.
    private var reported: Set<Budgets.Scope> = []
    /// The highest reservation by estimate in this run, per kind of clip.
    private var estimatedReservations: [RequestShape: Credits] = [:]
    /// Why guards cancel attempts, for display.
    private var cancelDetails: [AttemptID: String] = [:]

    init(quoteTolerance: Int64?) { self.quoteTolerance = quoteTolerance }

    mutating func start(_ budgets: Budgets, _ prices: PriceBook) {
        self.budgets = budgets
        self.prices = prices
    }

    subscript(batch: BatchID) -> Budget? { budgets[batch] }

    // MARK: New tasks

    /// The decision on a new task.
    enum Admission {
        /// It may begin with this reservation; nil: its maximum price is unknown.
        case allowed(reserving: Credits?)
        /// A guard stopped one of its tags, for this reason.
        case stopped(String)
        /// It waits until its tag's budget has credits; tasks without the tag may pass it.
        case tagWaits
        /// It waits until its batch's budget has credits.
        case batchWaits
        /// A budget does not allow it in this run; `detail` is set if that was not reported.
        case reached(Budgets.Scope?, detail: String?)
        /// A budget cannot cover it, since no price is known.
        case priceUnknown(Budgets.Scope?)
    }

    /// Decides whether a task may begin.
    ///
    /// - Parameter mayFreeCredits: whether tasks in flight may still release reservations.
    /// - Returns: the decision, and a warning about prices.
    mutating func admit(_ task: WaitingTask, mayFreeCredits: Bool) -> (Admission, warning: String?) {
        if let tag = task.tagBudgets.first(where: stoppedTags.keys.contains), let detail = stoppedTags[tag] {
            return (.stopped(detail), nil)
        }
        // A later task does not take the credits that an earlier one with the same tag waits for.
        if !waitingTags.isDisjoint(with: task.tagBudgets) { return (.tagWaits, nil) }
        // Its maximum price, or what acceptance will reserve by this run's estimates.
        let bound = [prices.bound(for: task.shape), estimatedReservations[task.shape]].compactMap { $0 }.max()
        let warning = contradiction(of: task.shape)
        let (verdict, scope) = budgets.verdict(for: bound, of: task.budgets)
        switch verdict {
        case .allowed: return (.allowed(reserving: bound), warning)
        case .wait where mayFreeCredits:
            guard case .tag(let tag) = scope else { return (.batchWaits, warning) }
            waitingTags.insert(tag)
            return (.tagWaits, warning)
        case .wait, .exhausted: return (.reached(scope, detail: reach(scope, bound)), warning)
        case .unknownPrice: return (.priceUnknown(scope), warning)
        }
    }

    /// A warning, once, if bills exceed the user's price, which is used anyway.
    private mutating func contradiction(of shape: RequestShape) -> String? {
        guard let found = prices.contradiction(for: shape) else { return nil }
        return "clips of \(PriceKind(shape)) were billed up to \(found.billed) credits, more than your figure of "
            + "\(found.stated) (--rates, --max-credits-per-task); using your figure"
    }

    /// Every task with a tag may reach its budget; it is reported once.
    private mutating func reach(_ scope: Budgets.Scope?, _ bound: Credits?) -> String? {
        guard let scope, let position = budgets[scope]?.position, reported.insert(scope).inserted else { return nil }
        return "\(budgets.name(of: scope)): \(position.settled) settled, \(position.reserved) reserved; the next clip "
            + "may cost " + (bound.map { "\($0)" } ?? "an unknown amount")
    }

    /// Whether to reconsider tasks that wait for a tag's budget: a budget has freed credits, or none can be freed any
    /// more.
    mutating func resumesTags(mayFreeCredits: Bool) -> Bool {
        guard !waitingTags.isEmpty, budgets.takeHasFreedCredits() || !mayFreeCredits else { return false }
        waitingTags = []
        return true
    }

    // MARK: Reservations

    mutating func reserve(_ amount: Credits?, for task: WaitingTask) { budgets.reserve(amount, for: task.budgets) }

    mutating func release(_ attempt: ActiveAttempt) { budgets.release(attempt.reserved, for: attempt.budgets) }

    /// Whether acceptance may lower a reservation to the estimate.
    func trustsEstimates(of model: ModelID) -> Bool { prices.trustsEstimates(of: model) }

    /// The reservation that replaces the current one after the provider's estimate.
    ///
    /// - Returns: with the budget that does not allow it; nil: all do.
    func reservation(byEstimateOf attempt: ActiveAttempt, isTrusted: Bool) -> (
        reserved: Credits?, refusing: Budgets.Scope?
    ) {
        let old = attempt.reserved
        let new = Reservation.after(estimate: attempt.estimate, holding: old, isTrusted: isTrusted)
        return (new, budgets.scope(refusing: new, insteadOf: old, of: attempt.budgets))
    }

    /// Applies an estimate to the attempt's reservation and to those of new tasks of its kind.
    mutating func reserve(_ new: Credits?, byEstimateOf attempt: inout ActiveAttempt) {
        if let asked = Reservation.after(estimate: attempt.estimate, holding: nil, isTrusted: false),
            !attempt.isReplayed
        {
            estimatedReservations[attempt.shape] = max(estimatedReservations[attempt.shape] ?? .zero, asked)
        }
        replaceReservation(of: &attempt, by: new)
    }

    mutating func replaceReservation(of attempt: inout ActiveAttempt, by amount: Credits?) {
        guard amount != attempt.reserved else { return }
        release(attempt)
        budgets.reserve(amount, for: attempt.budgets)
        attempt.reserved = amount
    }

    // MARK: Guards

    /// Checks an accepted task against budgets and quotes.
    ///
    /// - Parameter scope: the budget that does not allow its reservation; nil: all do.
    func verdicts(on attempt: ActiveAttempt, refusedBy scope: Budgets.Scope?) -> [GuardDecision] {
        [budgetVerdict(on: attempt, refusedBy: scope)].compactMap { $0 } + spentVerdicts(on: attempt)
            + [quoteVerdict(on: attempt)].compactMap { $0 }
    }

    /// Whether a budget does not allow the provider's estimate.
    private func budgetVerdict(on attempt: ActiveAttempt, refusedBy scope: Budgets.Scope?) -> GuardDecision? {
        guard let scope, let estimate = attempt.estimate, !attempt.isReplayed else { return nil }
        let detail =
            "the provider estimates \(estimate) credits for a clip of \(attempt.shape.model), more than the "
            + "\(budgets.name(of: scope)) allows"
        return GuardDecision(reason: .budget, detail: detail, scope: scope)
    }

    /// In hard mode a spent budget cancels tasks queued at the provider.
    func spentVerdicts(on attempt: ActiveAttempt) -> [GuardDecision] {
        attempt.budgets.filter { budgets[$0]?.cancelsWaiting == true }
            .map { GuardDecision(reason: .budgetSpent, detail: "the \(budgets.name(of: $0)) is spent") }
    }

    /// A quote above all known prices of such a clip stops submission of the model.
    private func quoteVerdict(on attempt: ActiveAttempt) -> GuardDecision? {
        guard let quote = quote(of: attempt), let expected = prices.highestExpected(for: attempt.shape),
            exceeds(quote, expected)
        else { return nil }
        let detail =
            "the provider quotes \(quote) credits for a clip of \(attempt.shape.model), more than the expected maximum "
            + "of \(expected)"
        return GuardDecision(reason: .quote, detail: detail)
    }

    /// The provider's quote; an estimate of zero is not one.
    private func quote(of attempt: ActiveAttempt) -> Credits? {
        guard let quote = attempt.estimate, quote > .zero, !attempt.isReplayed else { return nil }
        return quote
    }

    private func exceeds(_ amount: Credits, _ expected: Credits) -> Bool {
        guard let quoteTolerance else { return false }
        return amount > expected.times(hundredths: 100 + min(quoteTolerance, .max - 100))
    }

    /// Learns the quote of an accepted task that no guard objects to.
    mutating func learnQuote(of attempt: ActiveAttempt) {
        if let quote = quote(of: attempt) { prices.learnQuote(quote, for: attempt.shape) }
    }

    /// This run submits no more tasks with a tag.
    mutating func stop(_ tag: TagBudgetID, _ reason: String) { stoppedTags[tag] = reason }

    /// Records why a guard cancels an attempt, for display.
    mutating func noteCancel(of id: AttemptID, _ detail: String) { cancelDetails[id] = detail }

    /// Ends the record of a cancel; nil: this run has none.
    @discardableResult
    mutating func endCancel(of id: AttemptID) -> String? { cancelDetails.removeValue(forKey: id) }

    // MARK: Bills

    /// A bill that exceeds its quote by more than the tolerance; without a quote, the expected price is compared.
    ///
    /// - Returns: a message if it does.
    func objection(to bill: Amount, of attempt: ActiveAttempt) -> String? {
        let quote = attempt.estimate.flatMap { $0 > .zero ? $0 : nil }
        guard !attempt.isReplayed, let expected = quote ?? prices.highestExpected(for: attempt.shape),
            exceeds(bill.credits, expected)
        else { return nil }
        let comparison = quote == nil ? ", more than the expected maximum of" : " after quoting"
        return "the provider billed \(bill.text) credits for a clip of \(attempt.shape.model)\(comparison) \(expected)"
    }

    /// Records a cost in budgets and prices, in place of the reservation.
    ///
    /// - Returns: the budgets in which the bill exceeded its reservation.
    mutating func settle(_ charged: Credits, of attempt: inout ActiveAttempt) -> [Budgets.Scope] {
        if attempt.state.word == .completed { prices.learn(charged, estimate: attempt.estimate, for: attempt.shape) }
        defer { attempt.reserved = nil }
        return budgets.settle(charged, reserved: attempt.reserved, for: attempt.budgets)
    }
}
