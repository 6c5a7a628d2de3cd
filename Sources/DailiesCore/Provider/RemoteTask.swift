/// The state of a task as one reply reports it: the normalized superset of both dialects. Only the phase is always set.
public struct RemoteTask: Hashable, Sendable {
    /// The provider's state of the task.
    public enum Phase: Hashable, Sendable {
        /// Queued at the provider.
        case queued
        /// Rendering.
        case running
        /// Rendered.
        case completed
        /// Failed.
        case failed
        /// Cancelled.
        case cancelled
        /// An undocumented state: keep polling, slowly.
        case unknown(String)

        /// The state for messages.
        var word: String {
            switch self {
            case .queued: "queued"
            case .running: "running"
            case .completed: "completed"
            case .failed: "failed"
            case .cancelled: "cancelled"
            case .unknown(let word): "\"\(word)\""
            }
        }
    }
    /// The provider's state of the task.
    public var phase: Phase
    /// The provider's task ID.
    public var remoteID: RemoteTaskID?
    /// The echoed `out_task_id`; its presence proves that the provider understood the key.
    public var submissionKey: SubmissionKey?
    /// The provider's cost estimate.
    public var estimate: Amount?
    /// The stated costs: `credits_used` before `credits`; both if both are present and differ.
    public var charges: [Amount]
    /// The remaining time that the provider estimates.
    public var remaining: Duration?
    /// How long to wait before the next query (`Retry-After`).
    public var retryAfter: Duration?
    /// Where to download the finished clip.
    public var asset: AssetLocation?
    /// Seconds of output delivered, as stated.
    public var deliveredSeconds: Double?
    /// When the provider accepted it.
    public var submittedAt: Instant?
    /// When it ended, by the provider's clock.
    public var completedAt: Instant?
    /// The failure code.
    public var failureCode: String?
    /// The failure message, for display; may contain any characters.
    public var failureMessage: String?
    /// The reply's `Date`. Absolute times in a reply are compared with it, never with the local clock.
    public var repliedAt: Instant?

    /// Whether it reports a cancellation without a cost. The task is then queried once more before that is booked,
    /// since it may have rendered after the last query.
    public var isCancelledWithoutCost: Bool { phase == .cancelled && charges.isEmpty }

    /// Creates a report; omitted properties are absent.
    public init(
        phase: Phase, remoteID: RemoteTaskID? = nil, submissionKey: SubmissionKey? = nil, estimate: Amount? = nil,
        charges: [Amount] = [], remaining: Duration? = nil, retryAfter: Duration? = nil, asset: AssetLocation? = nil,
        deliveredSeconds: Double? = nil, submittedAt: Instant? = nil, completedAt: Instant? = nil,
        failureCode: String? = nil, failureMessage: String? = nil, repliedAt: Instant? = nil
    ) {
        self.phase = phase
        self.remoteID = remoteID
        self.submissionKey = submissionKey
        self.estimate = estimate
        self.charges = charges
        self.remaining = remaining
        self.retryAfter = retryAfter
        self.asset = asset
        self.deliveredSeconds = deliveredSeconds
        self.submittedAt = submittedAt
        self.completedAt = completedAt
        self.failureCode = failureCode
        self.failureMessage = failureMessage
        self.repliedAt = repliedAt
    }
}

extension RemoteTask {
    /// The other task or submission that the report names, for messages; nil if it names no other one.
    ///
    /// - Parameters:
    ///   - remote: the attempt's task ID; nil: not known yet, so any task matches.
    ///   - key: the attempt's submission key; nil: not known yet.
    package func mismatch(with remote: RemoteTaskID?, _ key: SubmissionKey?) -> String? {
        if let remoteID, let remote, remoteID != remote { return "the task \(remoteID)" }
        if let submissionKey, let key, submissionKey != key { return "the submission \(submissionKey)" }
        return nil
    }
}

/// An amount as the provider stated it and as it is booked.
public struct Amount: Hashable, Sendable {
    /// The booked amount.
    public let credits: Credits
    /// The text of the number in the reply.
    public let text: String
    /// The field that it came from (`credits_used`), or `rule:not_billed`.
    public let source: String
    /// Whether it had more than nine decimals: it is booked rounded, flagged and counted in the report.
    public let isRounded: Bool

    /// Creates a value from its properties.
    public init(credits: Credits, text: String, source: String, isRounded: Bool) {
        self.credits = credits
        self.text = text
        self.source = source
        self.isRounded = isRounded
    }

    /// Zero by the provider's published rule, for an attempt that ended without a cost field.
    public static let notBilled = Amount(credits: .zero, text: "0", source: "rule:not_billed", isRounded: false)
}
