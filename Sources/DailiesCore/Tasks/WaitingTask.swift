/// A task that waits in the store for a slot, as much of it as scheduling needs.
public struct WaitingTask: Hashable, Sendable {
    /// The store's number of it.
    public let id: TaskID
    /// The batch that it belongs to.
    public let batch: BatchID
    /// What it is known by in its batch.
    public let key: TaskKey
    /// Its key and its batch.
    var name: TaskName { TaskName(batch: batch, key: key) }
    /// The number that its next attempt has.
    public let attempt: Int
    /// What it asks for, as far as scheduling and pricing go.
    public let shape: RequestShape
    /// What is asked of the provider.
    public let request: CanonicalRequest
    /// Higher first.
    public let priority: Int
    /// The file name asked for in the manifest.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
    /// Takes its properties as they are given.
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

    /// Its place among the waiting: higher priority first, then the order of the manifest.
    public var place: Cursor { Cursor(priority: priority, id: id) }

    /// Where a task stands among those of its lane; the smaller place goes first.
    public struct Cursor: Hashable, Comparable, Sendable {
        /// Higher first.
        public let priority: Int
        /// Of equal priority the smaller one goes first.
        public let id: TaskID
        /// Takes its properties as they are given.
        public init(priority: Int, id: TaskID) {
            self.priority = priority
            self.id = id
        }
        public static func < (a: Cursor, b: Cursor) -> Bool {
            a.priority != b.priority ? a.priority > b.priority : a.id < b.id
        }
    }
}

/// An attempt that is not finished, as the store holds it: what a new run must know to go on.
public struct OpenAttempt: Hashable, Sendable {
    /// How far an attempt had come.
    public enum Progress: Hashable, Sendable {
        /// In the air when the last run ended: its fate is unknown, whether or not that was recorded.
        case sent(isMarkedUncertain: Bool)
        /// The provider has it.
        case accepted(RemoteTaskID, isRunning: Bool)
        /// Completed, and the clip is not saved.
        case completed(RemoteTaskID, asset: AssetLocation?, cost: Cost, hasNoAsset: Bool)
        /// Over, and nothing is missing but its cost.
        case missingCost(RemoteTaskID, Settlement.End, Cost)
    }

    /// What is known of the cost of an attempt that is over.
    public enum Cost: Hashable, Sendable {
        /// Booked.
        case known
        /// Asked for until the questions are used up, and then unknown. Goes to either of the others.
        case awaited
        /// Was asked for in vain. Whoever hears it stated later books it all the same. Goes to known.
        case unknown
    }
    /// Where a page of them ends: they are read by batch, task and number.
    public struct Cursor: Hashable, Sendable {
        /// Comes first.
        public let batch: BatchID
        /// Comes second: by its task, then by its number.
        public let attempt: AttemptID
        /// Takes its properties as they are given.
        public init(batch: BatchID, attempt: AttemptID) {
            self.batch = batch
            self.attempt = attempt
        }
    }
    /// Where a page that ends with it ends.
    public var place: Cursor { Cursor(batch: batch, attempt: attempt) }

    /// Which attempt of which task.
    public let attempt: AttemptID
    /// The batch that it belongs to.
    public let batch: BatchID
    /// What its task is known by.
    public let key: TaskKey
    /// What was sent, byte for byte.
    public let submission: Submission
    /// What it asks for, as far as scheduling and pricing go.
    public let shape: RequestShape
    /// How far it had come.
    public let standing: Progress
    /// When its intent was durable.
    public let submittedAt: Instant
    /// When it was last sent; its cadence counts from there.
    public let sentAt: Instant
    /// Held for it against the budgets; nil: nothing.
    public let reserved: Credits?
    /// What the provider expected it to cost when it took the task; nil: it did not say, or does not have it.
    public let estimate: Credits?
    /// A guard wanted it cancelled.
    public let cancelReason: CancelReason?
    /// The render existed before it was submitted here.
    public let isReplayed: Bool
    /// Another API key sent it, and a user said that both are of one account. The provider keeps submission keys for each API
    /// key apart: that this one is not found proves nothing, and it is never sent again.
    public let isHandedOver: Bool
    /// Set: 404 for ten minutes in an earlier run.
    public let lostAt: Instant?
    /// The file name asked for in the manifest.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
    /// A reply to it was about another submission: a repeat may be rendered once more.
    public let isConflict: Bool
    /// Takes its properties as they are given.
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

/// Where a budget stands, over all runs and attempts.
public struct BudgetUsage: Hashable, Sendable {
    /// nil: no budget.
    public var cap: Credits?
    /// How strictly the cap is kept.
    public var mode: BudgetMode
    /// Charged.
    public var settled: CreditTotal
    /// Held for what is in flight and for costs that are not known.
    public var reserved: CreditTotal
    /// Takes its properties as they are given.
    public init(cap: Credits?, settled: CreditTotal, reserved: CreditTotal, mode: BudgetMode = .cautious) {
        self.cap = cap
        self.mode = mode
        self.settled = settled
        self.reserved = reserved
    }
}
