/// The part of a waiting task that scheduling needs.
package struct WaitingTask: Hashable, Sendable {
    /// Its row number in the store.
    package let id: TaskID
    package let batch: BatchID
    /// The key in its batch.
    package let key: TaskKey
    /// Its key and its batch.
    var name: TaskName { TaskName(batch: batch, key: key) }
    /// The number of its next attempt.
    package let attempt: Int
    /// The model, duration and resolution.
    package let shape: RequestShape
    /// The request to send.
    package let request: CanonicalRequest
    /// The priority, higher first.
    package let priority: Int
    /// The file name requested in the manifest; nil: none.
    package let output: String?
    /// The budgets of its tags.
    package let tagBudgets: [TagBudgetID]
    package init(
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
    package var place: Cursor { Cursor(priority: priority, id: id) }

    /// A position in a queue; the smaller one goes first.
    package struct Cursor: Hashable, Comparable, Sendable {
        /// The priority, higher first.
        package let priority: Int
        /// The row number; among equal priorities the smaller one goes first.
        package let id: TaskID
        package init(priority: Int, id: TaskID) {
            self.priority = priority
            self.id = id
        }
        package static func < (a: Cursor, b: Cursor) -> Bool {
            a.priority != b.priority ? a.priority > b.priority : a.id < b.id
        }
    }
}

/// An unfinished attempt as stored: what a new run needs to resume it.
package struct OpenAttempt: Hashable, Sendable {
    /// The progress of an attempt.
    package enum Progress: Hashable, Sendable {
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
    package enum Cost: Hashable, Sendable {
        /// Booked.
        case known
        /// Still being queried. Becomes known, or unknown after the last query.
        case awaited
        /// Queried without success. A later stated cost is still booked.
        case unknown
    }
    /// The end of a page: attempts are read by batch, task and number.
    package struct Cursor: Hashable, Sendable {
        /// The first sort key.
        package let batch: BatchID
        /// The second sort key: by task, then by number.
        package let attempt: AttemptID
        package init(batch: BatchID, attempt: AttemptID) {
            self.batch = batch
            self.attempt = attempt
        }
    }
    /// The cursor of this attempt.
    package var place: Cursor { Cursor(batch: batch, attempt: attempt) }

    package let attempt: AttemptID
    package let batch: BatchID
    package let key: TaskKey
    /// The exact bytes sent.
    package let submission: Submission
    /// The model, duration and resolution.
    package let shape: RequestShape
    /// Its progress.
    package let progress: Progress
    /// When its intent became durable.
    package let submittedAt: Instant
    /// When it was last sent; poll times count from here.
    package let sentAt: Instant
    /// Credits reserved in the budgets; nil: none.
    package let reserved: Credits?
    /// The provider's estimate; nil: none, or not accepted.
    package let estimate: Credits?
    /// Why a guard wanted it cancelled; nil: none did.
    package let cancelReason: CancelReason?
    /// Whether the render existed before it was submitted here.
    package let isReplayed: Bool
    /// Whether another API key of the same account, as a user stated, sent it. The provider keeps submission keys per
    /// API key: not finding this one proves nothing, and it is never resent.
    package let isTransferred: Bool
    /// When an earlier run had 404 replies for ten minutes; nil: none had.
    package let lostAt: Instant?
    /// The file name requested in the manifest; nil: none.
    package let output: String?
    /// The budgets of its tags.
    package let tagBudgets: [TagBudgetID]
    /// Whether a reply to it was about another submission, so that a resubmission may render again.
    package let isConflict: Bool
    package init(
        attempt: AttemptID, batch: BatchID, key: TaskKey, submission: Submission, shape: RequestShape,
        progress: Progress, submittedAt: Instant, sentAt: Instant, reserved: Credits?, estimate: Credits? = nil,
        cancelReason: CancelReason? = nil, isReplayed: Bool = false, lostAt: Instant?, output: String?,
        tagBudgets: [TagBudgetID] = [], isConflict: Bool = false, isTransferred: Bool = false
    ) {
        self.isConflict = isConflict
        self.isTransferred = isTransferred
        self.cancelReason = cancelReason
        self.isReplayed = isReplayed
        self.tagBudgets = tagBudgets
        self.estimate = estimate
        self.attempt = attempt
        self.batch = batch
        self.key = key
        self.submission = submission
        self.shape = shape
        self.progress = progress
        self.submittedAt = submittedAt
        self.sentAt = sentAt
        self.reserved = reserved
        self.lostAt = lostAt
        self.output = output
    }
}

/// The use of a budget over all runs and attempts.
package struct BudgetUsage: Hashable, Sendable {
    /// The cap; nil: no budget.
    package var cap: Credits?
    /// How strictly the cap is enforced.
    package var mode: BudgetMode
    /// Charged credits.
    package var settled: CreditTotal
    /// Credits reserved for tasks in flight and for unknown costs.
    package var reserved: CreditTotal
    package init(cap: Credits?, settled: CreditTotal, reserved: CreditTotal, mode: BudgetMode = .cautious) {
        self.cap = cap
        self.mode = mode
        self.settled = settled
        self.reserved = reserved
    }
}
