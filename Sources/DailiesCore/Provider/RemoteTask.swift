/// What one reply says of one task: the superset of both dialects, normalised. Every field but the phase may be absent.
public struct RemoteTask: Hashable, Sendable {
    /// How far the provider has come with it.
    public enum Phase: Hashable, Sendable {
        /// It waits at the provider.
        case queued
        /// It renders.
        case running
        /// It is rendered.
        case completed
        /// It failed.
        case failed
        /// It was cancelled.
        case cancelled
        /// A word that no page lists: keep asking, slowly.
        case unknown(String)

        /// For messages.
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
    /// How far the provider has come with it.
    public var phase: Phase
    /// What the provider calls the task.
    public var remoteID: RemoteTaskID?
    /// `out_task_id` as echoed: its presence proves that the provider understood the key.
    public var submissionKey: SubmissionKey?
    /// What the provider expects it to cost.
    public var estimate: Amount?
    /// The cost as stated: `credits_used` before `credits`; both where both are there and differ.
    public var charges: [Amount]
    /// How long the provider expects it to take from now.
    public var remaining: Duration?
    /// How long the reply asks to wait before the next question (`Retry-After`).
    public var retryAfter: Duration?
    /// Where the finished clip can be had.
    public var asset: AssetLocation?
    /// Seconds of output delivered, as the reply states them.
    public var deliveredSeconds: Double?
    /// When the provider took it.
    public var submittedAt: Instant?
    /// When it ended, by the provider's clock.
    public var completedAt: Instant?
    /// Why it failed, as a word.
    public var failureCode: String?
    /// Why it failed, for people; may hold anything.
    public var failureMessage: String?
    /// The reply's own `Date`: absolute times in a reply are compared with this, never with our clock.
    public var repliedAt: Instant?

    /// Whether it says that the task is cancelled, and nothing of money: then the task is asked for once more before that
    /// is booked, since it may have rendered after the last look at it.
    public var isCancelledWithoutCost: Bool { phase == .cancelled && charges.isEmpty }

    /// Takes its properties as they are given; what is left out is absent.
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
    /// What it names in place of an attempt's task or submission, for messages; nil: nothing that contradicts them.
    ///
    /// - Parameters:
    ///   - remote: nil: not known yet, so that any task may be it.
    ///   - key: nil: not known yet.
    package func mismatch(with remote: RemoteTaskID?, _ key: SubmissionKey?) -> String? {
        if let remoteID, let remote, remoteID != remote { return "the task \(remoteID)" }
        if let submissionKey, let key, submissionKey != key { return "the submission \(submissionKey)" }
        return nil
    }
}

/// An amount as the provider wrote it, and as it is booked.
public struct Amount: Hashable, Sendable {
    /// What is booked.
    public let credits: Credits
    /// The number's text as it stood in the reply.
    public let text: String
    /// The field it came from (`credits_used`), or `rule:not_billed`.
    public let source: String
    /// More than nine decimals: booked rounded, flagged, counted in the report.
    public let isRounded: Bool

    /// Takes its properties as they are given.
    public init(credits: Credits, text: String, source: String, isRounded: Bool) {
        self.credits = credits
        self.text = text
        self.source = source
        self.isRounded = isRounded
    }

    /// Zero by the provider's published rule, for an attempt that ended without a cost field.
    public static let notBilled = Amount(credits: .zero, text: "0", source: "rule:not_billed", isRounded: false)
}
