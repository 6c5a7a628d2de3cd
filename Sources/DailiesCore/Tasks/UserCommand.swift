/// The store's row number of a command. Numbers grow in the order in which commands were given.
package struct CommandID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The row number.
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (a: CommandID, b: CommandID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "\(rawValue)" }
}

/// A user's command on one task. It applies to the attempt that the user saw: if the task has another attempt by now,
/// nothing is done, so that a late command never pays for more than was asked.
package struct UserCommand: Hashable, Sendable {
    /// The action.
    package enum Action: Hashable, Sendable {
        /// `evenIfCharged`: even if it is already rendering.
        case cancel(evenIfCharged: Bool)
        /// `again`: even if it is completed, as a new paid take. `newSeed`: replaces its seed.
        case retry(again: Bool, newSeed: Int64? = nil)
        /// Looks up an uncertain attempt by its submission key, a lost one by its task ID, or the unknown cost of one
        /// that has ended.
        case reconcile
        /// Links an uncertain attempt to a task at the provider, if the provider has that task.
        case adopt(RemoteTaskID)
        /// Gives up an uncertain or lost attempt: failed, cost unknown. `afterLookup`: only if the provider does not
        /// find it.
        case assumeLost(afterLookup: Bool)
    }

    /// Its row number in the store.
    package let id: CommandID
    package let order: Action
    /// The latest attempt or, if the task waits, the next one.
    package let attempt: AttemptID
    /// The queue that it waits in.
    package let queue: TaskQueueID
    /// Whether ``open`` was read from the store.
    package var isRead = false
    /// The attempt as stored, if it is unfinished and the scheduler did not have it.
    package var open: OpenAttempt?
    /// Whether the attempt belongs to a provider that the run does not use. Set with ``open``.
    package var isElsewhere = false

    package init(id: CommandID, order: Action, attempt: AttemptID, queue: TaskQueueID) {
        self.id = id
        self.order = order
        self.attempt = attempt
        self.queue = queue
    }
}

/// The outcome of a command, as in the column `outcome`.
package enum CommandOutcome: String, Hashable, Sendable, CaseIterable {
    /// It was unsent and is cancelled.
    case withdrawn
    /// The provider cancelled it.
    case cancelled
    /// It had already completed.
    case completed
    /// It had already failed.
    case failed
    /// It had ended, or had another attempt, before anything was requested.
    case alreadyOver = "already_over"
    /// It is rendering, and `evenIfCharged` was not set.
    case alreadyRunning = "renders"
    /// The provider accepted the cancel and has not ended the task yet.
    case requested = "asked"
    /// It was sent, and its outcome is unknown.
    case uncertain
    /// The provider does not know it.
    case lost
    /// The provider refused to cancel it.
    case notCancelled = "not_cancelled"
    /// The provider has it; its state is recorded.
    case found
    /// The provider has the task that the user named; it is recorded as this attempt.
    case adopted
    /// The provider has it, but its estimate exceeds the budget, so that it is cancelled while that is free.
    case overBudget = "over_budget"
    /// The provider does not find it.
    case notFound = "not_found"
    /// The provider's answer is about a different task.
    case otherTask = "other_task"
    /// The user gave it up.
    case assumedLost = "assumed_lost"
    /// The provider reports its cost, which is recorded.
    case costLearned = "cost_learned"
    /// The provider does not report its cost.
    case costUnknown = "cost_unknown"
    /// The provider did not answer.
    case noAnswer = "no_answer"
    /// It was not looked up; the message has the reason.
    case notLookedUp = "not_looked_up"
    /// The provider refused the API key.
    case keyRefused = "key_refused"
    /// The provider denied the account access.
    case accountRefused = "account_refused"
    /// It waits again.
    case requeued = "waits"
    /// It was refused; the message has the reason.
    case refused
    /// A pause or limit applies from now on.
    case applied = "holds"
    /// No run carried it out before the user withdrew it and acted without a run.
    case revoked = "taken_back"
}

/// Pauses and limits that apply to all runs until they are changed.
package struct RunControls: Hashable, Sendable {
    /// Paused scopes.
    package var pauses: Set<PauseScope> = []
    /// The limit of tasks in flight, in place of the run's option; nil: use the option.
    package var concurrency: Int?
    /// Limits per model.
    package var modelConcurrency: [ModelID: Int] = [:]
    /// Creates controls without pauses and limits.
    package init() {}
}
