import DailiesCore
import NIOCore
import NIOHTTP1
import NIOPosix
import ProviderWire

/// The tasks API over HTTP. The simulator is reached by the same type with another base URL.
///
/// Every call answers once, on any thread, also after ``shutdown()``. Nothing is retried, no redirect of the API is
/// followed, and the key goes to the base URL's host only.
public final class ByteSpikeProvider: RenderProvider {
    /// Code of the fault when no configured key has the fingerprint that a task was submitted with.
    public static let noKeyCode = "no_key"

    /// As ``ProviderConfiguration/name``.
    public var name: String { configuration.name }
    /// As ``ProviderConfiguration/baseURL``.
    public var baseURL: String { configuration.baseURL }
    /// As ``ProviderConfiguration/dialect``.
    public var dialect: Dialect { configuration.dialect }

    let configuration: ProviderConfiguration
    let api: APIClient
    private let gate: AsyncSemaphore
    private let route: QueryFormSelector
    private let downloader: AssetDownloader
    private let downloadGate: AsyncSemaphore
    private let redaction: Redactor

    /// Whoever makes a provider calls ``shutdown()`` before letting go of it.
    public init(_ configuration: ProviderConfiguration) {
        self.configuration = configuration
        redaction = Redactor(secrets: configuration.keys.map(\.key.secret))
        // Requests to the API share one loop, downloads another.
        let (loop, downloadLoop) = (
            MultiThreadedEventLoopGroup.singleton.next(), MultiThreadedEventLoopGroup.singleton.next()
        )
        api = APIClient(
            clients: HTTPClients(configuration, connections: configuration.connections, on: loop), loop: loop,
            base: configuration.base, userAgent: configuration.userAgent,
            maximumReplyBytes: configuration.maximumReplyBytes, redaction: redaction)
        gate = AsyncSemaphore(configuration.connections)
        route = QueryFormSelector(configuration.dialect)
        // Downloads have connections of their own: slow ones take none from submits and queries.
        downloader = AssetDownloader(
            clients: HTTPClients(configuration, connections: configuration.downloads, on: downloadLoop),
            allowsPlainLoopback: configuration.base.isLoopback, userAgent: configuration.userAgent,
            headTimeout: configuration.connectTimeout + configuration.stallTimeout,
            stallTimeout: configuration.stallTimeout, maximumBytes: configuration.maximumClipBytes,
            redaction: redaction)
        downloadGate = AsyncSemaphore(configuration.downloads)
    }

    /// That of the key with the longest prefix of the model's id; nil where none fits.
    public func fingerprint(for model: ModelID) -> KeyFingerprint? { configuration.key(for: model)?.fingerprint }

    /// JSON in the configured dialect, with the key as `out_task_id`.
    public func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] {
        SubmitBody.encode(request, key: key, dialect: dialect)
    }

    /// One POST. Without a key of the submission's account it is not accepted, and nothing is sent.
    public func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        guard let key = configuration.key(submission.account) else {
            return reply(.notAccepted(Self.noKey(submission.account)))
        }
        let request = APIClient.Request(
            method: .POST, target: Endpoint.submit, body: submission.body, key: key,
            timeout: configuration.submitTimeout)
        run(request) { [redaction] result in
            switch result {
            case .success(let answer):
                reply(
                    ResponseClassifier.submitFate(
                        status: answer.status, headers: answer.headers, body: answer.body,
                        dialect: submission.dialect, redaction: redaction))
            case .failure(let failure):
                reply(
                    failure.wasSent
                        ? .unknown(failure.fault, isFreeByContract: false) : .notAccepted(failure.fault))
            }
        }
    }

    /// By id or by submission key, in the configured dialect; where one form is not spoken, in the other.
    public func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) {
        guard let key = configuration.key(question.account) else {
            return reply(.fault(Self.noKey(question.account)))
        }
        switch question.subject {
        case .remote(let remote): query(remote, key: key, reply)
        case .key:
            let body = QueryBody.encode(question.subject)
            ask(.POST, Endpoint.query, body: body, key: key, reply)
        }
    }

    /// One POST. The state that the provider reports, also where it refuses.
    public func cancel(
        _ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        guard let key = configuration.key(account) else { return reply(.fault(Self.noKey(account))) }
        ask(.POST, Endpoint.cancel(remote), body: nil, key: key, reply)
    }

    /// Reads the asset, with a Range where some of it is there; no key goes with it.
    ///
    /// - Precondition: the offset is not negative.
    public func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        precondition(resume.offset >= 0, "a download cannot begin at byte \(resume.offset)")
        downloadGate.enter { [downloadGate, downloader] in
            Task {
                let end = await downloader.download(asset, after: resume, into: sink)
                downloadGate.leave()
                reply(end)
            }
        }
    }

    /// Closes all connections. Calls in flight, in line and to come are answered with faults.
    public func shutdown() async {
        await api.clients.shutdown()
        await downloader.clients.shutdown()
    }

    /// Sends one request when the gate lets it through.
    private func run(
        _ request: APIClient.Request, _ done: @escaping @Sendable (Result<APIClient.Reply, APIClient.Failure>) -> Void
    ) {
        gate.enter { [api, gate] in
            api.send(request) { result in
                gate.leave()
                done(result)
            }
        }
    }

    private func query(
        _ remote: RemoteTaskID, key: APIKey, _ reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        let form = route.form
        query(remote, by: form, key: key) { first in
            guard let other = self.route.retry(after: form, first) else { return reply(first) }
            self.query(remote, by: other, key: key) { second in
                reply(self.route.settle(first: first, second: second, form: other))
            }
        }
    }

    private func query(
        _ remote: RemoteTaskID, by form: QueryFormSelector.Form, key: APIKey,
        _ reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        switch form {
        case .get: ask(.GET, Endpoint.query(remote), body: nil, key: key, reply)
        case .post: ask(.POST, Endpoint.query, body: QueryBody.encode(.remote(remote)), key: key, reply)
        }
    }

    private func ask(
        _ method: HTTPMethod, _ target: String, body: [UInt8]?, key: APIKey,
        _ reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        let request = APIClient.Request(
            method: method, target: target, body: body, key: key, timeout: configuration.queryTimeout)
        run(request) { [redaction] result in
            switch result {
            case .success(let answer):
                reply(
                    ResponseClassifier.queryAnswer(
                        status: answer.status, headers: answer.headers, body: answer.body, redaction: redaction))
            case .failure(let failure): reply(.fault(failure.fault))
            }
        }
    }

    private static func noKey(_ account: KeyFingerprint) -> ProviderError {
        ProviderError(
            kind: .unreachable, code: noKeyCode,
            message: "no configured API key has the fingerprint \(account); give the key that this was submitted with")
    }
}
