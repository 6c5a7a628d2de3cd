/// A hosted service that renders clips for money. Two implementations: HTTP, and the in-process machine of the seeded
/// tests. Each reply comes exactly once, on any thread. Implementations do not retry, wait or keep state.
public protocol RenderProvider: Sendable {
    /// The name of the service, for the record of honored keys and for messages.
    var name: String { get }
    /// The base URL, without credentials. With ``name`` it identifies the service that a batch belongs to from its
    /// first accepted submit on. Two spellings count as two services: always return the same one.
    var baseURL: String { get }
    /// The dialect of new submissions; a resubmission keeps its original one.
    var dialect: Dialect { get }

    /// How long the service remembers a submission key at least, at speed 1. Default 24 h.
    var keyMemory: Duration { get }

    /// The fingerprint of the API key for submissions of `model`; nil if there is none.
    func fingerprint(for model: ModelID) -> KeyFingerprint?

    /// The exact bytes of a submission of `request` under `key` in this provider's dialect.
    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8]

    /// Sends a submission once.
    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void)

    /// Queries a task. Free and without side effects.
    func query(_ query: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void)

    /// Requests cancellation of a task. The reply reports the state afterwards. Free and repeatable.
    func cancel(_ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void)

    /// Streams an asset's bytes into `sink`, without credentials: from `resume` on if the service proves that it still
    /// has that version, otherwise from the first byte.
    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void)
}

extension RenderProvider {
    /// ``SchedulerSettings/usualKeyMemory``.
    public var keyMemory: Duration { SchedulerSettings.usualKeyMemory }
}

/// One submission, sent and resent with the same bytes. Its intent is durable before it is sent.
public struct Submission: Hashable, Sendable {
    /// The attempt.
    public let attempt: AttemptID
    /// The submission key.
    public let key: SubmissionKey
    /// The model.
    public let model: ModelID
    /// The dialect of ``body``.
    public let dialect: Dialect
    /// The fingerprint of the API key that sends it.
    public let account: KeyFingerprint
    /// The exact bytes sent.
    public let body: [UInt8]

    package init(
        attempt: AttemptID, key: SubmissionKey, model: ModelID, dialect: Dialect, account: KeyFingerprint,
        body: [UInt8]
    ) {
        self.attempt = attempt
        self.key = key
        self.model = model
        self.dialect = dialect
        self.account = account
        self.body = body
    }
}

/// A query for one task.
public struct TaskQuery: Hashable, Sendable {
    /// How a task is identified in a query.
    public enum Subject: Hashable, Sendable {
        /// By the provider's task ID.
        case remote(RemoteTaskID)
        /// By `out_task_id`: always sent in the params form, the only one that supports it.
        case key(SubmissionKey)
    }
    /// The task.
    public let subject: Subject
    /// The API key that submitted it: a provider answers "not found" for another key's tasks.
    public let account: KeyFingerprint
    /// Creates a value from its properties.
    public init(_ subject: Subject, account: KeyFingerprint) {
        self.subject = subject
        self.account = account
    }
}

/// The outcome of a submit. This table decides between paying once, twice or not at all.
public enum SubmitResult: Hashable, Sendable {
    /// 2xx with a task ID.
    case accepted(RemoteTask)
    /// It never reached the service: refused connection, DNS, TLS setup, a body that was never read, or a 4xx of a
    /// gateway or proxy.
    case notAccepted(ProviderError)
    /// The API's own 4xx, which no retry of the same bytes changes; never billed.
    case refused(ProviderError)
    /// 429; never billed. The reset time is in ``ProviderError/retryAfter``.
    case throttled(ProviderError, ThrottleKind)
    /// 401, 402, 403, or a missing route: an account, a key, a model or the run stops, not the task; never billed.
    case stopped(ProviderError, AccessDenial)
    /// Anything else: 409, 5xx, reset, timeout, a truncated or unreadable reply. It may be rendering and billed.
    /// `isFreeByContract`: a 5xx with the API's own error envelope, which the provider promises not to bill.
    case unknown(ProviderError, isFreeByContract: Bool)
}

/// The cause of a 429.
public enum ThrottleKind: Hashable, Sendable {
    /// A spend bucket is empty (`rate_limit_exceeded`).
    case rate
    /// Too many requests in flight on the account (`concurrency_limit`).
    case concurrency
}

/// Why an account, a key or a model is blocked for now.
public enum AccessDenial: Hashable, Sendable {
    /// 401: the key is missing, mistyped or revoked.
    case keyRefused
    /// 402: the wallet is empty or the key's cap is reached.
    case noFunds
    /// 403 `model_not_in_group`: the key has no access to this model.
    case modelNotInGroup
    /// Any other 403.
    case accessDenied
    /// The base URL has no such route: 404 `not_found`, or a server other than the API answers.
    case noRoute
}

extension SubmitResult {
    /// The error; nil if it was accepted.
    package var fault: ProviderError? {
        switch self {
        case .accepted: nil
        case .notAccepted(let fault), .refused(let fault), .throttled(let fault, _), .stopped(let fault, _),
            .unknown(let fault, _):
            fault
        }
    }
}

/// The result of a query or a cancel.
public enum QueryResult: Hashable, Sendable {
    /// The provider's report.
    case found(RemoteTask)
    /// The API's own 404: unknown, or another key's task.
    case notFound(ProviderError)
    /// 401 or 403 (or 402): the account stops.
    case stopped(ProviderError, AccessDenial)
    /// A transient error: 429, 5xx, network, an unreadable reply.
    case fault(ProviderError)
}

extension QueryResult {
    /// The result, or a fault if an error reply is about another submission than the queried one.
    ///
    /// Callers that know the task also check what a report is about.
    package func checked(for key: SubmissionKey?) -> QueryResult {
        switch self {
        case .found: return self
        case .notFound(let fault), .stopped(let fault, _), .fault(let fault):
            guard let echo = fault.submissionKey, let key, echo != key else { return self }
            return .fault(.misdirected("the submission \(echo)"))
        }
    }
}

/// Identifies one version of an asset. Bytes of two versions are never joined.
public struct AssetVersion: Hashable, Sendable {
    /// The service's version identifier: over HTTP a strong ETag or a Last-Modified date. nil: none is stated, or it is
    /// longer than 256 bytes or not printable ASCII; nothing can then be joined to its bytes.
    public var validator: String?
    /// Bytes of the whole asset; nil: not stated.
    public var length: Int64?
    /// Creates a value from its properties.
    public init(validator: String? = nil, length: Int64? = nil) {
        self.validator = validator
        self.length = length
    }
}

/// The start of an asset that is already on disk.
public struct ResumePoint: Hashable, Sendable {
    /// Bytes on disk; 0: none.
    public let offset: Int64
    /// The version of those bytes.
    public let version: AssetVersion
    /// Creates a value from its properties.
    public init(offset: Int64, version: AssetVersion) {
        self.offset = offset
        self.version = version
    }
    /// Nothing on disk.
    public static let start = ResumePoint(offset: 0, version: AssetVersion())
}

/// Why a download ended.
public enum DownloadOutcome: Hashable, Sendable {
    /// All bytes arrived, by the length that the service states.
    case whole
    /// The body ended, but the service does not state a length: it may be truncated.
    case unverified
    /// Truncated, stalled, reset or 5xx: the same URL may be requested again from the end of the file.
    case interrupted(ProviderError)
    /// 401, 403, 404, 410, or an unusable URL: a new one is needed.
    case refused(ProviderError)
    /// The sink could not write the bytes. The message is for display.
    case sinkFailed(String)
}

/// Receives a download. Bytes come in order; the next part waits until `then` is called with `true`. `false` ends the
/// download with ``DownloadOutcome/sinkFailed(_:)``.
public protocol DownloadSink: Sendable {
    /// Receives one part. Call `then` exactly once, on any thread.
    func receive(_ part: DownloadPart, then: @escaping @Sendable (Bool) -> Void)
}

/// A piece of a download, in the order of the asset.
public enum DownloadPart: Hashable, Sendable {
    /// First, once: the offset of the body in the asset, and its version. The offset is 0, or that of the resume point
    /// if it is provably the same version.
    case begins(at: Int64, AssetVersion)
    /// The next bytes; not empty.
    case bytes([UInt8])
}

/// The URL of a finished clip. It is a bearer secret while valid: display it with its query redacted.
public struct AssetLocation: Hashable, Sendable {
    /// The URL as the provider gave it.
    public let url: String
    /// Wraps a URL unchanged.
    public init(url: String) { self.url = url }
}

/// An error of a request. Never contains an API key.
public struct ProviderError: Hashable, Sendable {
    /// The kind of error.
    public enum Kind: String, Hashable, Sendable {
        /// No connection could be made: refused, DNS, TLS.
        case unreachable
        /// No complete answer in time.
        case timedOut = "timed_out"
        /// The connection broke after something was sent.
        case broken
        /// The answer cannot be read: not JSON, too long, no task ID.
        case unreadable
        /// An HTTP error status.
        case status
    }
    /// The kind of error.
    public let kind: Kind
    /// HTTP status; nil if there was none.
    public let status: Int?
    /// The API's error code (`invalid_param`); nil if there was none.
    public let code: String?
    /// Up to 500 characters; may contain any characters, so it is escaped wherever it is shown.
    public let message: String
    /// How long to wait: `Retry-After`, or `X-RateLimit-Reset` minus the reply's `Date`.
    public let retryAfter: Duration?
    /// The submission that the reply names (`out_task_id`); nil: none. An error about another submission says nothing
    /// about this one.
    public let submissionKey: SubmissionKey?

    /// ``code`` for an HTML page or a redirect instead of the API's reply.
    public static let notTheAPI = "not_the_api"

    /// ``code`` for a reply that accepts another submission.
    package static let anotherSubmission = "another_submission"

    /// The error for a reply about something else than was requested.
    package static func misdirected(_ another: String, code: String? = nil) -> ProviderError {
        ProviderError(kind: .unreadable, code: code, message: "the reply is about \(another)")
    }

    /// `502 bad_gateway: no upstream`. For display; may contain any characters.
    public var summary: String {
        let words = [status.map(String.init), code ?? (status == nil ? kind.rawValue : nil)].compactMap { $0 }
        return words.joined(separator: " ") + (message.isEmpty ? "" : ": \(message)")
    }

    /// The failure that retry rules match against.
    var asFailure: RetryRules.Failure { RetryRules.Failure(status: status, code: code, message: message) }

    /// Creates a value from its properties.
    public init(
        kind: Kind, status: Int? = nil, code: String? = nil, message: String, retryAfter: Duration? = nil,
        submissionKey: SubmissionKey? = nil
    ) {
        self.submissionKey = submissionKey
        self.kind = kind
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }
}
