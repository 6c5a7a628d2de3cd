import DailiesCore

/// What the provider charged: the truth that a client's report is compared with.
public struct Bill: Hashable, Sendable {
    /// One amount that an account was charged.
    public struct Charge: Hashable, Sendable {
        /// The provider's id of the task.
        public let taskID: String
        /// The submission key that it came with, if any.
        public let outTaskID: String?
        /// The model's id, as it was submitted.
        public let model: String
        /// As replies write it.
        public let text: String
        /// The same to the nearest billionth, halves away from zero; equal to `text` unless that has more decimals.
        public let credits: Credits
        /// When it was charged, by the simulator's clock.
        public let at: Instant
    }

    /// In the order of their times.
    public internal(set) var charges: [Charge] = []
    /// The sum of `credits` over all charges.
    public internal(set) var total: CreditTotal = .zero
    /// Submissions that reached the service, refused ones and repeats included.
    public internal(set) var submits = 0
    /// Renders begun: at most one per key where keys are honoured.
    public internal(set) var accepted = 0
    /// The most tasks that were queued or running at once.
    public internal(set) var maximumInFlight = 0
    /// Submissions by `out_task_id`.
    public internal(set) var submitsByKey: [String: Int] = [:]
    /// Renders begun by `out_task_id`.
    public internal(set) var rendersByKey: [String: Int] = [:]

    mutating func add(_ charge: Charge) {
        charges.append(charge)
        total += CreditTotal(charge.credits)
    }
}
