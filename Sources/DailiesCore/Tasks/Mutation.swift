/// One durable step in a task's life: what the store commits, in order, with its row in the event log.
///
/// A change of state is a conditional update that names the old state; when no row fits, the store refuses the whole
/// transaction, since then two parties believed they owned the task.
public struct Mutation: Hashable, Sendable {
    /// When it happened; the store keeps milliseconds.
    public let at: Instant
    /// What happened.
    public let step: Kind
    /// Takes its properties as they are given.
    public init(at: Instant, _ step: Kind) {
        self.at = at
        self.step = step
    }

    /// What can happen to a task, an attempt or a command.
    public enum Kind: Hashable, Sendable {
        /// Before a submit: opens the attempt, with the exact bytes and the reservation. From waiting.
        case intent(Intent)
        /// The same bytes go out again, for an attempt whose fate is unknown: an event, no change of state.
        case repeated(AttemptID)
        /// It never reached the provider, or was refused for a moment (throttled, account): back to waiting, the key
        /// cleared, the reservation released. From in the air or uncertain.
        case notAccepted(AttemptID, ProviderError)
        /// Sent, fate unknown: `outcome_unknown_at_ms` is set. From in the air; on an uncertain one only an event.
        case uncertain(AttemptID, ProviderError)
        /// The provider has it. From in the air or uncertain.
        case accepted(AttemptID, Acceptance)
        /// It renders. From accepted (queued with a task id).
        case running(AttemptID)
        /// The provider's last word, or ours where the provider never had it. From any open state. A known cost takes the
        /// place of the reservation; an unknown one leaves it standing as the upper bound.
        case settled(AttemptID, Settlement)
        /// A cost that came after ``settled(_:_:)``, where it was unknown until then.
        case costLearned(AttemptID, [Amount])
        /// No cost field in any of the questions that were to be asked: the cost is unknown (null), and its reservation stands
        /// for it. Whoever hears it stated later books it all the same (``costLearned(_:_:)``).
        case costUnknown(AttemptID)
        /// A URL at which the finished clip can be had; a new one replaces the old.
        case assetFound(AttemptID, AssetLocation)
        /// Completed, but no URL after several questions: `failure_code` = `no_asset`, still completed and unsaved.
        case noAsset(AttemptID)
        /// Nobody says how long the clip is: `failure_code` = `unverified`, still completed and unsaved. What came is kept at
        /// this path, and its URL as well.
        case unverified(AttemptID, path: String)
        /// The clip is on disk, whole and synced. The URL is forgotten.
        case saved(AttemptID, SavedClip)
        /// The clip that was saved is not on disk any more, and its provider has it still: paid and not saved again. From
        /// saved.
        case clipGone(AttemptID)
        /// 404 on a known id for ten minutes: `lost_at_ms` is set; the state stays.
        case lost(AttemptID, ProviderError)
        /// A lost one answered again.
        case found(AttemptID)
        /// Past the poll window: an event, once a run, so that the log says why the slot was freed.
        case unresolved(AttemptID)
        /// Never sent and not wanted any more: `cancelled`, with `removed` (no longer in the manifest) or `cancelled`.
        case withdrawn(TaskID, WithdrawalReason)
        /// A settled failure or cancellation is wanted again: back to waiting, under the next attempt number.
        case retried(TaskID)
        /// A user's cancel of a task that was not sent: as ``withdrawn(_:_:)`` if it waits under this number, else nothing. The
        /// command ends by it, in the same commit.
        case withdrawnByCommand(CommandID, AttemptID)
        /// A user's retry: as ``retried(_:)`` if this attempt is settled, else nothing. The command ends by it.
        case retriedByCommand(CommandID, AttemptID, again: Bool, newSeed: Int64? = nil)
        /// The seed of a task's attempts from now on, in place of its request's own. From waiting.
        case reseeded(TaskID, Int64, isByRule: Bool = false)
        /// A guard wants it cancelled at the provider, while that is free, also after a crash. From accepted (queued with a
        /// task id).
        case cancelWanted(AttemptID, CancelReason)
        /// More is held for it against the budgets than before. From accepted or running.
        case reservationRaised(AttemptID, Credits)
        /// It was cancelled for a guard (``cancelWanted(_:_:)``): its task waits under the next attempt number. From
        /// cancelled, in the commit of that.
        case waitsAgain(AttemptID)
        /// What became of a command.
        case commandEnded(CommandID, CommandOutcome, message: String?)
        /// What is known of (base URL, account, dialect) about submission keys.
        case keyTrust(KeySupportRecord)
        /// The bill of an attempt came out above its reservation, or a like fact that only the log needs.
        case note(AttemptID, kind: String, text: String)
    }
}

/// All that makes a submit repeatable, stored before it is sent.
public struct Intent: Hashable, Sendable {
    /// What will be sent, byte for byte.
    public let submission: Submission
    /// Credits held against the budget; nil when no bound is known (possible only without a budget).
    public let reserved: Credits?
    /// Takes its properties as they are given.
    public init(submission: Submission, reserved: Credits?) {
        self.submission = submission
        self.reserved = reserved
    }
}

/// What the provider said when it took a task, or when it was found by key.
public struct Acceptance: Hashable, Sendable {
    /// How it became known that the provider has it.
    public enum Source: String, Hashable, Sendable {
        /// The reply to a submit of ours.
        case reply
        /// Found by asking by key.
        case query
        /// A first submit that was answered with a render that existed already: another store's, or a lost one's.
        case replayed
        /// `reconcile --adopt`: the user's word.
        case adopted
    }
    /// What the provider calls it.
    public let remoteID: RemoteTaskID
    /// false: queued at the provider.
    public let isRunning: Bool
    /// What the provider expects it to cost; nil: it does not say.
    public let estimate: Amount?
    /// The reservation from now on.
    public let reserved: Credits?
    /// How that became known.
    public let source: Source
    /// Takes its properties as they are given.
    public init(remoteID: RemoteTaskID, isRunning: Bool, estimate: Amount?, reserved: Credits?, source: Source) {
        self.remoteID = remoteID
        self.isRunning = isRunning
        self.estimate = estimate
        self.reserved = reserved
        self.source = source
    }
}

/// The attempt that a task of the provider belongs to: one service, one account and one task ID have one owner.
public struct TaskOwner: Hashable, Sendable, CustomStringConvertible {
    /// The name of its batch.
    public let batch: String
    /// What its task is known by.
    public let key: TaskKey
    /// Which attempt of which task.
    public let attempt: AttemptID
    /// Takes its properties as they are given.
    public init(batch: String, key: TaskKey, attempt: AttemptID) {
        self.batch = batch
        self.key = key
        self.attempt = attempt
    }

    /// Fault code: the task belongs to another attempt.
    public static let faultCode = "task_id_taken"

    /// For messages; may hold anything.
    public var description: String { "\(key), attempt \(attempt.number), in batch \(batch)" }
}

/// How an attempt ended.
public struct Settlement: Hashable, Sendable {
    /// The last state of an attempt.
    public enum End: String, Hashable, Sendable {
        /// Rendered, and usually charged.
        case completed
        /// Not rendered, or given up.
        case failed
        /// Ended by a cancel before it was rendered.
        case cancelled
    }
    /// Its last state.
    public let end: End
    /// The amounts as stated, the one that counts first; empty: unknown. ``Amount/notBilled`` where the rule says so.
    public let charges: [Amount]
    /// The cost of a clip is unknown but may still be learned by asking again: the reservation is kept until then.
    public let isCostAwaited: Bool
    /// Found by a submit or a query that met an existing render: booked with the source `replayed`.
    public let isReplayed: Bool
    /// The provider's time of completion.
    public let completedAt: Instant?
    /// Where its clip can be had; nil: not known yet, or there is none.
    public let asset: AssetLocation?
    /// Seconds of output, as the provider states them.
    public let deliveredSeconds: Double?
    /// The provider's code, or ours: `assumed_lost`.
    public let failureCode: String?
    /// For people; may hold anything.
    public let failureMessage: String?

    /// Takes its properties as they are given; by default at an end without any more to say.
    public init(
        end: End, charges: [Amount], isCostAwaited: Bool = false, isReplayed: Bool = false,
        completedAt: Instant? = nil, asset: AssetLocation? = nil, deliveredSeconds: Double? = nil,
        failureCode: String? = nil, failureMessage: String? = nil
    ) {
        self.end = end
        self.charges = charges
        self.isCostAwaited = isCostAwaited
        self.isReplayed = isReplayed
        self.completedAt = completedAt
        self.asset = asset
        self.deliveredSeconds = deliveredSeconds
        self.failureCode = failureCode
        self.failureMessage = failureMessage
    }
}

/// A clip on disk.
public struct SavedClip: Hashable, Sendable {
    /// Absolute.
    public let path: String
    /// 64 lowercase hexadecimal digits.
    public let sha256: String
    /// Length of the file.
    public let bytes: Int64
    /// What is odd about it, in a sentence; nil: nothing.
    public let remark: String?
    /// Takes its properties as they are given.
    public init(path: String, sha256: String, bytes: Int64, remark: String? = nil) {
        self.path = path
        self.sha256 = sha256
        self.bytes = bytes
        self.remark = remark
    }
}

/// Why a task ended before it was sent.
public enum WithdrawalReason: String, Hashable, Sendable {
    /// It no longer stands in its manifest.
    case removed
    /// The user cancelled it before it was sent.
    case cancelled
}

/// Whether a provider answers for our submission keys, as proven for one base URL, account and dialect.
public struct KeySupportRecord: Hashable, Sendable {
    /// Where the provider is.
    public let baseURL: String
    /// The mark of the API key.
    public let account: KeyFingerprint
    /// The shape of the submissions it was proven for.
    public let dialect: Dialect
    /// What is proven.
    public let trust: KeySupport
    /// What proved it, for people: `echo`, `query_found`, `query_not_found`.
    public let evidence: String
    /// Takes its properties as they are given.
    public init(baseURL: String, account: KeyFingerprint, dialect: Dialect, trust: KeySupport, evidence: String) {
        self.baseURL = baseURL
        self.account = account
        self.dialect = dialect
        self.trust = trust
        self.evidence = evidence
    }
}

/// What is known about a provider's handling of submission keys.
public enum KeySupport: String, Hashable, Sendable {
    /// Nothing yet: one submit in the air at a time. Goes to either of the others at the first accepted submit.
    case unknown
    /// A reply echoed our key or a query by key found a task: an unknown outcome can be settled by repeating.
    case honoured
    /// An accepted task was not found by its key: nothing may ever be sent twice. Goes to `honoured` if a key is found.
    case ignored
}
