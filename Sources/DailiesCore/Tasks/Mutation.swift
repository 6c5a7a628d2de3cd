/// One durable step in a task's life, committed by the store in order, with a row in the event log.
///
/// A change of state is a conditional update that names the old state. If no row matches, the store refuses the whole
/// transaction, since two parties then believed they owned the task.
package struct Mutation: Hashable, Sendable {
    /// When it happened; the store keeps milliseconds.
    package let at: Instant
    /// The step.
    package let step: Kind
    package init(at: Instant, _ step: Kind) {
        self.at = at
        self.step = step
    }

    /// A kind of step.
    package enum Kind: Hashable, Sendable {
        /// Before a submit: opens the attempt with the exact bytes and the reservation. From waiting.
        case intent(Intent)
        /// The same bytes are resent for an attempt with an unknown outcome. Logs an event; the state stays.
        case repeated(AttemptID)
        /// It never reached the provider, or was refused temporarily (throttled, account): back to waiting, without the
        /// key and the reservation. From submitting or uncertain.
        case notAccepted(AttemptID, ProviderError)
        /// Sent, outcome unknown: sets `outcome_unknown_at_ms`. From submitting; for an uncertain one only an event.
        case uncertain(AttemptID, ProviderError)
        /// The provider has it. From submitting or uncertain.
        case accepted(AttemptID, Acceptance)
        /// It is rendering. From accepted (queued with a task ID).
        case running(AttemptID)
        /// The final state, from the provider, or from the user if the provider never had it. From any open state. A
        /// known cost replaces the reservation; an unknown one keeps it as the upper bound.
        case settled(AttemptID, Settlement)
        /// A cost that was stated after ``settled(_:_:)``, when it was unknown.
        case costLearned(AttemptID, [Amount])
        /// No query returned a cost: it is unknown (null), and the reservation remains. A later stated cost is still
        /// booked (``costLearned(_:_:)``).
        case costUnknown(AttemptID)
        /// A URL of the finished clip; it replaces an older one.
        case assetFound(AttemptID, AssetLocation)
        /// Completed, but without a URL after several queries: `failure_code` = `no_asset`, still completed and
        /// unsaved.
        case noAsset(AttemptID)
        /// The clip's length is unknown: `failure_code` = `unverified`, still completed and unsaved. The data is kept
        /// at this path, and the URL too.
        case unverified(AttemptID, path: String)
        /// The clip is complete and synced to disk. Removes the URL.
        case saved(AttemptID, SavedClip)
        /// The saved clip is gone from the disk, but its provider still has it: paid and not saved again. From saved.
        case clipGone(AttemptID)
        /// 404 for a known ID for ten minutes: sets `lost_at_ms`; the state stays.
        case lost(AttemptID, ProviderError)
        /// A lost task was found again.
        case found(AttemptID)
        /// Past the poll window. Logs an event once per run, to explain why the slot was released.
        case unresolved(AttemptID)
        /// Unsent and no longer wanted: `cancelled`, with `removed` (no longer in the manifest) or `cancelled`.
        case withdrawn(TaskID, WithdrawalReason)
        /// A settled failure or cancellation is to run again: back to waiting, under the next attempt number.
        case retried(TaskID)
        /// A user's cancel of an unsent task: like ``withdrawn(_:_:)`` if it waits under this number, otherwise
        /// nothing. Ends the command in the same commit.
        case withdrawnByCommand(CommandID, AttemptID)
        /// A user's retry: like ``retried(_:)`` if this attempt is settled, otherwise nothing. Ends the command.
        case retriedByCommand(CommandID, AttemptID, again: Bool, newSeed: Int64? = nil)
        /// Sets the seed of a task's later attempts in place of its request's. From waiting.
        case reseeded(TaskID, Int64, isByRule: Bool = false)
        /// A guard wants it cancelled at the provider while that is free, even after a crash. From accepted (queued
        /// with a task ID).
        case cancelWanted(AttemptID, CancelReason)
        /// Raises its reservation. From accepted or running.
        case reservationRaised(AttemptID, Credits)
        /// It was cancelled for a guard (``cancelWanted(_:_:)``): its task waits under the next attempt number. From
        /// cancelled, in the same commit.
        case waitsAgain(AttemptID)
        /// The outcome of a command.
        case commandEnded(CommandID, CommandOutcome, message: String?)
        /// Key support of a base URL, account and dialect.
        case keyTrust(KeySupportRecord)
        /// A fact for the log only, such as a bill above the reservation.
        case note(AttemptID, kind: String, text: String)
    }
}

/// What a mutation did that only the store knows.
package enum MutationOutcome: Hashable, Sendable {
    /// A user's cancel ended a task that had not been sent.
    case withdrawn(TaskName)
    /// A user's retry queued a task again.
    case requeued(TaskName)
}

/// Everything needed to repeat a submit, stored before it is sent.
package struct Intent: Hashable, Sendable {
    /// The exact bytes to send.
    package let submission: Submission
    /// Credits reserved in the budget; nil if the maximum price is unknown (possible only without a budget).
    package let reserved: Credits?
    package init(submission: Submission, reserved: Credits?) {
        self.submission = submission
        self.reserved = reserved
    }
}

/// The provider's report when it accepted a task, or when the task was found by key.
package struct Acceptance: Hashable, Sendable {
    /// How the acceptance became known.
    package enum Source: String, Hashable, Sendable {
        /// The reply to this store's submit.
        case reply
        /// Found by a query by key.
        case query
        /// A first submit returned an existing render: from another store or from a lost one.
        case replayed
        /// Adopted by the user with `reconcile --adopt`.
        case adopted
    }
    /// The provider's task ID.
    package let remoteID: RemoteTaskID
    /// Whether it is rendering; false: queued at the provider.
    package let isRunning: Bool
    /// The provider's cost estimate; nil: none.
    package let estimate: Amount?
    /// The new reservation.
    package let reserved: Credits?
    /// How the acceptance became known.
    package let source: Source
    package init(remoteID: RemoteTaskID, isRunning: Bool, estimate: Amount?, reserved: Credits?, source: Source) {
        self.remoteID = remoteID
        self.isRunning = isRunning
        self.estimate = estimate
        self.reserved = reserved
        self.source = source
    }
}

/// The attempt that owns a provider task: one service, account and task ID have one owner.
public struct TaskOwner: Hashable, Sendable, CustomStringConvertible {
    /// The batch's name.
    public let batch: String
    /// The task's key.
    public let key: TaskKey
    /// The attempt.
    public let attempt: AttemptID
    /// Creates a value from its properties.
    public init(batch: String, key: TaskKey, attempt: AttemptID) {
        self.batch = batch
        self.key = key
        self.attempt = attempt
    }

    /// The error code if the task belongs to another attempt.
    public static let faultCode = "task_id_taken"

    /// For messages; may contain any characters.
    public var description: String { "\(key), attempt \(attempt.number), in batch \(batch)" }
}

/// The end of an attempt.
package struct Settlement: Hashable, Sendable {
    /// The final state of an attempt.
    package enum End: String, Hashable, Sendable {
        /// Rendered, and usually charged.
        case completed
        /// Not rendered, or given up.
        case failed
        /// Cancelled before it was rendered.
        case cancelled
    }
    /// The final state.
    package let end: End
    /// The stated amounts, the booked one first; empty: unknown. ``Amount/notBilled`` by the provider's rule.
    package let charges: [Amount]
    /// Whether the cost is unknown but may still be learned by querying; the reservation is kept until then.
    package let isCostAwaited: Bool
    /// Whether a submit or query returned an existing render; it is booked with the source `replayed`.
    package let isReplayed: Bool
    /// The provider's completion time.
    package let completedAt: Instant?
    /// Where to download the clip; nil: unknown, or there is none.
    package let asset: AssetLocation?
    /// Seconds of output, as the provider states them.
    package let deliveredSeconds: Double?
    /// The provider's code, or `assumed_lost`.
    package let failureCode: String?
    /// For display; may contain any characters.
    package let failureMessage: String?

    /// Creates a settlement; omitted properties are absent.
    package init(
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
package struct SavedClip: Hashable, Sendable {
    /// The absolute path.
    package let path: String
    /// The digest: 64 lowercase hexadecimal digits.
    package let sha256: String
    /// The length of the file.
    package let bytes: Int64
    /// What is unusual about it, as a sentence; nil: nothing.
    package let remark: String?
    package init(path: String, sha256: String, bytes: Int64, remark: String? = nil) {
        self.path = path
        self.sha256 = sha256
        self.bytes = bytes
        self.remark = remark
    }
}

/// Why a task ended before it was sent.
package enum WithdrawalReason: String, Hashable, Sendable {
    /// It is no longer in its manifest.
    case removed
    /// The user cancelled it before it was sent.
    case cancelled
}

/// The proven key support of a base URL, account and dialect.
package struct KeySupportRecord: Hashable, Sendable {
    /// The provider's base URL.
    package let baseURL: String
    /// The fingerprint of the API key.
    package let account: KeyFingerprint
    /// The dialect it was proven for.
    package let dialect: Dialect
    /// The key support.
    package let trust: KeySupport
    /// The evidence, for display: `echo`, `query_found`, `query_not_found`.
    package let evidence: String
    package init(baseURL: String, account: KeyFingerprint, dialect: Dialect, trust: KeySupport, evidence: String) {
        self.baseURL = baseURL
        self.account = account
        self.dialect = dialect
        self.trust = trust
        self.evidence = evidence
    }
}

/// Whether a provider honors submission keys.
package enum KeySupport: String, Hashable, Sendable {
    /// Unknown: one submit in flight at a time. Changes at the first accepted submit.
    case unknown
    /// A reply echoed the key, or a query by key found a task: an unknown outcome can be settled by resubmitting.
    case honored = "honoured"
    /// A query by key did not find an accepted task: nothing is ever sent twice. Goes to `honored` if a key is found.
    case ignored
}
