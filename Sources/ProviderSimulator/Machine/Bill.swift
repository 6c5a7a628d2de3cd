import DailiesCore

/// What the provider charged: the reference for a client's report.
public struct Bill: Hashable, Sendable {
    /// One charge to an account.
    public struct Charge: Hashable, Sendable {
        /// The provider's id of the task.
        public let taskID: String
        /// The submission key, if any.
        public let outTaskID: String?
        /// The model's id, as submitted.
        public let model: String
        /// The amount as written in responses.
        public let text: String
        /// The amount rounded to a billionth, halves away from zero; equal to `text` unless that has more decimals.
        public let credits: Credits
        /// When it was charged, by the simulator's clock.
        public let at: Instant
    }

    /// Sorted by time.
    public internal(set) var charges: [Charge] = []
    /// The sum of `credits` over all charges.
    public internal(set) var total: CreditTotal = .zero
    /// Submissions received, including refused and repeated ones.
    public internal(set) var submits = 0
    /// Renders started: at most one per key if keys are honored.
    public internal(set) var accepted = 0
    /// Maximum number of tasks queued or running at the same time.
    public internal(set) var maximumInFlight = 0
    /// Submissions by `out_task_id`.
    public internal(set) var submitsByKey: [String: Int] = [:]
    /// Renders started by `out_task_id`.
    public internal(set) var rendersByKey: [String: Int] = [:]

    mutating func add(_ charge: Charge) {
        charges.append(charge)
        total += CreditTotal(charge.credits)
    }
}
