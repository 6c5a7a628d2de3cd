/// An event that the runner reports to the scheduler. Each effect that requests something is answered by one of these.
package enum SchedulerEvent: Sendable {
    /// First, once: the contents of the store.
    case started(SchedulerSnapshot)
    /// Another page of open attempts, after `Effect.loadOpen`.
    case recovered([OpenAttempt], isLast: Bool)
    /// A page of a queue in scheduling order; `isLast`: there are no more.
    case loaded(TaskQueueID, [WaitingTask], isLast: Bool)
    /// The outcome of a submit.
    case submitted(Submission, SubmitResult)
    /// The outcome of `Effect.claim`. nil: the task is this attempt's and the claim is durable; otherwise nothing of it
    /// is.
    case claimed(AttemptID, by: TaskOwner?)
    /// The answer to a query or a cancel.
    case answered(AttemptID, QueryPurpose, QueryResult)
    /// The end of a download.
    case downloaded(AttemptID, DownloadResult)
    /// The answer to `TimerID.downloadSpeed`: bytes that this download has received since it began.
    case measured(AttemptID, serial: UInt32, bytes: Int64)
    /// A requested time has come.
    case timerFired(TimerID)
    /// The first Ctrl-C: nothing new is sent; requests in flight may finish.
    case stopRequested
    /// The submission limits changed.
    case limitsChanged(SubmissionLimits)
    /// The user paused a scope; tasks in flight continue, and the run waits.
    case pauseRequested(PauseScope)
    /// The user unpaused a scope. Scopes are independent: each must be unpaused.
    case unpauseRequested(PauseScope)
    /// A user's command on one task.
    case commanded(UserCommand)
}

/// The state that a run starts from.
package struct SchedulerSnapshot: Sendable {
    /// Attempts that the last run left open, or the first page of them.
    package var open: [OpenAttempt]
    /// Whether there are more pages.
    package var hasMoreOpen: Bool
    /// The queues with waiting tasks.
    package var queues: [TaskQueueID]
    /// The budget use of each batch of this run.
    package var budgets: [BatchID: BudgetUsage]
    /// The tag budgets of all batches.
    package var tagBudgets: [TagBudget]
    /// The known prices.
    package var prices: PriceBook
    /// Key support by account; a missing entry means unknown.
    package var trust: [KeyFingerprint: KeySupport]
    /// The API keys of this run.
    package var accounts: APIKeyRouting
    /// Durations of recent clips, for adaptive polling.
    package var durations: [ObservedDuration]
    /// The batches whose waiting tasks this run submits; nil: all. Open attempts of other batches are only finished.
    package var scope: Set<BatchID>?
    /// Users' commands that no run has carried out.
    package var commands: [UserCommand]
    package init(
        open: [OpenAttempt], queues: [TaskQueueID], budgets: [BatchID: BudgetUsage], prices: PriceBook,
        trust: [KeyFingerprint: KeySupport], accounts: APIKeyRouting, scope: Set<BatchID>? = nil,
        tagBudgets: [TagBudget] = [], commands: [UserCommand] = [], durations: [ObservedDuration] = [],
        hasMoreOpen: Bool = false
    ) {
        self.tagBudgets = tagBudgets
        self.commands = commands
        self.durations = durations
        self.open = open
        self.hasMoreOpen = hasMoreOpen
        self.queues = queues
        self.budgets = budgets
        self.prices = prices
        self.trust = trust
        self.accounts = accounts
        self.scope = scope
    }
}

/// Maps models to API keys: a key belongs to one routing group, and groups follow vendors.
package struct APIKeyRouting: Hashable, Sendable {
    private let byPrefix: [String: KeyFingerprint]

    /// - Parameter byPrefix: keys by model ID prefix. The longest prefix wins; the empty one matches every model.
    package init(byPrefix: [String: KeyFingerprint]) { self.byPrefix = byPrefix }

    /// The key for a model; nil if no prefix matches.
    package func account(for model: ModelID) -> KeyFingerprint? {
        byPrefix.filter { model.text.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }

    /// All keys.
    package var all: Set<KeyFingerprint> { Set(byPrefix.values) }

    /// Whether the run has this key.
    package func contains(_ account: KeyFingerprint) -> Bool { byPrefix.values.contains(account) }
}

/// Identifies the queue of waiting tasks of one batch and model, which is paused as a unit.
package struct TaskQueueID: Hashable, Comparable, Sendable {
    package let batch: BatchID
    package let model: ModelID
    package init(batch: BatchID, model: ModelID) {
        self.batch = batch
        self.model = model
    }
    package static func < (a: TaskQueueID, b: TaskQueueID) -> Bool { (a.batch, a.model) < (b.batch, b.model) }
}

/// The purpose of a query.
package enum QueryPurpose: Hashable, Sendable {
    /// A regular poll, by ID.
    case poll
    /// The outcome of its submit is unknown: by key.
    case resolveSubmission
    /// A user adopts this task for a submit with an unknown outcome: by the task's ID.
    case adopt(RemoteTaskID)
    /// It was accepted without an echo: tests key support, by key.
    case verifyKeySupport
    /// It completed without a cost or URL, or its URL was refused: by ID.
    case complete
    /// The reply to a cancel.
    case cancel
}

/// The outcome of a download.
package enum DownloadResult: Hashable, Sendable {
    /// The clip is complete and synced to disk.
    case saved(SavedClip)
    /// Truncated or stalled, with this many bytes of the clip on disk.
    case interrupted(ProviderError, reached: Int64)
    /// It was slow and yielded to another, as requested by ``Action/stopDownload(_:)``.
    case stopped
    /// The URL is not valid, or no longer.
    case refused(ProviderError)
    /// Complete by length but not a complete MP4.
    case malformed(String)
    /// No length is stated, so the clip may be truncated. The data is kept at this path.
    case unverified(path: String)
    /// No file name is available in its folder. Says nothing about the disk.
    case blocked(String)
    /// The disk refused the write.
    case diskFailed(String)
}

/// Identifies a timer. A later one for the same purpose invalidates an earlier one (`serial`).
package enum TimerID: Hashable, Sendable {
    /// The next step of an attempt: a poll, a resubmission, a query.
    case attempt(AttemptID, serial: UInt32)
    /// The next try of a download.
    case download(AttemptID, serial: UInt32)
    /// A download's speed is due for measuring. The runner answers with ``SchedulerEvent/measured(_:serial:bytes:)``.
    case downloadSpeed(AttemptID, serial: UInt32)
    /// An account-wide time: a pause ends, or an outage or a limit is probed.
    case account(serial: UInt32)
}
