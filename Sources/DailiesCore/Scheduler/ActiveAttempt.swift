/// An unfinished attempt, as the scheduler tracks it.
///
/// A run may hold a million of them, so each field counts: shared properties are stored once (``AttemptTraits``), and
/// rare ones are boxed.
struct ActiveAttempt: Sendable {
    let id: AttemptID
    let kind: AttemptTraits
    let key: TaskKey
    /// When it was last sent; polls are counted from here, across restarts.
    var sentAt: Instant
    private var coldFields: Box<ColdFields>?

    var state: AttemptState
    let submissionKey: SubmissionKey
    var reserved: Credits?
    /// Negative: none. An optional would take twice the space.
    private var estimateNano: Int64 = -1

    /// Whether it counts against the limit of tasks in flight.
    var holdsSlot: Bool
    /// Set if this run does nothing more for it; it is counted in the result.
    var parking: ParkReason?
    /// Whether a query is in flight.
    var isQueryInFlight = false
    /// Whether a cancel is in flight.
    var isCancelInFlight = false
    /// Invalidates earlier wake-ups; those of its download have a separate serial.
    var serial: UInt32 = 0
    var downloadSerial: UInt32 = 0
    private var countedFaults: UInt32 = 0
    var wasQueried = false
    /// Whether the store marks it lost; an answer clears that.
    var isMarkedLost = false
    /// Whether the render existed before it was submitted here.
    var isReplayed = false
    /// Why a guard wants it cancelled while that is free. Durable.
    var cancelReason: CancelReason?
    /// Whether a reply reported it cancelled without a cost; the next answer to a query decides.
    var isCancelledWithoutCost = false
    /// Whether a rejected reply about it was reported.
    var isMismatchReported = false
    /// Whether it is past the poll window: its slot is released, and it does not keep a run alive once it was queried.
    var isUnresolved = false

    init(
        id: AttemptID, kind: AttemptTraits, key: TaskKey, submissionKey: SubmissionKey, sentAt: Instant,
        output: String?, state: AttemptState, reserved: Credits?, holdsSlot: Bool
    ) {
        self.id = id
        self.kind = kind
        self.key = key
        self.submissionKey = submissionKey
        self.sentAt = sentAt
        coldFields = output.map { Box(ColdFields(output: $0)) }
        self.state = state
        self.reserved = reserved
        self.holdsSlot = holdsSlot
    }

    /// Fields that a rendering task usually does not need.
    private struct ColdFields: Sendable {
        var output: String?
        var pending: PendingSubmission?
        var completion: Completion?
        var notFoundSince: Instant?
        var command: PendingCommand?
        var queriedAt: Instant?
        var lastAliveAt: Instant?

        var isEmpty: Bool {
            output == nil && pending == nil && completion == nil && notFoundSince == nil && command == nil
                && queriedAt == nil && lastAliveAt == nil
        }
    }

    private mutating func change(_ change: (inout ColdFields) -> Void) {
        var changed = coldFields?.value ?? ColdFields()
        change(&changed)
        coldFields = changed.isEmpty ? nil : Box(changed)
    }

    /// The provider's estimate; nil: none, or not accepted yet.
    var estimate: Credits? {
        get { estimateNano < 0 ? nil : Credits(nano: estimateNano) }
        set { estimateNano = newValue?.nano ?? -1 }
    }

    var batch: BatchID { kind.batch }
    var name: TaskName { TaskName(batch: batch, key: key) }
    var shape: RequestShape { kind.shape }
    var account: KeyFingerprint { kind.account }
    /// The requested file name.
    var output: String? { coldFields?.value.output }

    /// Set while its outcome is unknown: what a resubmission sends and what returns to its queue.
    var pending: PendingSubmission? {
        get { coldFields?.value.pending }
        set { change { $0.pending = newValue } }
    }

    /// Set once completed: what is still missing.
    var completion: Completion? {
        get { coldFields?.value.completion }
        set { change { $0.completion = newValue } }
    }

    /// When queries by its ID began to return 404.
    var notFoundSince: Instant? {
        get { coldFields?.value.notFoundSince }
        set { if newValue != notFoundSince { change { $0.notFoundSince = newValue } } }
    }

    /// A user's command that has no outcome yet.
    var command: PendingCommand? {
        get { coldFields?.value.command }
        set { change { $0.command = newValue } }
    }

    /// Whether a user wants it cancelled.
    var isCancelRequested: Bool { command?.isCancel == true }

    /// Whether a 404 that just arrived shows that the provider has not known it for this long. The 404 counts as of the
    /// time of its query, so that one delayed by a suspend is not taken for recent.
    func isStillNotFound(since: Instant, for duration: Duration) -> Bool {
        guard let queriedAt else { return false }
        return queriedAt - since >= duration
    }

    /// When this run last queried it; set only if polls are learned or a 404 may matter.
    var queriedAt: Instant? {
        get { coldFields?.value.queriedAt }
        set { change { $0.queriedAt = newValue } }
    }

    /// When a reply in this run last showed it unfinished; set only if polls are learned.
    var lastAliveAt: Instant? {
        get { coldFields?.value.lastAliveAt }
        set { change { $0.lastAliveAt = newValue } }
    }

    /// Consecutive queries without a usable answer.
    var faults: Int {
        get { Int(countedFaults) }
        set { countedFaults = UInt32(clamping: newValue) }
    }

    /// Whether it has no request in flight and the next query may be left to the next run.
    var isIdleUnresolved: Bool {
        isUnresolved && wasQueried && notFoundSince == nil && !isCancelledWithoutCost && !isQueryInFlight
            && !isCancelInFlight
            && parking == nil
    }

    /// Whether only another API key can find out whether the provider has it.
    var isUncertainForOtherKey: Bool { parking == .otherAccount && (pending != nil || isMarkedLost) }

    struct PendingCommand: Sendable {
        let id: CommandID
        let action: UserCommand.Action
        /// Cancels without an answer.
        var faults = 0
        /// Whether the attempt was parked, so that only this command works on it.
        var wasParked = false

        var isCancel: Bool { if case .cancel = action { true } else { false } }
        var cancelsEvenIfCharged: Bool { action.cancelsEvenIfCharged }
        /// The provider task to adopt.
        var adopted: RemoteTaskID? { if case .adopt(let remote) = action { remote } else { nil } }
    }

    enum ParkReason: Hashable, Sendable {
        case uncertain
        /// Sent with another API key, which alone can query it. It waits for a run with that key and does not block
        /// others.
        case otherAccount
        case lost
        case unsaved
    }

    struct PendingSubmission: Sendable {
        let submission: Submission
        /// Set if it was begun in this run: it can return to its queue.
        var task: WaitingTask?
        /// Whether its last send lies in the future, so that its age is unknown.
        var isAgeUnknown = false
        /// How often it may have reached the provider. Only a first send can be proven not to have.
        var sends: Int
        /// Whether a submit of it is in flight.
        var isSubmitInFlight = false
        /// Sends of this run that may have been accepted without a reply.
        var unansweredSends = 0
        /// The permanent refusal of a resubmission. It is the outcome if the key is not found either.
        var refusal: ProviderError?
        /// When it was refused.
        var refusedAt: Instant?
        /// Whether the key belongs to something else at the provider (409), or the reply named another attempt's task.
        /// This run does not resubmit it.
        var isConflict = false
        /// Whether the next resubmission needs no query first (`--trust-5xx`).
        var mayResubmit = false
        /// Whether the key has no access to the model, or another key sent it: this run does not resubmit it.
        var modelForbidden = false
        /// Whether it appears not to be at the provider, and its resubmission waits for a slot.
        var awaitsResubmit = false
        /// When this run began to resolve its outcome.
        var unsettledSince: Instant?
    }

    /// A settled attempt whose clip or cost is still missing.
    struct Completion: Sendable {
        let remote: RemoteTaskID
        var asset: AssetLocation?
        var expiresAt: Instant
        var cost: OpenAttempt.Cost
        var queriesLeft: Int
        var isSaved: Bool
        /// Whether this run needs nothing more of its clip: saved, left at the provider, or without a URL.
        var isClipSettled: Bool
        /// Whether its download is queued, running, or waiting for a retry.
        var isDownloading = false
        /// Consecutive refusals, each of a new URL.
        var refusals = 0
        /// When the refusals began.
        var refusedSince: Instant?
        /// Consecutive interruptions without progress beyond ``furthest``.
        var interruptions = 0
        /// Maximum bytes on disk at an interruption.
        var furthest: Int64 = 0
        var malformed = 0
        /// Downloads that ended without a stated length.
        var unverified = 0
        /// Whether it was given up for this run as unverified.
        var isUnverified = false
        /// How often it was slow and yielded to another download.
        var timesStopped = 0
        /// The disk's refusals when the current download began.
        var refusalsAtStart = 0
        /// Bytes of the current download at its last measurement.
        var measuredBytes: Int64 = 0
        /// Measurements of the current download.
        var measurements = 0
        /// Consecutive measurements with almost no progress, over all its downloads.
        var crawls = 0
        /// Whether a new URL is being requested.
        var needsAsset = false
    }

    /// The provider's task ID; nil: not known yet.
    var remoteID: RemoteTaskID? { completion?.remote ?? state.remoteID }

    /// All budgets that it counts against.
    var budgets: [Budgets.Scope] { kind.budgets }

    var outputName: OutputName {
        OutputName(batch: batch, key: key, attempt: id.number, requested: output)
    }
}

/// The properties shared by attempts of one batch, shape, account and set of budgets. ``AttemptTraitsCache`` keeps each
/// once.
final class AttemptTraits: Sendable {
    struct Content: Hashable, Sendable {
        let batch: BatchID
        let shape: RequestShape
        let account: KeyFingerprint
        /// The budgets of its tags.
        let tagBudgets: [TagBudgetID]
    }

    let batch: BatchID
    let shape: RequestShape
    let account: KeyFingerprint
    let budgets: [Budgets.Scope]

    init(_ content: Content) {
        batch = content.batch
        shape = content.shape
        account = content.account
        budgets = [.batch(content.batch)] + content.tagBudgets.map(Budgets.Scope.tag)
    }
}

/// All traits seen in a run. Bounded by the batches, shapes and tags of its manifests.
struct AttemptTraitsCache: Sendable {
    private var known: [AttemptTraits.Content: AttemptTraits] = [:]

    mutating func kind(
        batch: BatchID, shape: RequestShape, account: KeyFingerprint, tagBudgets: [TagBudgetID]
    ) -> AttemptTraits {
        let content = AttemptTraits.Content(batch: batch, shape: shape, account: account, tagBudgets: tagBudgets)
        if let kind = known[content] { return kind }
        let kind = AttemptTraits(content)
        known[content] = kind
        return kind
    }
}
