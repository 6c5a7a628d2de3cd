/// How strictly a budget is kept.
public enum BudgetMode: String, Hashable, Sendable, CaseIterable {
    /// Settled + reserved never above the cap, as long as no bill exceeds its reservation.
    case cautious
    /// Nothing more is submitted once what has settled reaches the cap; what is in flight then goes on.
    case soft
    /// As soft, and what still waits at the provider then is cancelled, where that is free.
    case hard
}

/// Keeps one budget: in cautious mode settled + reserved never above the cap, as long as no bill exceeds its reservation.
public struct Budget: Hashable, Sendable {
    /// The cap, and how much of it is used.
    public private(set) var position: BudgetUsage
    /// Set once a bill came out above its reservation: nothing more is submitted in this run.
    public private(set) var isBroken = false

    /// Goes on from where the store says that it stands.
    public init(position: BudgetUsage) { self.position = position }

    private var mode: BudgetMode { position.mode }

    /// What still waits at the provider is to be cancelled: in hard mode, once the budget is spent.
    public var cancelsWaiting: Bool { mode == .hard && isSpent }

    /// What has settled has come to the cap.
    public var isSpent: Bool { position.cap.map { position.settled >= CreditTotal($0) } ?? false }

    /// What a budget says to one more task.
    public enum Decision: Hashable, Sendable {
        /// There is room for it.
        case allowed
        /// Does not fit now, but reservations of tasks in flight may come back.
        case wait
        /// Does not fit and nothing will come back: the budget is reached.
        case exhausted
        /// No bound on its price is known, and there is a cap.
        case unknownPrice
    }

    /// Whether a task with this bound may be submitted; ``reserve(_:)`` makes it so.
    public func verdict(for bound: Credits?) -> Decision {
        guard let cap = position.cap else { return .allowed }
        guard !isBroken, mode == .cautious || !isSpent else { return .exhausted }
        guard let bound else { return .unknownPrice }
        if mode != .cautious { return .allowed }
        if position.settled + position.reserved + bound <= CreditTotal(cap) { return .allowed }
        return position.reserved > .zero && position.settled + bound <= CreditTotal(cap) ? .wait : .exhausted
    }

    /// Holds an amount; nil, an unknown bound, holds nothing.
    public mutating func reserve(_ amount: Credits?) { position.reserved += CreditTotal(amount ?? .zero) }

    /// Gives back what was held; nil gives nothing back.
    public mutating func release(_ amount: Credits?) { position.reserved -= CreditTotal(amount ?? .zero) }

    /// Whether a reservation may be exchanged for another within the cap. A lower one always may, also where bills have
    /// gone beyond the cap.
    public func allows(changing old: Credits?, to new: Credits) -> Bool {
        guard mode == .cautious, let cap = position.cap, new > (old ?? .zero) else { return true }
        return position.settled + position.reserved - CreditTotal(old ?? .zero) + new <= CreditTotal(cap)
    }

    /// Books a bill and gives its reservation back.
    ///
    /// - Returns: whether the bill was above the reservation (under a cap only): it is booked in full, and submission ends.
    public mutating func settle(_ charged: Credits, reserved: Credits?) -> Bool {
        release(reserved)
        position.settled += CreditTotal(charged)
        guard mode == .cautious, position.cap != nil, charged > (reserved ?? .zero) else { return false }
        isBroken = true
        return true
    }
}
