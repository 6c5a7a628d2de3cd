/// An effect that the scheduler requests. The runner performs effects in order and reports back with
/// ``SchedulerEvent``.
package enum Effect: Sendable {
    /// Make these durable together, then perform the actions. Commits become durable in the order of the effects.
    case commit([Mutation], then: [Action])
    /// Make these durable together, or none of them if the named provider task belongs to another attempt. Report
    /// ``SchedulerEvent/claimed(_:by:)``. Ordered with the commits.
    case claim(AttemptID, [Mutation])
    /// Perform this immediately, without a commit.
    case act(Action)
    /// Report ``SchedulerEvent/timerFired(_:)`` at or after this time.
    case wake(TimerID, at: Instant)
    /// Read the next page of a queue. It must reflect every commit requested before it.
    case load(TaskQueueID, after: WaitingTask.Cursor?, limit: Int)
    /// Read the next page of attempts that the last run left open, by batch, task and number.
    case loadOpen(after: OpenAttempt.Cursor, limit: Int)
    /// Read the attempt of a command, which must reflect every commit requested before it, and report
    /// ``SchedulerEvent/commanded(_:)`` again.
    case readAttempt(UserCommand)
    /// Report this to observers.
    case emit(RunEvent)
    /// The run is finished. Sent last and once.
    case finish(RunResult)
}

/// A request to the outside world.
package enum Action: Hashable, Sendable {
    /// Send a submission once.
    case submit(Submission)
    /// Query a task.
    case ask(AttemptID, QueryPurpose, TaskQuery)
    /// Ask the provider to cancel a task.
    case cancel(AttemptID, RemoteTaskID, account: KeyFingerprint)
    /// Download a finished clip.
    case download(AttemptID, SubmissionKey, AssetLocation, output: OutputName)
    /// Stop a download at its next byte; received bytes are kept.
    case stopDownload(AttemptID)
}

/// The name of a clip's file, from which the runner builds a path.
package struct OutputName: Hashable, Sendable {
    /// Determines the folder.
    package let batch: BatchID
    /// Determines the name if none was requested.
    package let key: TaskKey
    /// The attempt number. Later attempts have separate files, so that a paid take is never overwritten.
    package let attempt: Int
    /// The file name requested in the manifest; nil: none.
    package let requested: String?
    package init(batch: BatchID, key: TaskKey, attempt: Int, requested: String?) {
        self.batch = batch
        self.key = key
        self.attempt = attempt
        self.requested = requested
    }
}

/// An event for observers. Never contains an API key or a complete URL.
public enum RunEvent: Hashable, Sendable {
    /// Its intent is durable, and it is being submitted.
    case submitted(TaskName, ModelID)
    /// The provider accepted it under this ID, with its cost estimate.
    case accepted(TaskName, RemoteTaskID, estimate: Credits?)
    /// It is rendering.
    case running(TaskName)
    /// It is rendered; `charged` is nil while its cost is unknown.
    case completed(TaskName, charged: Credits?)
    /// It failed, with the provider's code and message; `charged` is nil if its cost is unknown.
    case failed(TaskName, code: String?, message: String?, charged: Credits?)
    /// It was cancelled; `charged` is nil if its cost is unknown.
    case cancelled(TaskName, charged: Credits?)
    /// A guard cancelled it, and it waits again under the next attempt number; `charged` is nil if its cost is unknown.
    case waitsAgain(TaskName, CancelReason, charged: Credits?)
    /// A user cancelled it before it was sent.
    case withdrawn(TaskName)
    /// It waits again because of a retry rule or a user's command.
    case retried(TaskName)
    /// Its clip is saved at this absolute path.
    case saved(TaskName, path: String)
    /// Its clip is paid but not saved.
    case downloadFailed(TaskName, reason: String)
    /// It was sent, and its outcome is unknown.
    case uncertain(TaskName, reason: String)
    /// The provider has not known it for ten minutes.
    case lost(TaskName)
    /// It is past its poll window: its slot is released, and it is polled once a minute.
    case unresolved(TaskName)
    /// Submission is paused, `until` a time if that is known.
    case paused(PauseReason, detail: String, until: Instant?)
    /// Submission continues.
    case resumed
    /// A warning that stops nothing.
    case warning(String)
}

/// Why submission is paused or reduced.
public enum PauseReason: Hashable, Sendable {
    /// The provider does not answer.
    case outage
    /// One of the provider's spend buckets is empty.
    case rateLimit
    /// The provider accepts no more than this many tasks in flight.
    case concurrencyLimit(Int)
    /// The account is out of credits, or the key's cap is reached.
    case noFunds
    /// The API key has no access to the model.
    case modelForbidden(ModelID)
    /// The service cannot serve the model now, or does not offer it.
    case modelUnavailable(ModelID)
    /// The number of uncertain tasks has reached ``SchedulerSettings/uncertainLimit``.
    case uncertainTasks
    /// The number of clips waiting for download has reached ``SchedulerSettings/unsavedLimit``.
    case unsavedClips
    /// A budget of this batch is reached.
    case budget(BatchID)
    /// This many canary clips go first.
    case canary(Int)
    /// The content policy rejected this many clips in a row.
    case policyRejections(Int)
    /// A user paused it.
    case user(PauseScope)
}

/// The result of a run, as far as the scheduler knows. The store's counts complete the exit code.
public struct RunResult: Hashable, Sendable {
    /// Whether the user stopped it.
    public var isInterrupted = false
    /// 401: the key is missing, mistyped or revoked.
    public var keyRefused = false
    /// 402, 403, or a model out of the key's reach.
    public var accountRefused = false
    /// The API does not answer at the base URL.
    public var isRouteMissing = false
    /// Whether a budget prevented at least one submission.
    public var budgetReached = false
    /// Whether work remains that this run will not do: after too long an outage, or unresolved or waiting tasks.
    public var isWorkOutstanding = false
    /// Number of tasks that are uncertain, lost, or sent with another key.
    public var uncertain = 0
    /// Number of completed clips that should be saved but are not.
    public var unsaved = 0
    /// Why it stopped early, for display.
    public var reasons: [String] = []
    /// Creates the result of a complete run.
    public init() {}
}
