/// The store's row number of a command. Numbers grow in the order in which commands were given.
public struct CommandID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The row number.
    public let rawValue: Int64
    /// Wraps a row number.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: CommandID, b: CommandID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// A user's command on one task during a run. It applies to the attempt that the user saw: if the task has another
/// attempt by now, nothing is done, so that a late command never pays for more than was asked.
public struct UserCommand: Hashable, Sendable {
    /// The action.
    public enum Action: Hashable, Sendable {
        /// `evenIfCharged`: even if it is already rendering.
        case cancel(evenIfCharged: Bool)
        /// `again`: even if it is completed, as a new paid take. `newSeed`: replaces its seed.
        case retry(again: Bool, newSeed: Int64? = nil)
    }

    /// Its row number in the store.
    public let id: CommandID
    /// The action.
    public let order: Action
    /// The latest attempt or, if the task waits, the next one.
    public let attempt: AttemptID
    /// The queue that it waits in.
    public let lane: TaskQueueID

    /// Creates a value from its properties.
    public init(id: CommandID, order: Action, attempt: AttemptID, lane: TaskQueueID) {
        self.id = id
        self.order = order
        self.attempt = attempt
        self.lane = lane
    }
}

/// The outcome of a command, as in the column `outcome`.
public enum CommandOutcome: String, Hashable, Sendable, CaseIterable {
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
    case renders
    /// The provider accepted the cancel and has not ended the task yet.
    case asked
    /// It was sent, and its outcome is unknown.
    case uncertain
    /// The provider does not know it.
    case lost
    /// The provider refused to cancel it.
    case notCancelled = "not_cancelled"
    /// It waits again.
    case waits
    /// The retry was refused; the message has the reason.
    case refused
    /// A pause or limit applies from now on.
    case holds
    /// No run carried it out before the user withdrew it and acted without a run.
    case takenBack = "taken_back"
}

/// Pauses and limits that apply to all runs until they are changed.
public struct RunControls: Hashable, Sendable {
    /// Paused scopes.
    public var pauses: Set<PauseScope> = []
    /// The limit of tasks in flight, in place of the run's option; nil: use the option.
    public var concurrency: Int?
    /// Limits per model.
    public var modelConcurrency: [ModelID: Int] = [:]
    /// Creates controls without pauses and limits.
    public init() {}
}
