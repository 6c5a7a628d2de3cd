/// The store's row number of a command. They grow in the order in which users spoke.
public struct CommandID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// As the store numbers it.
    public let rawValue: Int64
    /// Keeps the number as it is given.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: CommandID, b: CommandID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// What a user told a run about one task while it goes on. The attempt is the one that the user saw: if the task has
/// moved on to another since, it is left alone, so that a command carried out late never pays for more than was asked.
public struct UserCommand: Hashable, Sendable {
    /// What is wanted of the task.
    public enum Action: Hashable, Sendable {
        /// `evenIfCharged`: also where it renders already.
        case cancel(evenIfCharged: Bool)
        /// `again`: also where it is completed, as a new take that is paid for. `newSeed`: in place of its own.
        case retry(again: Bool, newSeed: Int64? = nil)
    }

    /// The store's number of it.
    public let id: CommandID
    /// What is wanted of the task.
    public let order: Action
    /// Its latest attempt, or, where it waits, its next.
    public let attempt: AttemptID
    /// Where it waits when it waits.
    public let lane: TaskQueueID

    /// Takes its properties as they are given.
    public init(id: CommandID, order: Action, attempt: AttemptID, lane: TaskQueueID) {
        self.id = id
        self.order = order
        self.attempt = attempt
        self.lane = lane
    }
}

/// What became of a command, as the column `outcome` says it.
public enum CommandOutcome: String, Hashable, Sendable, CaseIterable {
    /// It was never sent, and is cancelled.
    case withdrawn
    /// The provider cancelled it.
    case cancelled
    /// It was completed by then.
    case completed
    /// It had failed by then.
    case failed
    /// It was over, or at another attempt, before anything was asked.
    case alreadyOver = "already_over"
    /// It renders, and cancelling that was not insisted on.
    case renders
    /// The provider took the cancel and has not ended it yet.
    case asked
    /// Sent, and its fate is not known.
    case uncertain
    /// Not known to the provider.
    case lost
    /// The provider refused to cancel it.
    case notCancelled = "not_cancelled"
    /// It waits again.
    case waits
    /// It does not wait again, and why.
    case refused
    /// A pause or a limit holds from here on.
    case holds
    /// Nobody carried it out before the one who gave it did so without a runner.
    case takenBack = "taken_back"
}

/// What users have said that holds until they say otherwise, over all runs.
public struct RunControls: Hashable, Sendable {
    /// What is not submitted.
    public var pauses: Set<PauseScope> = []
    /// Tasks in flight, instead of what the run's options say.
    public var concurrency: Int?
    /// Of single models.
    public var modelConcurrency: [ModelID: Int] = [:]
    /// Nothing was said.
    public init() {}
}
