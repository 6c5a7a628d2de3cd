import DailiesCore
import ExactJSON
import NIOCore
import NIOHTTP1
import NIOPosix
import ProviderWire

/// The tasks API over HTTP. The simulator uses the same type with another base URL.
///
/// Every call completes once, on any thread, also after ``shutdown()``. Nothing is retried, API redirects are not
/// followed, and the key is sent only to the base URL's host.
package final class ByteSpikeProvider: RenderProvider {
    /// The error code if no configured key has the fingerprint that a task was submitted with.
    package static let noKeyCode = "no_key"

    /// See ``ProviderConfiguration/name``.
    package var name: String { configuration.name }
    /// See ``ProviderConfiguration/baseURL``.
    package var baseURL: String { configuration.baseURL }
    /// See ``ProviderConfiguration/dialect``.
    package var dialect: Dialect { configuration.dialect }

    let configuration: ProviderConfiguration
    let api: APIClient
    private let semaphore: AsyncSemaphore
    private let route: QueryFormSelector
    private let downloader: AssetDownloader
    private let downloadSemaphore: AsyncSemaphore
    private let redaction: Redactor

    /// Creates a provider. Call ``shutdown()`` before releasing it.
    package init(_ configuration: ProviderConfiguration) {
        self.configuration = configuration
        redaction = Redactor(secrets: configuration.keys.map(\.key.secret))
        // API requests share one event loop, downloads another.
        let (loop, downloadLoop) = (
            MultiThreadedEventLoopGroup.singleton.next(), MultiThreadedEventLoopGroup.singleton.next()
        )
        api = APIClient(
            clients: HTTPClients(configuration, connections: configuration.connections, on: loop), loop: loop,
            base: configuration.base, userAgent: configuration.userAgent,
            maximumReplyBytes: configuration.maximumReplyBytes, redaction: redaction)
        semaphore = AsyncSemaphore(configuration.connections)
        route = QueryFormSelector(configuration.dialect)
        // Downloads have separate connections, so that slow ones do not block submits and queries.
        downloader = AssetDownloader(
            clients: HTTPClients(configuration, connections: configuration.downloads, on: downloadLoop),
            allowsPlainLoopback: configuration.base.isLoopback, userAgent: configuration.userAgent,
            headTimeout: configuration.connectTimeout + configuration.stallTimeout,
            stallTimeout: configuration.stallTimeout, maximumBytes: configuration.maximumClipBytes,
            redaction: redaction)
        downloadSemaphore = AsyncSemaphore(configuration.downloads)
    }

    /// The fingerprint of the key with the longest matching prefix; nil if none matches.
    package func fingerprint(for model: ModelID) -> KeyFingerprint? { configuration.key(for: model)?.fingerprint }

    /// JSON in the configured dialect, with the submission key as `out_task_id`.
    package func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] {
        SubmitBody.encode(request, key: key, dialect: dialect)
    }

    /// Sends one POST. If no key matches the submission's account, it is refused and nothing is sent.
    package func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
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
                    ResponseClassifier.submitResult(
                        status: answer.status, headers: answer.headers, body: answer.body,
                        dialect: submission.dialect, redaction: redaction))
            case .failure(let failure):
                reply(
                    failure.wasSent
                        ? .unknown(failure.fault, isFreeByContract: false) : .notAccepted(failure.fault))
            }
        }
    }

    /// Queries by id or submission key, in the configured form; if the service does not support it, in the other.
    package func query(_ request: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) {
        guard let key = configuration.key(request.account) else {
            return reply(.fault(Self.noKey(request.account)))
        }
        switch request.subject {
        case .remote(let remote): query(remote, key: key, reply)
        case .key:
            let body = QueryBody.encode(request.subject)
            ask(.POST, Endpoint.query, body: body, key: key, reply)
        }
    }

    /// Sends one POST. Returns the state reported by the provider, also if it refuses to cancel.
    package func cancel(
        _ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        guard let key = configuration.key(account) else { return reply(.fault(Self.noKey(account))) }
        ask(.POST, Endpoint.cancel(remote), body: nil, key: key, reply)
    }

    /// Downloads the asset, with a Range header to resume. Sends no API key.
    ///
    /// - Precondition: `resume.offset` is not negative.
    package func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        precondition(resume.offset >= 0, "a download cannot start at byte \(resume.offset)")
        downloadSemaphore.acquire { [downloadSemaphore, downloader] in
            Task {
                let end = await downloader.download(asset, after: resume, into: sink)
                downloadSemaphore.release()
                reply(end)
            }
        }
    }

    /// Closes all connections. Active, queued and later calls complete with errors.
    package func shutdown() async {
        await api.clients.shutdown()
        await downloader.clients.shutdown()
    }

    /// Sends one request when the semaphore allows it.
    private func run(
        _ request: APIClient.Request, _ done: @escaping @Sendable (Result<APIClient.Reply, APIClient.Failure>) -> Void
    ) {
        semaphore.acquire { [api, semaphore] in
            api.send(request) { result in
                semaphore.release()
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
            message:
                "no configured API key has the fingerprint \(account); use the key that the task was submitted with")
    }
}

/// The result of a free request that checks the connection and the key.
package struct ProviderProbe: Sendable {
    /// The answer for a task that does not exist: `notFound` means that the key is accepted.
    package let answer: QueryResult
    /// The time in the response, to the second; nil without a response or a time.
    package let repliedAt: Instant?
}

extension ByteSpikeProvider {
    /// The id of a task that does not exist.
    private static let nonexistentTask = RemoteTaskID("dailies-doctor-asks-for-nothing")

    /// Queries a task that does not exist, with one of the configured keys. Free and without side effects.
    package func probe(_ key: ModelAPIKey) async -> ProviderProbe {
        let request = APIClient.Request(
            method: .GET, target: Endpoint.query(Self.nonexistentTask), body: nil, key: key.key,
            timeout: configuration.queryTimeout)
        do throws(APIClient.Failure) {
            let reply = try await api.send(request)
            let answer = ResponseClassifier.queryAnswer(
                status: reply.status, headers: reply.headers, body: reply.body,
                redaction: Redactor(secrets: configuration.keys.map(\.key.secret)))
            return ProviderProbe(answer: answer, repliedAt: reply.headers.date)
        } catch {
            return ProviderProbe(answer: .fault(error.fault), repliedAt: nil)
        }
    }
}

extension ByteSpikeProvider {
    private static let statePath = "/simulator/state"
    private static let stateTimeout = Duration.seconds(5)

    /// The speed reported by a simulator on this machine, as a multiple of real time.
    ///
    /// - Returns: nil for a remote service, which is not asked, and if the service does not report a speed.
    package func statedSpeed() async -> Double? {
        guard configuration.isLoopback, let key = configuration.keys.first?.key else { return nil }
        let request = APIClient.Request(
            method: .GET, target: Self.statePath, body: nil, key: key, timeout: Self.stateTimeout)
        do {
            let reply = try await api.send(request)
            guard reply.status == 200 else { return nil }
            let speed = try JSONValue.parse(reply.body)["speed"]
            return (speed?.number ?? speed?.string).flatMap { Double($0) }
        } catch {
            // Not a simulator, or one that is not running: the run itself will report that.
            return nil
        }
    }
}
