/// Why a guard cancels a task at the provider while that is free, as in the column `cancel_reason`. The cancelled task
/// then waits again under the next attempt number.
public enum CancelReason: String, Hashable, Sendable, CaseIterable {
    /// A budget does not allow its estimate.
    case budget
    /// A budget in hard mode is spent.
    case budgetSpent = "budget_spent"
    /// Its quote exceeds the expected price by more than the tolerance.
    case quote
}
