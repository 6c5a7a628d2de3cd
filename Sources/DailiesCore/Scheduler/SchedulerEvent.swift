/// What the shell tells the scheduler. Each effect that asks for something is answered by one of these.
public enum SchedulerEvent: Sendable {
    /// First, once: what the store holds.
    case started(SchedulerSnapshot)
    /// A further page of what the last run left open, after `Effect.loadOpen`.
    case recovered([OpenAttempt], isLast: Bool)
    /// A page of a lane, in scheduling order; `isLast`: nothing comes after it.
    case loaded(TaskQueueID, [WaitingTask], isLast: Bool)
    /// The fate of a submit.
    case submitted(Submission, SubmitResult)
    /// What became of `Effect.claim`; nil: it is durable, else nothing of it is, since the task is this attempt's.
    case claimed(AttemptID, by: TaskOwner?)
    /// The answer to a question or a cancel.
    case answered(AttemptID, QueryPurpose, QueryResult)
    /// The end of a download.
    case downloaded(AttemptID, DownloadResult)
    /// In place of `TimerID.downloadSpeed`: how many bytes this download has brought since it began.
    case measured(AttemptID, serial: UInt32, bytes: Int64)
    /// A moment that was asked for has come.
    case woken(TimerID)
    /// The first Ctrl-C: nothing new is sent; what is in the air may land.
    case stopRequested
    /// What limits submission is something else from now on.
    case limitsChanged(SubmissionLimits)
    /// The user holds submission up; what is in flight goes on, and the run waits.
    case pauseRequested(PauseScope)
    /// The same scope goes on. Scopes are independent of each other: each needs its own.
    case unpauseRequested(PauseScope)
    /// A user wants something of one task.
    case commanded(UserCommand)
}

/// What a run starts from.
public struct SchedulerSnapshot: Sendable {
    /// What the last run left open, or the first page of it.
    public var open: [OpenAttempt]
    /// There is more of it, to be asked for page by page.
    public var hasMoreOpen: Bool
    /// The pairs of batch and model in which something waits.
    public var lanes: [TaskQueueID]
    /// Where the budget of each batch of this run stands.
    public var budgets: [BatchID: BudgetUsage]
    /// Of all batches.
    public var tagBudgets: [TagBudget]
    /// What clips may cost.
    public var prices: PriceBook
    /// By account; missing means unknown.
    public var trust: [KeyFingerprint: KeySupport]
    /// The keys of this run.
    public var accounts: APIKeyRouting
    /// Of clips that completed lately; for the adaptive cadence.
    public var durations: [ObservedDuration]
    /// The batches whose waiting tasks this run submits; nil: every batch. Open attempts of others are only finished.
    public var scope: Set<BatchID>?
    /// What users told and no run has carried out.
    public var commands: [UserCommand]
    /// Takes its properties as they are given.
    public init(
        open: [OpenAttempt], lanes: [TaskQueueID], budgets: [BatchID: BudgetUsage], prices: PriceBook,
        trust: [KeyFingerprint: KeySupport], accounts: APIKeyRouting, scope: Set<BatchID>? = nil,
        tagBudgets: [TagBudget] = [], commands: [UserCommand] = [], durations: [ObservedDuration] = [],
        hasMoreOpen: Bool = false
    ) {
        self.tagBudgets = tagBudgets
        self.commands = commands
        self.durations = durations
        self.open = open
        self.hasMoreOpen = hasMoreOpen
        self.lanes = lanes
        self.budgets = budgets
        self.prices = prices
        self.trust = trust
        self.accounts = accounts
        self.scope = scope
    }
}

/// Which API key goes with which model: a key belongs to one routing group, and groups follow vendors.
public struct APIKeyRouting: Hashable, Sendable {
    private let byPrefix: [String: KeyFingerprint]

    /// - Parameter byPrefix: the longest prefix of a model's id wins; the empty one fits every model.
    public init(byPrefix: [String: KeyFingerprint]) { self.byPrefix = byPrefix }

    /// The key for a model; nil where no prefix fits.
    public func account(for model: ModelID) -> KeyFingerprint? {
        byPrefix.filter { model.text.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }

    /// Every account of the book.
    public var all: Set<KeyFingerprint> { Set(byPrefix.values) }

    /// Whether the run has this key.
    public func contains(_ account: KeyFingerprint) -> Bool { byPrefix.values.contains(account) }
}

/// The waiting tasks of one batch and one model: what a pause holds up, and nothing else.
public struct TaskQueueID: Hashable, Comparable, Sendable {
    /// Of the batch.
    public let batch: BatchID
    /// Of the model.
    public let model: ModelID
    /// Takes its properties as they are given.
    public init(batch: BatchID, model: ModelID) {
        self.batch = batch
        self.model = model
    }
    public static func < (a: TaskQueueID, b: TaskQueueID) -> Bool { (a.batch, a.model) < (b.batch, b.model) }
}

/// Why a task is asked for.
public enum QueryPurpose: Hashable, Sendable {
    /// Its regular poll, by id.
    case poll
    /// Its submit's fate is unknown: by key.
    case resolveSubmission
    /// It was accepted without an echo: is the key known? By key.
    case verifyKeySupport
    /// It completed without a cost or a URL, or its URL was refused: by id.
    case complete
    /// The reply to a cancel.
    case cancel
}

/// What became of one download.
public enum DownloadResult: Hashable, Sendable {
    /// The clip is on disk, whole and synced.
    case saved(SavedClip)
    /// Cut or stalled, with so many bytes of the clip on disk.
    case interrupted(ProviderError, reached: Int64)
    /// It was slow and gave its place to another, as ``Action/stopDownload(_:)`` asked.
    case stopped
    /// The URL is not valid (any more).
    case refused(ProviderError)
    /// Whole by length, but not a whole MP4.
    case malformed(String)
    /// Nobody says how long the clip is, so it may be cut. What came is kept at this path.
    case unverified(path: String)
    /// No name is left for this clip in its folder. Says nothing of the disk.
    case blocked(String)
    /// The disk refused it.
    case diskFailed(String)
}

/// A moment that was asked for. A later one for the same purpose makes an earlier one void (`serial`).
public enum TimerID: Hashable, Sendable {
    /// The next step of an attempt: a poll, a repeat, a question.
    case attempt(AttemptID, serial: UInt32)
    /// The next try of a download.
    case download(AttemptID, serial: UInt32)
    /// A download is to be measured. The shell answers with ``SchedulerEvent/measured(_:serial:bytes:)``.
    case downloadSpeed(AttemptID, serial: UInt32)
    /// A pause of the whole account ends, an outage is probed, a limit is probed: look at everything.
    case account(serial: UInt32)
}
