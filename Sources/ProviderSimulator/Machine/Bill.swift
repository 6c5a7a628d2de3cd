import DailiesCore

/// What the provider charged: the reference for a client's report.
package struct Bill: Hashable, Sendable {
    /// One charge to an account.
    package struct Charge: Hashable, Sendable {
        /// The provider's id of the task.
        package let taskID: String
        /// The submission key, if any.
        package let outTaskID: String?
        /// The model's id, as submitted.
        package let model: String
        /// The amount as written in responses.
        package let text: String
        /// The amount rounded to a billionth, halves away from zero; equal to `text` unless that has more decimals.
        package let credits: Credits
        /// When it was charged, by the simulator's clock.
        package let at: Instant
    }

    /// Sorted by time.
    package internal(set) var charges: [Charge] = []
    /// The sum of `credits` over all charges.
    package internal(set) var total: CreditTotal = .zero
    /// Submissions received, including refused and repeated ones.
    package internal(set) var submits = 0
    /// Renders started: at most one per key if keys are honored.
    package internal(set) var accepted = 0
    /// Maximum number of tasks queued or running at the same time.
    package internal(set) var maximumInFlight = 0
    /// Submissions by `out_task_id`.
    package internal(set) var submitsByKey: [String: Int] = [:]
    /// Renders started by `out_task_id`.
    package internal(set) var rendersByKey: [String: Int] = [:]

    mutating func add(_ charge: Charge) {
        charges.append(charge)
        total += CreditTotal(charge.credits)
    }
}
