import DailiesCore
import DailiesStore
import ProviderSimulator
import ProviderWire

/// The provider as the runner of one life sees it: calls are laid down here, and the harness carries each to the machine
/// and its reply back when it likes.
final class MachineProvider: RenderProvider {
    /// The API keys that the user has, with what they are known by.
    static let secrets = [
        KeyFingerprint("5ec2e7f00d01"): "a-key-of-the-simulation", KeyFingerprint("5ec2e7f00d02"): "another-key",
    ]

    enum Call: Sendable {
        case submit(Submission, @Sendable (SubmitResult) -> Void)
        case query(TaskQuery, @Sendable (QueryResult) -> Void)
        case cancel(RemoteTaskID, KeyFingerprint, @Sendable (QueryResult) -> Void)
        case download(AssetLocation, ResumePoint, any DownloadSink, @Sendable (DownloadOutcome) -> Void)
    }

    private struct State {
        var calls: [Call] = []
        var downloads: [Call] = []
        var isDead = false
    }

    let name = "simulator"
    let baseURL: String
    let dialect: Dialect
    private let accounts: APIKeyRouting
    private let state = Locked(State())

    init(baseURL: String, dialect: Dialect, accounts: APIKeyRouting) {
        self.baseURL = baseURL
        self.dialect = dialect
        self.accounts = accounts
    }

    func fingerprint(for model: ModelID) -> KeyFingerprint? { accounts.account(for: model) }

    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] {
        SubmitBody.encode(request, key: key, dialect: dialect)
    }

    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        lay(.submit(submission, reply))
    }

    func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) { lay(.query(question, reply)) }

    func cancel(
        _ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        lay(.cancel(remote, account, reply))
    }

    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        state.withLock { state in
            if !state.isDead { state.downloads.append(.download(asset, resume, sink, reply)) }
        }
    }

    private func lay(_ call: Call) {
        state.withLock { state in
            if !state.isDead { state.calls.append(call) }
        }
    }

    /// What was laid down since the last time, in an order that does not depend on threads: calls come from the runner's
    /// one queue, downloads from one queue each.
    func take() -> [Call] {
        state.withLock { state in
            let downloads = state.downloads.sorted { Self.address($0) < Self.address($1) }
            defer {
                state.calls = []
                state.downloads = []
            }
            return state.calls + downloads
        }
    }

    /// The program is gone: nothing leaves any more.
    func die() {
        state.withLock { state in
            state.isDead = true
            state.calls = []
            state.downloads = []
        }
    }

    private static func address(_ call: Call) -> String {
        if case .download(let asset, _, _, _) = call { asset.url } else { "" }
    }
}

extension MachineProvider.Call {
    /// For the trace.
    var label: String {
        switch self {
        case .submit(let submission, _): "submit \(submission.attempt)"
        case .query(let question, _):
            switch question.subject {
            case .remote(let remote): "query \(remote.text.suffix(6))"
            case .key(let key): "query by key \(key.text.prefix(6))"
            }
        case .cancel(let remote, _, _): "cancel \(remote.text.suffix(6))"
        case .download(let asset, let resume, _, _): "download from \(resume.offset) \(asset.url.suffix(40))"
        }
    }

    /// The task that it cancels.
    var cancelled: RemoteTaskID? { if case .cancel(let remote, _, _) = self { remote } else { nil } }

    private var account: KeyFingerprint? {
        switch self {
        case .submit(let submission, _): submission.account
        case .query(let question, _): question.account
        case .cancel(_, let account, _): account
        case .download: nil
        }
    }

    /// The bytes that go over the wire.
    ///
    /// - Parameter asking: the request of a download; it takes several.
    func request(_ dialect: Dialect, baseURL: String, asking: AssetRequest) -> SimulatedRequest {
        let headers = account.flatMap { MachineProvider.secrets[$0] }.map { [HeaderName.apiKey: $0] } ?? [:]
        switch self {
        case .submit(let submission, _):
            return SimulatedRequest(method: "POST", path: Endpoint.submit, headers: headers, body: submission.body)
        case .query(let question, _):
            if case .remote(let remote) = question.subject, dialect == .flat {
                return SimulatedRequest(method: "GET", path: Endpoint.query(remote), headers: headers)
            }
            return SimulatedRequest(
                method: "POST", path: Endpoint.query, headers: headers, body: QueryBody.encode(question.subject))
        case .cancel(let remote, _, _):
            return SimulatedRequest(method: "POST", path: Endpoint.cancel(remote), headers: headers)
        case .download(let asset, _, _, _):
            let fields = asking.fields.map { ($0.name, $0.value) }
            return SimulatedRequest(
                method: asking.method.rawValue, path: String(asset.url.dropFirst(baseURL.count)),
                headers: Dictionary(uniqueKeysWithValues: fields))
        }
    }
}
