/// One attempt that is not finished, as the scheduler holds it.
///
/// What is stored here is paid for by every task in flight, a million times over: what many have in common is kept once
/// (``AttemptTraits``), and what few have is boxed.
struct ActiveAttempt: Sendable {
    let attempt: AttemptID
    let kind: AttemptTraits
    let key: TaskKey
    /// When it was last sent: polls are counted from here, across restarts.
    var sentAt: Instant
    private var rare: Box<ColdFields>?

    var state: AttemptState
    /// Known once the shell has prepared the submission.
    var submissionKey: SubmissionKey?
    var reserved: Credits?
    /// Below zero: none. An optional would take twice the room.
    private var estimateNano: Int64 = -1

    /// It counts against the limit of tasks in flight.
    var holdsSlot: Bool
    /// Nothing more will be done for it in this run; it is counted in the ending.
    var parking: ParkReason?
    /// A question of its is in the air.
    var isAsking = false
    /// A cancel of its is in the air.
    var isCancelling = false
    /// Makes wake-ups that were asked for earlier void; those of its download count apart.
    var serial: UInt32 = 0
    var downloadSerial: UInt32 = 0
    private var countedFaults: UInt32 = 0
    var wasAsked = false
    /// The store calls it lost: an answer takes that back.
    var isMarkedLost = false
    /// A render that existed before it was submitted here.
    var isReplayed = false
    /// A guard wants it cancelled for as long as that is free. Durable.
    var cancelReason: CancelReason?
    /// A reply said that it is cancelled and stated no cost: the next answer to a question decides.
    var isCancelledWithoutCost = false
    /// A reply about it was not believed, and that was told.
    var isMismatchTold = false
    /// Past the poll window: its slot is given back, and it keeps no run alive once it was asked.
    var isUnresolved = false

    init(
        attempt: AttemptID, kind: AttemptTraits, key: TaskKey, submissionKey: SubmissionKey?, sentAt: Instant,
        output: String?, state: AttemptState, reserved: Credits?, holdsSlot: Bool
    ) {
        self.attempt = attempt
        self.kind = kind
        self.key = key
        self.submissionKey = submissionKey
        self.sentAt = sentAt
        rare = output.map { Box(ColdFields(output: $0)) }
        self.state = state
        self.reserved = reserved
        self.holdsSlot = holdsSlot
    }

    /// What a task that merely renders has none of.
    private struct ColdFields: Sendable {
        var output: String?
        var pending: PendingSubmission?
        var completion: Completion?
        var notFoundSince: Instant?
        var cancellation: Cancellation?
        var askedAt: Instant?
        var lastAliveAt: Instant?

        var isEmpty: Bool {
            output == nil && pending == nil && completion == nil && notFoundSince == nil && cancellation == nil
                && askedAt == nil && lastAliveAt == nil
        }
    }

    private mutating func change(_ change: (inout ColdFields) -> Void) {
        var changed = rare?.value ?? ColdFields()
        change(&changed)
        rare = changed.isEmpty ? nil : Box(changed)
    }

    /// What the provider expected it to cost when it took the task; nil: it did not say, or has not taken it.
    var estimate: Credits? {
        get { estimateNano < 0 ? nil : Credits(nano: estimateNano) }
        set { estimateNano = newValue?.nano ?? -1 }
    }

    var batch: BatchID { kind.batch }
    var name: TaskName { TaskName(batch: batch, key: key) }
    var shape: RequestShape { kind.shape }
    var account: KeyFingerprint { kind.account }
    /// File name asked for in the manifest.
    var output: String? { rare?.value.output }

    /// While its fate is open: what a repeat sends, and what goes back to its lane.
    var pending: PendingSubmission? {
        get { rare?.value.pending }
        set { change { $0.pending = newValue } }
    }

    /// Once completed: what is still missing.
    var completion: Completion? {
        get { rare?.value.completion }
        set { change { $0.completion = newValue } }
    }

    /// Since when a query by its id finds nothing.
    var notFoundSince: Instant? {
        get { rare?.value.notFoundSince }
        set { if newValue != notFoundSince { change { $0.notFoundSince = newValue } } }
    }

    /// A user wants it cancelled.
    var cancellation: Cancellation? {
        get { rare?.value.cancellation }
        set { change { $0.cancellation = newValue } }
    }

    /// Whether a 404 that has just arrived shows that the provider does not remember it for so long. It speaks of the moment
    /// of its question: what lay on the line during a suspend is old news.
    func isStillNotFound(since: Instant, for duration: Duration) -> Bool {
        guard let askedAt else { return false }
        return askedAt - since >= duration
    }

    /// When it was last asked for in this run; kept where polls are learned, and where a 404 may mean something.
    var askedAt: Instant? {
        get { rare?.value.askedAt }
        set { change { $0.askedAt = newValue } }
    }

    /// When a reply in this run last said that it was not finished; kept where polls are learned, and nowhere else.
    var lastAliveAt: Instant? {
        get { rare?.value.lastAliveAt }
        set { change { $0.lastAliveAt = newValue } }
    }

    /// Answers in a row that brought nothing.
    var faults: Int {
        get { Int(countedFaults) }
        set { countedFaults = UInt32(clamping: newValue) }
    }

    /// Nothing of it is in the air, and its next question may be the next run's.
    var isIdleUnresolved: Bool {
        isUnresolved && wasAsked && notFoundSince == nil && !isCancelledWithoutCost && !isAsking && !isCancelling
            && parking == nil
    }

    /// Another API key would have to say whether the provider has it.
    var isInDoubtElsewhere: Bool { parking == .otherAccount && (pending != nil || isMarkedLost) }

    struct Cancellation: Sendable {
        let command: CommandID
        let evenIfCharged: Bool
        /// Cancels that brought no answer.
        var faults = 0
    }

    enum ParkReason: Hashable, Sendable {
        case uncertain
        /// Sent under another API key: only that key can ask for it. It waits for a run that has it, and holds nobody up.
        case otherAccount
        case lost
        case unsaved
    }

    struct PendingSubmission: Sendable {
        /// Known once the shell has prepared it.
        var submission: Submission?
        /// Known where it was begun in this run: it can go back to its lane as it is.
        var task: WaitingTask?
        /// The time of its last send lies in the future: nobody knows how old it is.
        var isAgeUnknown = false
        /// How often it may have reached the provider: only a first send can be proven not to have.
        var sends: Int
        /// How many sends of this run may have been accepted without a word of it.
        var doubts = 0
        /// A repeat was refused for good: if the key is not found either, that is the answer.
        var refusal: ProviderError?
        /// When that was.
        var refusedAt: Instant?
        /// The key stands for something else at the provider (409), or the reply named another attempt's task: this
        /// run does not repeat it.
        var isConflict = false
        /// The next repeat needs no question first (`--trust-5xx`).
        var mayResubmit = false
        /// The key cannot reach the model any more, or another one sent it: no repeat in this run.
        var modelForbidden = false
        /// It is not at the provider, as far as that can be known, and its repeat waits for a slot.
        var awaitsResubmit = false
        /// Since when this run has tried to settle its fate.
        var unsettledSince: Instant?
    }

    /// The end is booked; a clip or a cost is still to come.
    struct Completion: Sendable {
        let remote: RemoteTaskID
        var asset: AssetLocation?
        var expiresAt: Instant
        var cost: OpenAttempt.Cost
        var questionsLeft: Int
        var isSaved: Bool
        /// Nothing (more) is wanted of its clip in this run: saved, left at the provider, or without a URL.
        var isClipSettled: Bool
        /// In the lane, under way, or waiting for another try after an interruption.
        var isDownloading = false
        /// Refusals in a row, each after a fresh URL.
        var refusals = 0
        /// Since when it is refused.
        var refusedSince: Instant?
        /// Interruptions in a row that came no further than ``furthest``.
        var interruptions = 0
        /// The most bytes of the clip that were on disk at an interruption.
        var furthest: Int64 = 0
        var malformed = 0
        /// Downloads that ended without a length.
        var unverified = 0
        /// Given up for this run as unverified.
        var isUnverified = false
        /// How often it was slow and gave its place to another.
        var timesStopped = 0
        /// Bytes that the download under way had brought when it was measured last.
        var measuredBytes: Int64 = 0
        /// How often it was measured.
        var measurements = 0
        /// Measurements in a row that found next to nothing, over all its downloads.
        var crawls = 0
        /// A fresh URL is being asked for.
        var needsAsset = false
    }

    /// The provider's name of the task, once it has one.
    var remoteID: RemoteTaskID? { completion?.remote ?? state.remoteID }

    /// All budgets that it counts against.
    var budgets: [Budgets.Scope] { kind.budgets }

    var outputName: OutputName {
        OutputName(batch: batch, key: key, attempt: attempt.number, requested: output)
    }
}

/// What the flights of one batch, shape, account and set of budgets have in common; kept once by ``AttemptTraitsCache``.
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

/// Every kind of flight that a run has seen. Bounded by the batches, shapes and tags of its manifests.
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
