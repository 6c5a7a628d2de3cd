/// How strictly a budget is enforced.
package enum BudgetMode: String, Hashable, Sendable, CaseIterable {
    /// Settled + reserved never exceeds the cap, as long as no bill exceeds its reservation.
    case cautious
    /// Submission stops once settled costs reach the cap; tasks in flight continue.
    case soft
    /// Like `soft`, and tasks still queued at the provider are then cancelled where that is free.
    case hard
}

/// Enforces one budget. In cautious mode settled + reserved never exceeds the cap, as long as no bill exceeds its
/// reservation.
package struct Budget: Hashable, Sendable {
    /// The cap and its current use.
    package private(set) var position: BudgetUsage
    /// Whether a bill exceeded its reservation: submission then stops for this run.
    package private(set) var isBroken = false

    /// Creates a budget with the use that the store reports.
    package init(position: BudgetUsage) { self.position = position }

    private var mode: BudgetMode { position.mode }

    /// Whether to cancel tasks still queued at the provider: in hard mode, once the budget is spent.
    package var cancelsWaiting: Bool { mode == .hard && isSpent }

    /// Whether settled costs have reached the cap.
    package var isSpent: Bool { position.cap.map { position.settled >= CreditTotal($0) } ?? false }

    /// Whether another task fits the budget.
    package enum Decision: Hashable, Sendable {
        /// It fits.
        case allowed
        /// It does not fit now, but reservations of tasks in flight may be released.
        case wait
        /// It does not fit and no reservation will be released: the budget is reached.
        case exhausted
        /// There is a cap, and the task's maximum price is unknown.
        case unknownPrice
    }

    /// Whether a task with this maximum price may be submitted. Call ``reserve(_:)`` to reserve it.
    package func verdict(for bound: Credits?) -> Decision {
        guard let cap = position.cap else { return .allowed }
        guard !isBroken, mode == .cautious || !isSpent else { return .exhausted }
        guard let bound else { return .unknownPrice }
        if mode != .cautious { return .allowed }
        if position.settled + position.reserved + bound <= CreditTotal(cap) { return .allowed }
        return position.reserved > .zero && position.settled + bound <= CreditTotal(cap) ? .wait : .exhausted
    }

    /// Reserves an amount; nil, an unknown price, reserves nothing.
    package mutating func reserve(_ amount: Credits?) { position.reserved += CreditTotal(amount ?? .zero) }

    /// Releases a reservation; nil releases nothing.
    package mutating func release(_ amount: Credits?) { position.reserved -= CreditTotal(amount ?? .zero) }

    /// Whether a reservation may be replaced within the cap. A lower one is always allowed, even if bills exceed the
    /// cap.
    package func allows(changing old: Credits?, to new: Credits) -> Bool {
        guard mode == .cautious, let cap = position.cap, new > (old ?? .zero) else { return true }
        return position.settled + position.reserved - CreditTotal(old ?? .zero) + new <= CreditTotal(cap)
    }

    /// Books a bill and releases its reservation.
    ///
    /// - Returns: whether the bill exceeded the reservation under a cap. It is booked in full, and submission ends.
    package mutating func settle(_ charged: Credits, reserved: Credits?) -> Bool {
        release(reserved)
        position.settled += CreditTotal(charged)
        guard mode == .cautious, position.cap != nil, charged > (reserved ?? .zero) else { return false }
        isBroken = true
        return true
    }
}
