/// A task that waits in the store for a slot, as much of it as scheduling needs.
public struct WaitingTask: Hashable, Sendable {
    public let id: TaskID
    public let batch: BatchID
    public let key: TaskKey
    /// The number that its next attempt has.
    public let attempt: Int
    public let shape: RequestShape
    public let request: CanonicalRequest
    public let priority: Int
    /// The file name asked for in the manifest.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
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
    var budgets: [BudgetBook.Scope] { [.batch(batch)] + tagBudgets.map(BudgetBook.Scope.tag) }

    var attemptID: AttemptID { AttemptID(task: id, number: attempt) }

    /// Its place among the waiting: higher priority first, then the order of the manifest.
    public var place: Place { Place(priority: priority, id: id) }

    public struct Place: Hashable, Comparable, Sendable {
        public let priority: Int
        public let id: TaskID
        public init(priority: Int, id: TaskID) {
            self.priority = priority
            self.id = id
        }
        public static func < (a: Place, b: Place) -> Bool {
            a.priority != b.priority ? a.priority > b.priority : a.id < b.id
        }
    }
}

/// An attempt that is not finished, as the store holds it: what a new run must know to go on.
public struct OpenAttempt: Hashable, Sendable {
    public enum Standing: Hashable, Sendable {
        /// In the air when the last run ended: its fate is unknown, whether or not that was recorded.
        case sent(isMarkedUncertain: Bool)
        case accepted(RemoteTaskID, isRunning: Bool)
        /// Completed, and the clip is not saved.
        case completed(RemoteTaskID, asset: AssetLocation?, cost: Cost, hasNoAsset: Bool)
        /// Over, and nothing is missing but its cost.
        case costless(RemoteTaskID, Settlement.End, Cost)
    }

    /// What is known of the cost of an attempt that is over.
    public enum Cost: Hashable, Sendable {
        case known
        /// Asked for until the questions are used up, and then unknown. Goes to either of the others.
        case awaited
        /// Was asked for in vain. Whoever hears it stated later books it all the same. Goes to known.
        case unknown
    }
    /// Where a page of them ends: they are read by batch, task and number.
    public struct Place: Hashable, Sendable {
        public let batch: BatchID
        public let attempt: AttemptID
        public init(batch: BatchID, attempt: AttemptID) {
            self.batch = batch
            self.attempt = attempt
        }
    }
    public var place: Place { Place(batch: batch, attempt: attempt) }

    public let attempt: AttemptID
    public let batch: BatchID
    public let key: TaskKey
    public let submission: Submission
    public let shape: RequestShape
    public let standing: Standing
    public let intentAt: Instant
    public let reserved: Credits?
    /// Set: 404 for ten minutes in an earlier run.
    public let lostAt: Instant?
    /// The file name asked for in the manifest.
    public let output: String?
    /// The budgets of its tags.
    public let tagBudgets: [TagBudgetID]
    public init(
        attempt: AttemptID, batch: BatchID, key: TaskKey, submission: Submission, shape: RequestShape,
        standing: Standing, intentAt: Instant, reserved: Credits?, lostAt: Instant?, output: String?,
        tagBudgets: [TagBudgetID] = []
    ) {
        self.tagBudgets = tagBudgets
        self.attempt = attempt
        self.batch = batch
        self.key = key
        self.submission = submission
        self.shape = shape
        self.standing = standing
        self.intentAt = intentAt
        self.reserved = reserved
        self.lostAt = lostAt
        self.output = output
    }
}

/// Where a budget stands, over all runs and attempts.
public struct BudgetPosition: Hashable, Sendable {
    /// nil: no budget.
    public var cap: Credits?
    /// How strictly the cap is kept.
    public var mode: BudgetMode
    public var settled: CreditTotal
    public var reserved: CreditTotal
    public init(cap: Credits?, settled: CreditTotal, reserved: CreditTotal, mode: BudgetMode = .cautious) {
        self.cap = cap
        self.mode = mode
        self.settled = settled
        self.reserved = reserved
    }
}

/// The highest price settled in this store for a kind of clip.
public struct SettledPrice: Hashable, Sendable {
    public let model: ModelID
    public let resolution: String?
    /// Highest charge per second of output asked for, rounded up to a billionth.
    public let highestPerSecond: Credits
    /// The highest quote of those that were charged, in the same way; zero: none of them was quoted.
    public let highestQuotePerSecond: Credits
    public init(
        model: ModelID, resolution: String?, highestPerSecond: Credits, highestQuotePerSecond: Credits = .zero
    ) {
        self.highestQuotePerSecond = highestQuotePerSecond
        self.model = model
        self.resolution = resolution
        self.highestPerSecond = highestPerSecond
    }
}
