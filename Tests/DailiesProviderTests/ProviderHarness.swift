import DailiesCore
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ProviderWire
import Testing

@testable import DailiesProvider

/// The secret that no test may find anywhere but in the head of a request to the API's own host.
let secret = "sk-byts-test-0123456789abcdef"

/// A provider for the time of a test. Its time-outs are for a busy machine; a test that waits for one sets its own.
func withProvider<Result>(
    _ baseURL: String, keys: [ModelAPIKey]? = nil,
    change: (inout ProviderConfiguration) -> Void = { _ in },
    _ body: (ByteSpikeProvider) async throws -> Result
) async throws -> Result {
    let keys = try keys ?? [ModelAPIKey(key: APIKey(secret))]
    var configuration = try ProviderConfiguration(baseURL: baseURL, keys: keys)
    configuration.connectTimeout = .seconds(5)
    configuration.submitTimeout = .seconds(120)
    configuration.queryTimeout = .seconds(120)
    change(&configuration)
    let provider = ByteSpikeProvider(configuration)
    do {
        let result = try await body(provider)
        await provider.shutdown()
        return result
    } catch {
        await provider.shutdown()
        throw error
    }
}

let testKey = SubmissionKey("abcdefghijklmnopqrstuvwx")
let testRequest = CanonicalRequest(text: #"{"duration_seconds":8,"model":"sora-2-pro","prompt":"p"}"#)

extension ByteSpikeProvider {
    func submission(account: KeyFingerprint? = nil, model: ModelID = ModelID("sora-2-pro")) -> Submission {
        Submission(
            attempt: AttemptID(task: TaskID(1), number: 1), key: testKey, model: model, dialect: dialect,
            account: account ?? fingerprint(for: model) ?? KeyFingerprint("none"),
            body: body(for: testRequest, key: testKey))
    }

    func submit(_ submission: Submission) async -> SubmitResult {
        await withCheckedContinuation { waiting in submit(submission) { waiting.resume(returning: $0) } }
    }

    func query(_ subject: TaskQuery.Subject, account: KeyFingerprint? = nil) async -> QueryResult {
        let account = account ?? fingerprint(for: ModelID("")) ?? KeyFingerprint("none")
        return await withCheckedContinuation { waiting in
            query(TaskQuery(subject, account: account)) { waiting.resume(returning: $0) }
        }
    }

    func cancel(_ remote: RemoteTaskID) async -> QueryResult {
        await withCheckedContinuation { waiting in
            cancel(remote, account: fingerprint(for: ModelID("")) ?? KeyFingerprint("none")) {
                waiting.resume(returning: $0)
            }
        }
    }

    /// - Parameter offset: number of existing bytes, of the version with this validator and length.
    func download(
        _ url: String, from offset: Int64 = 0, of version: AssetVersion = AssetVersion(validator: "\"1\"", length: 10),
        into sink: CollectingSink
    ) async -> DownloadOutcome {
        let resume = offset == 0 ? .start : ResumePoint(offset: offset, version: version)
        return await withCheckedContinuation { waiting in
            download(AssetLocation(url: url), after: resume, into: sink) { waiting.resume(returning: $0) }
        }
    }
}

/// Keeps what it is given, answers from another thread, and notices when it is not waited for.
final class CollectingSink: DownloadSink {
    struct Held: Sendable {
        var begins: [DownloadPart] = []
        var text = ""
        var isBusy = false
        var wasHurried = false
    }
    private let state = NIOLockedValueBox(Held())
    private let delay: TimeAmount
    /// Refuses the part with this number, from 0.
    private let refuses: Int?
    private let count = NIOLockedValueBox(0)

    init(delay: TimeAmount = .nanoseconds(0), refuses: Int? = nil) {
        self.delay = delay
        self.refuses = refuses
    }

    var held: Held { state.withLockedValue { $0 } }

    func receive(_ part: DownloadPart, then: @escaping @Sendable (Bool) -> Void) {
        let number = count.withLockedValue { count in
            defer { count += 1 }
            return count
        }
        state.withLockedValue { state in
            if state.isBusy { state.wasHurried = true }
            state.isBusy = true
            switch part {
            case .begins: state.begins.append(part)
            case .bytes(let bytes): state.text += String(decoding: bytes, as: UTF8.self)
            }
        }
        MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: delay) { [state, refuses] in
            state.withLockedValue { $0.isBusy = false }
            then(number != refuses)
        }
    }
}

extension SubmitResult {
    var fault: ProviderError? {
        switch self {
        case .accepted: nil
        case .notAccepted(let fault), .refused(let fault), .throttled(let fault, _), .stopped(let fault, _),
            .unknown(let fault, _):
            fault
        }
    }
    var isNotAccepted: Bool { if case .notAccepted = self { true } else { false } }
    var isUnknown: Bool { if case .unknown(_, isFreeByContract: false) = self { true } else { false } }
}

extension QueryResult {
    var fault: ProviderError? {
        switch self {
        case .found: nil
        case .notFound(let fault), .stopped(let fault, _), .fault(let fault): fault
        }
    }
    var isFound: Bool { if case .found = self { true } else { false } }
}

extension DownloadOutcome {
    var fault: ProviderError? {
        switch self {
        case .whole, .unverified, .sinkFailed: nil
        case .interrupted(let fault), .refused(let fault): fault
        }
    }
    var isInterrupted: Bool { if case .interrupted = self { true } else { false } }
    var isRefused: Bool { if case .refused = self { true } else { false } }
}
