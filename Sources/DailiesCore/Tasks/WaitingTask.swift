/// The part of a waiting task that scheduling needs.
public struct WaitingTask: Hashable, Sendable {
    /// Its row number in the store.
    public let id: TaskID
    /// The batch.
    public let batch: BatchID
    /// The key in its batch.
    public let key: TaskKey
    /// Its key and its batch.
    var name: TaskName { TaskName(batch: batch, key: key) }
    /// The number of its next attempt.
    public let attempt: Int
    /// The model, duration and resolution.
    public let shape: RequestShape
    /// The request to send.
    public let request: CanonicalRequest
    /// The priority, higher first.
    public let priority: Int
    /// The file name requested in the manifest; nil: none.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
    /// Creates a value from its properties.
    public init(
        id: TaskID, batch: BatchID, key: TaskKey, attempt: Int, shape: RequestShape, request: CanonicalRequest,
        priority: Int, output: String?, tagBudgets: [TagBudgetID] = []
    ) {
        self.tagBudgets = tagBudgets
        self.id = id
        self.batch = batch
        self.key = key
        self.attempt = attempt
        self.shape = shape
        self.request = request
        self.priority = priority
        self.output = output
    }

    /// All budgets that it counts against.
    var budgets: [Budgets.Scope] { [.batch(batch)] + tagBudgets.map(Budgets.Scope.tag) }

    var attemptID: AttemptID { AttemptID(task: id, number: attempt) }

    /// Its position in its queue: higher priority first, then manifest order.
    public var place: Cursor { Cursor(priority: priority, id: id) }

    /// A position in a queue; the smaller one goes first.
    public struct Cursor: Hashable, Comparable, Sendable {
        /// The priority, higher first.
        public let priority: Int
        /// The row number; among equal priorities the smaller one goes first.
        public let id: TaskID
        /// Creates a value from its properties.
        public init(priority: Int, id: TaskID) {
            self.priority = priority
            self.id = id
        }
        public static func < (a: Cursor, b: Cursor) -> Bool {
            a.priority != b.priority ? a.priority > b.priority : a.id < b.id
        }
    }
}

/// An unfinished attempt as stored: what a new run needs to resume it.
public struct OpenAttempt: Hashable, Sendable {
    /// The progress of an attempt.
    public enum Progress: Hashable, Sendable {
        /// In flight when the last run ended: its outcome is unknown, whether or not that was recorded.
        case sent(isMarkedUncertain: Bool)
        /// The provider has it.
        case accepted(RemoteTaskID, isRunning: Bool)
        /// Completed, and the clip is not saved.
        case completed(RemoteTaskID, asset: AssetLocation?, cost: Cost, hasNoAsset: Bool)
        /// Ended, and only its cost is missing.
        case missingCost(RemoteTaskID, Settlement.End, Cost)
    }

    /// What is known about the cost of a settled attempt.
    public enum Cost: Hashable, Sendable {
        /// Booked.
        case known
        /// Still being queried. Becomes known, or unknown after the last query.
        case awaited
        /// Queried without success. A later stated cost is still booked.
        case unknown
    }
    /// The end of a page: attempts are read by batch, task and number.
    public struct Cursor: Hashable, Sendable {
        /// The first sort key.
        public let batch: BatchID
        /// The second sort key: by task, then by number.
        public let attempt: AttemptID
        /// Creates a value from its properties.
        public init(batch: BatchID, attempt: AttemptID) {
            self.batch = batch
            self.attempt = attempt
        }
    }
    /// The cursor of this attempt.
    public var place: Cursor { Cursor(batch: batch, attempt: attempt) }

    /// The attempt.
    public let attempt: AttemptID
    /// The batch.
    public let batch: BatchID
    /// The task's key.
    public let key: TaskKey
    /// The exact bytes sent.
    public let submission: Submission
    /// The model, duration and resolution.
    public let shape: RequestShape
    /// Its progress.
    public let standing: Progress
    /// When its intent became durable.
    public let submittedAt: Instant
    /// When it was last sent; poll times count from here.
    public let sentAt: Instant
    /// Credits reserved in the budgets; nil: none.
    public let reserved: Credits?
    /// The provider's estimate; nil: none, or not accepted.
    public let estimate: Credits?
    /// Why a guard wanted it cancelled; nil: none did.
    public let cancelReason: CancelReason?
    /// Whether the render existed before it was submitted here.
    public let isReplayed: Bool
    /// Whether another API key of the same account, as a user stated, sent it. The provider keeps submission keys per
    /// API key: not finding this one proves nothing, and it is never resent.
    public let isHandedOver: Bool
    /// When an earlier run had 404 replies for ten minutes; nil: none had.
    public let lostAt: Instant?
    /// The file name requested in the manifest; nil: none.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
    /// Whether a reply to it was about another submission, so that a resubmission may render again.
    public let isConflict: Bool
    /// Creates a value from its properties.
    public init(
        attempt: AttemptID, batch: BatchID, key: TaskKey, submission: Submission, shape: RequestShape,
        standing: Progress, submittedAt: Instant, sentAt: Instant, reserved: Credits?, estimate: Credits? = nil,
        cancelReason: CancelReason? = nil, isReplayed: Bool = false, lostAt: Instant?, output: String?,
        tagBudgets: [TagBudgetID] = [], isConflict: Bool = false, isHandedOver: Bool = false
    ) {
        self.isConflict = isConflict
        self.isHandedOver = isHandedOver
        self.cancelReason = cancelReason
        self.isReplayed = isReplayed
        self.tagBudgets = tagBudgets
        self.estimate = estimate
        self.attempt = attempt
        self.batch = batch
        self.key = key
        self.submission = submission
        self.shape = shape
        self.standing = standing
        self.submittedAt = submittedAt
        self.sentAt = sentAt
        self.reserved = reserved
        self.lostAt = lostAt
        self.output = output
    }
}

/// The use of a budget over all runs and attempts.
public struct BudgetUsage: Hashable, Sendable {
    /// The cap; nil: no budget.
    public var cap: Credits?
    /// How strictly the cap is enforced.
    public var mode: BudgetMode
    /// Charged credits.
    public var settled: CreditTotal
    /// Credits reserved for tasks in flight and for unknown costs.
    public var reserved: CreditTotal
    /// Creates a value from its properties.
    public init(cap: Credits?, settled: CreditTotal, reserved: CreditTotal, mode: BudgetMode = .cautious) {
        self.cap = cap
        self.mode = mode
        self.settled = settled
        self.reserved = reserved
    }
}
