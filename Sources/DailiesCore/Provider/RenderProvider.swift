/// A hosted service that renders clips for money. Two implementations: HTTP, and the in-process machine of the seeded
/// tests. Every reply comes exactly once, on any thread; nothing here retries, waits or remembers.
public protocol RenderProvider: Sendable {
    /// Which service, for the honoured-key proof and for messages. The base URL carries no credentials.
    var name: String { get }
    /// Where it is; with ``name`` what a batch belongs to from its first accepted submit on. Two spellings of one address are
    /// two services here: give always the same.
    var baseURL: String { get }
    /// The shape of what it sends now; a repeat keeps the shape of its first.
    var dialect: Dialect { get }

    /// How long the service remembers a submission key at least, at speed 1. Default 24 h.
    var keyMemory: Duration { get }

    /// The mark of the API key that a submission for `model` would carry now; nil when there is none for it.
    func fingerprint(for model: ModelID) -> KeyFingerprint?

    /// The exact bytes that a submission of `request` under `key` sends in this provider's dialect.
    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8]

    /// Sends a submission once.
    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void)

    /// Asks for a task. Free and without side effect.
    func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void)

    /// Asks for a task to be cancelled; the answer is its state after the attempt. Free, may be repeated.
    func cancel(_ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void)

    /// Streams an asset's bytes into `sink`, without credentials: those after `resume` where the service proves that it still
    /// has that version, else all of them from the first byte on.
    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void)
}

extension RenderProvider {
    /// As ``SchedulerSettings/usualKeyMemory``.
    public var keyMemory: Duration { SchedulerSettings.usualKeyMemory }
}

/// One submission as it goes out, and as every repeat of it goes out. Nobody but the runner makes one: its intent is
/// durable before it exists anywhere else.
public struct Submission: Hashable, Sendable {
    /// The attempt that it is.
    public let attempt: AttemptID
    /// What the provider is to know it by.
    public let key: SubmissionKey
    /// The model that it is for.
    public let model: ModelID
    /// The shape of ``body``.
    public let dialect: Dialect
    /// The mark of the API key that it goes out with.
    public let account: KeyFingerprint
    /// Exactly what is sent.
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

/// A question for one task.
public struct TaskQuery: Hashable, Sendable {
    /// What a task is asked for by.
    public enum Subject: Hashable, Sendable {
        /// By the provider's own name of it.
        case remote(RemoteTaskID)
        /// By `out_task_id`: always asked in the params form, the only one that has it.
        case key(SubmissionKey)
    }
    /// What it is asked for by.
    public let subject: Subject
    /// The key that submitted it: a provider answers "not found" for another key's tasks.
    public let account: KeyFingerprint
    /// Takes its properties as they are given.
    public init(_ subject: Subject, account: KeyFingerprint) {
        self.subject = subject
        self.account = account
    }
}

/// What became of a submit: the one table that decides between paying once, twice or not at all.
public enum SubmitResult: Hashable, Sendable {
    /// 2xx with a task id.
    case accepted(RemoteTask)
    /// It never reached the service: refused connection, DNS, TLS set-up, a body that the client never read, or a 4xx of
    /// somebody before it (a gateway, a proxy).
    case notAccepted(ProviderError)
    /// The API's own 4xx that no repeat of the same bytes can change; never billed.
    case refused(ProviderError)
    /// 429; never billed. The reset time is in ``ProviderError/retryAfter``.
    case throttled(ProviderError, ThrottleKind)
    /// 401, 402, 403, or a route that does not exist: an account, a key, a model or the run stops, not the task; never
    /// billed.
    case stopped(ProviderError, AccessDenial)
    /// Anything else: 409, 5xx, reset, time-out, a cut or unreadable reply. It may be rendering and billed.
    /// `isFreeByContract`: a 5xx with the API's own error envelope, which the provider promises not to bill.
    case unknown(ProviderError, isFreeByContract: Bool)
}

/// What a 429 is about.
public enum ThrottleKind: Hashable, Sendable {
    /// A spend bucket is empty (`rate_limit_exceeded`).
    case rate
    /// Too many requests in flight on the account (`concurrency_limit`).
    case concurrency
}

/// Why an account, a key or a model can do nothing more for now.
public enum AccessDenial: Hashable, Sendable {
    /// 401: the key is missing, mistyped or revoked.
    case keyRefused
    /// 402: the wallet is empty or the key's cap is reached.
    case noFunds
    /// 403 `model_not_in_group`: the key cannot reach this model.
    case modelNotInGroup
    /// Any other 403.
    case accessDenied
    /// The base URL leads to no such route: 404 `not_found`, or the answer of somebody who is not the API.
    case noRoute
}

extension SubmitResult {
    /// What went wrong; nil: it was accepted.
    package var fault: ProviderError? {
        switch self {
        case .accepted: nil
        case .notAccepted(let fault), .refused(let fault), .throttled(let fault, _), .stopped(let fault, _),
            .unknown(let fault, _):
            fault
        }
    }
}

/// What a query or a cancel brought.
public enum QueryResult: Hashable, Sendable {
    /// What the provider says of it.
    case found(RemoteTask)
    /// The API's own 404: unknown, or another key's.
    case notFound(ProviderError)
    /// 401 or 403 (or 402): the account stops.
    case stopped(ProviderError, AccessDenial)
    /// Anything that a later question may mend: 429, 5xx, network, an unreadable reply.
    case fault(ProviderError)
}

extension QueryResult {
    /// The same, unless it says that it is about another submission than the one asked about: then it is no answer.
    ///
    /// What a report is about is looked at by those who know the task as well.
    package func checked(for key: SubmissionKey?) -> QueryResult {
        switch self {
        case .found: return self
        case .notFound(let fault), .stopped(let fault, _), .fault(let fault):
            guard let echo = fault.submissionKey, let key, echo != key else { return self }
            return .fault(.misdirected("the submission \(echo)"))
        }
    }
}

/// What is known of one version of an asset. Bytes of two versions are never joined.
public struct AssetVersion: Hashable, Sendable {
    /// What tells it from every other version, in the service's words: over HTTP a strong ETag or a Last-Modified date.
    /// nil: the service states none, and nothing can be joined to its bytes. The same goes for one that is longer than 256 bytes
    /// or not of printable ASCII.
    public var validator: String?
    /// Bytes of the whole asset; nil: not stated.
    public var length: Int64?
    /// Takes its properties as they are given.
    public init(validator: String? = nil, length: Int64? = nil) {
        self.validator = validator
        self.length = length
    }
}

/// The first bytes of an asset, which are on disk already.
public struct ResumePoint: Hashable, Sendable {
    /// How many; 0: none.
    public let offset: Int64
    /// The version that they belong to.
    public let version: AssetVersion
    /// Takes its properties as they are given.
    public init(offset: Int64, version: AssetVersion) {
        self.offset = offset
        self.version = version
    }
    /// Nothing is there.
    public static let start = ResumePoint(offset: 0, version: AssetVersion())
}

/// Why a download ended.
public enum DownloadOutcome: Hashable, Sendable {
    /// All bytes of the asset have come, by the length that the service states.
    case whole
    /// The body ended, and the service does not say how long the asset is: it may be cut.
    case unverified
    /// Cut, stalled, reset or 5xx: the same URL may be asked again from where the file ends.
    case interrupted(ProviderError)
    /// 401, 403, 404, 410, or an unusable URL: a fresh one is needed.
    case refused(ProviderError)
    /// The sink refused the bytes: a disk matter. `message` is for people.
    case sinkFailed(String)
}

/// Where a download goes. Bytes come in order; the next part waits until `then` was called with `true`; `false` ends
/// the download with ``DownloadOutcome/sinkFailed(_:)``.
public protocol DownloadSink: Sendable {
    /// Takes one part. `then` is called exactly once, on any thread.
    func receive(_ part: DownloadPart, then: @escaping @Sendable (Bool) -> Void)
}

/// A piece of a download, in the order of the asset.
public enum DownloadPart: Hashable, Sendable {
    /// First, once: the byte of the asset at which the body begins, and the version that it belongs to. 0, or the offset of
    /// the resume point where that is provably the same version.
    case begins(at: Int64, AssetVersion)
    /// The next bytes; not empty.
    case bytes([UInt8])
}

/// Where a finished clip can be had. A bearer secret while it lives: shown only with its query redacted.
public struct AssetLocation: Hashable, Sendable {
    /// The address as the provider gave it.
    public let url: String
    /// Keeps the address as it is given.
    public init(url: String) { self.url = url }
}

/// What went wrong, in the words of whoever said so. Never holds a key.
public struct ProviderError: Hashable, Sendable {
    /// Where it went wrong.
    public enum Kind: String, Hashable, Sendable {
        /// No connection could be made: refused, DNS, TLS.
        case unreachable
        /// No answer, or not the whole answer, in time.
        case timedOut = "timed_out"
        /// The connection broke after something was sent.
        case broken
        /// An answer that cannot be read: not JSON, too long, no task id.
        case unreadable
        /// An HTTP status that is no success.
        case status
    }
    /// Where it went wrong.
    public let kind: Kind
    /// HTTP status, where there was one.
    public let status: Int?
    /// The API's own error code (`invalid_param`), where there was one.
    public let code: String?
    /// At most 500 characters; may hold anything, so it is escaped wherever it is shown.
    public let message: String
    /// How long the reply asks to wait: `Retry-After`, or `X-RateLimit-Reset` less the reply's own `Date`.
    public let retryAfter: Duration?
    /// The submission that the reply says it is about (`out_task_id`), where it says so: one of another submission says
    /// nothing of this one.
    public let submissionKey: SubmissionKey?

    /// ``code`` of a page of HTML or a redirect in place of the API's reply.
    public static let notTheAPI = "not_the_api"

    /// The code of a reply that says of another submission that it was accepted.
    package static let anotherSubmission = "another_submission"

    /// As for a reply that says nothing of what was asked.
    package static func misdirected(_ another: String, code: String? = nil) -> ProviderError {
        ProviderError(kind: .unreadable, code: code, message: "the reply is about \(another)")
    }

    /// As the retry rules see it.
    var asFailure: RetryRules.Failure { RetryRules.Failure(status: status, code: code, message: message) }

    /// Takes its properties as they are given.
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
