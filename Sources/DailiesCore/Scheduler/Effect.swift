/// What the scheduler wants done. The shell carries effects out in order and reports back with ``SchedulerEvent``.
public enum Effect: Sendable {
    /// Make these durable together, then act. Commits are durable in the order of the effects.
    case commit([Mutation], then: [Action])
    /// Make these durable together, unless the provider's task that they name belongs to another attempt: then none of
    /// them. Report ``SchedulerEvent/claimed(_:by:)``. In order with the commits.
    case claim(AttemptID, [Mutation])
    /// Prepare the submission of a task (its bytes, its account), make the intent durable, then submit it.
    case begin(WaitingTask, reserved: Credits?)
    /// Do this at once: nothing has to be durable first.
    case act(Action)
    /// Report ``SchedulerEvent/woken(_:)`` at or after this moment.
    case wake(TimerID, at: Instant)
    /// Read the next page of a lane. The page must show every commit asked for before it.
    case load(TaskQueueID, after: WaitingTask.Cursor?, limit: Int)
    /// Read the next page of what the last run left open, by batch, task and number.
    case loadOpen(after: OpenAttempt.Cursor, limit: Int)
    /// Say this to whoever watches.
    case tell(RunEvent)
    /// Nothing is left to do in this run. Last, once.
    case finish(RunResult)
}

/// Something done out in the world.
public enum Action: Hashable, Sendable {
    /// Send it, once.
    case submit(Submission)
    /// Ask for a task.
    case ask(AttemptID, QueryPurpose, TaskQuery)
    /// Ask the provider to cancel a task.
    case cancel(AttemptID, RemoteTaskID, account: KeyFingerprint)
    /// Fetch a finished clip.
    case download(AttemptID, SubmissionKey, AssetLocation, output: OutputName)
    /// End a download at its next byte; what came is kept.
    case stopDownload(AttemptID)
}

/// Where a clip goes, as far as the core knows: the shell turns it into a path.
public struct OutputName: Hashable, Sendable {
    /// Gives the folder.
    public let batch: BatchID
    /// Gives the name where none was asked for.
    public let key: TaskKey
    /// Attempts after the first have files of their own, so that a paid take is never overwritten.
    public let attempt: Int
    /// The file name asked for in the manifest; nil: none was.
    public let requested: String?
    /// Takes its properties as they are given.
    public init(batch: BatchID, key: TaskKey, attempt: Int, requested: String?) {
        self.batch = batch
        self.key = key
        self.attempt = attempt
        self.requested = requested
    }
}

/// What happened, for whoever watches. Never holds a key or a whole URL.
public enum RunEvent: Hashable, Sendable {
    /// Its intent is durable, and its submit is on the way.
    case submitted(TaskName, ModelID)
    /// The provider has it under this name, and expects it to cost so much.
    case accepted(TaskName, RemoteTaskID, estimate: Credits?)
    /// It renders.
    case running(TaskName)
    /// It is rendered; nil: its cost is not known yet.
    case completed(TaskName, charged: Credits?)
    /// It failed, in the provider's words; nil: its cost is not known.
    case failed(TaskName, code: String?, message: String?, charged: Credits?)
    /// It ended by a cancel; nil: its cost is not known.
    case cancelled(TaskName, charged: Credits?)
    /// It was cancelled for a guard and waits again, under the next attempt number; nil: its cost is not known.
    case waitsAgain(TaskName, CancelReason, charged: Credits?)
    /// By a user's word, before it was sent.
    case withdrawn(TaskName)
    /// It waits again, by a rule or a user's word.
    case retried(TaskName)
    /// Its clip is on disk, at this absolute path.
    case saved(TaskName, path: String)
    /// Its clip is paid for and not on disk.
    case downloadFailed(TaskName, reason: String)
    /// It was sent, and its fate is not known.
    case uncertain(TaskName, reason: String)
    /// The provider has not known it for ten minutes.
    case lost(TaskName)
    /// It is past its poll window: its slot is free, and it is asked for once a minute.
    case unresolved(TaskName)
    /// Submission pauses; `until` where a time is known.
    case paused(PauseReason, detail: String, until: Instant?)
    /// Submission goes on.
    case resumed
    /// Something that a person should know, and that stops nothing.
    case warning(String)
}

/// Why nothing, or less, is submitted.
public enum PauseReason: Hashable, Sendable {
    /// The provider does not answer.
    case outage
    /// A spend bucket of the provider's is empty.
    case rateLimit
    /// The provider takes no more than this many at a time.
    case concurrencyLimit(Int)
    /// The wallet is empty, or the key's cap is reached.
    case noFunds
    /// The key does not reach it.
    case modelForbidden(ModelID)
    /// The service has nobody for it now, or does not offer it.
    case modelUnavailable(ModelID)
    /// As many tasks are uncertain as ``SchedulerSettings/uncertainLimit`` allows.
    case uncertainTasks
    /// As many clips wait for their download as ``SchedulerSettings/unsavedLimit`` allows.
    case unsavedClips
    /// A budget of this batch has no room.
    case budget(BatchID)
    /// So many clips go first.
    case canary(Int)
    /// So many in a row.
    case policyRejections(Int)
    /// The user's word.
    case user(PauseScope)
}

/// How a run ended, as far as the scheduler knows; the store's counts make the exit code complete.
public struct RunResult: Hashable, Sendable {
    /// The user asked for the end.
    public var isInterrupted = false
    /// 401: the key is missing, mistyped or revoked.
    public var keyRefused = false
    /// 402, 403, or a model out of the key's reach.
    public var accountRefused = false
    /// The API does not answer at the base URL.
    public var isRouteMissing = false
    /// A budget kept at least one task from being submitted.
    public var budgetReached = false
    /// Work is left that this run will not do: an outage longer than the maximum wait, unresolved or waiting tasks.
    public var isWorkOutstanding = false
    /// Uncertain, lost, or sent under another key.
    public var uncertain = 0
    /// Completed, wanted on disk, not saved.
    public var unsaved = 0
    /// For people: why it stopped early, if it did.
    public var reasons: [String] = []
    /// Everything is done, and nothing stood in the way.
    public init() {}
}
