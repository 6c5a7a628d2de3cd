/// Why a task cannot be retried by a user's command.
package enum RetryRefusal: Hashable, Sendable {
    /// It waits and has not been sent.
    case waiting
    /// It was sent, and its outcome is unknown.
    case uncertain
    /// It is at the provider.
    case unfinished
    /// The provider does not know it any more.
    case lost
    /// It is completed, and another take was not requested.
    case completed
    /// Its cost is still being queried; the next attempt could hide it.
    case costAwaited
    /// It has another attempt by now.
    case superseded

    /// Applies the rule. nil: the task may be retried.
    ///
    /// - Parameters:
    ///   - state: the state of the task.
    ///   - isSent: whether its latest attempt was sent.
    ///   - isAccepted: whether the provider has its latest attempt.
    ///   - isLost: whether the provider does not know its latest attempt any more.
    ///   - isCostAwaited: whether the cost of its latest attempt is still being queried.
    ///   - again: whether a completed task may be rendered and charged again.
    package init?(state: TaskState, isSent: Bool, isAccepted: Bool, isLost: Bool, isCostAwaited: Bool, again: Bool) {
        switch state {
        case .queued where !isSent: self = .waiting
        case .queued where !isAccepted: self = .uncertain
        case .queued, .running: self = isLost ? .lost : .unfinished
        case .completed where !again: self = .completed
        case .completed, .failed, .cancelled:
            guard isCostAwaited else { return nil }
            self = .costAwaited
        }
    }

    /// A predicate about the task, such as "it is already waiting".
    package var message: String {
        switch self {
        case .waiting: "it is already waiting"
        case .uncertain: "it is uncertain; run `dailies reconcile` first"
        case .unfinished: "it is still at the provider; wait for it to finish, or cancel it"
        case .lost:
            "the provider no longer knows it; run `dailies reconcile`, or give it up with `dailies reconcile --assume-lost`"
        case .completed: "it is completed; use --again to render and charge it again"
        case .costAwaited: "its cost is not known yet; run `dailies resume` first"
        case .superseded: "it already has another attempt"
        }
    }
}
