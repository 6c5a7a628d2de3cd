/// Why a guard cancels a task at the provider while that is free, as the column `cancel_reason` has it. Once it is
/// cancelled, the task waits again under the next attempt number.
public enum CancelReason: String, Hashable, Sendable, CaseIterable {
    /// A budget does not hold its estimate.
    case budget
    /// A budget in the hard mode is spent.
    case budgetSpent = "budget_spent"
    /// Its quote is further above what such clips cost than the tolerance allows.
    case quote
}
