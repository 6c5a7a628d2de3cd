/// What the scheduler wants done. The shell carries effects out in order and reports back with ``SchedulerEvent``.
public enum Effect: Sendable {
    /// Make these durable together, then act. Commits are durable in the order of the effects.
    case commit([Change], then: [Action])
    /// Prepare the submission of a task (its bytes, its account), make the intent durable, then submit it.
    case begin(WaitingTask, reserved: Credits?)
    case act(Action)
    case wake(Wake, at: Instant)
    /// Read the next page of a lane. The page must show every commit asked for before it.
    case load(Lane, after: WaitingTask.Place?, limit: Int)
    /// Read the next page of what the last run left open, by batch, task and number.
    case loadOpen(after: OpenAttempt.Place, limit: Int)
    case tell(RunEvent)
    /// Nothing is left to do in this run. Last, once.
    case finish(RunEnding)
}

/// Something done out in the world.
public enum Action: Hashable, Sendable {
    case submit(Submission)
    case ask(AttemptID, QuestionPurpose, Question)
    case cancel(AttemptID, RemoteTaskID, account: KeyFingerprint)
    case download(AttemptID, SubmissionKey, AssetLocation, output: OutputName)
}

/// Where a clip goes, as far as the core knows: the shell turns it into a path.
public struct OutputName: Hashable, Sendable {
    public let batch: BatchID
    public let key: TaskKey
    /// Attempts after the first have files of their own, so that a paid take is never overwritten.
    public let attempt: Int
    public let requested: String?
    public init(batch: BatchID, key: TaskKey, attempt: Int, requested: String?) {
        self.batch = batch
        self.key = key
        self.attempt = attempt
        self.requested = requested
    }
}

/// What happened, for whoever watches. Never holds a key or a whole URL.
public enum RunEvent: Hashable, Sendable {
    case submitted(TaskKey, ModelID)
    case accepted(TaskKey, RemoteTaskID, estimate: Credits?)
    case running(TaskKey)
    case completed(TaskKey, charged: Credits?)
    case failed(TaskKey, code: String?, message: String?, charged: Credits?)
    case cancelled(TaskKey, charged: Credits?)
    /// By a user's word, before it was sent.
    case withdrawn(TaskKey)
    /// It waits again, by a rule or a user's word.
    case retried(TaskKey)
    case saved(TaskKey, path: String)
    case notSaved(TaskKey, reason: String)
    case uncertain(TaskKey, reason: String)
    case lost(TaskKey)
    case unresolved(TaskKey)
    /// Submission pauses; `until` where a time is known.
    case paused(PauseReason, detail: String, until: Instant?)
    case resumed
    case warning(String)
}

public enum PauseReason: Hashable, Sendable {
    case outage
    case rateLimit
    case concurrencyLimit(Int)
    case noFunds
    /// The key does not reach it.
    case modelUnavailable(ModelID)
    /// The service has nobody for it now, or does not offer it.
    case modelUnserved(ModelID)
    case uncertainTasks
    case unsavedClips
    case budget(BatchID)
    /// So many clips go first.
    case canary(Int)
    /// So many in a row.
    case policyRejections(Int)
    /// The user's word.
    case user(SubmissionScope)
}

/// How a run ended, as far as the scheduler knows; the store's counts make the exit code complete.
public struct RunEnding: Hashable, Sendable {
    /// The user asked for the end.
    public var isInterrupted = false
    public var keyRefused = false
    /// 402, 403, or a model out of the key's reach.
    public var accountRefused = false
    public var budgetReached = false
    /// Work is left that this run will not do: an outage longer than the maximum wait, unresolved or waiting tasks.
    public var isWorkOutstanding = false
    /// Uncertain, lost, or sent under another key.
    public var uncertain = 0
    /// Completed, wanted on disk, not saved.
    public var unsaved = 0
    /// For people: why it stopped early, if it did.
    public var reasons: [String] = []
    public init() {}
}
