import DailiesCore
import DailiesStore
import Dispatch

@testable import DailiesRunner

/// A provider that does nothing by itself: the test takes each call and answers it.
final class ScriptedProvider: RenderProvider {
    enum Call: Sendable {
        case submit(Submission, @Sendable (SubmitResult) -> Void)
        case query(TaskQuery, @Sendable (QueryResult) -> Void)
        case cancel(RemoteTaskID, @Sendable (QueryResult) -> Void)
        case download(AssetLocation, ResumePoint, any DownloadSink, @Sendable (DownloadOutcome) -> Void)
    }

    static let account = KeyFingerprint("0123456789ab")
    private static let patience = DispatchTimeInterval.seconds(30)

    let name = "scripted"
    let baseURL = "https://api.example"
    let dialect = Dialect.flat
    let keyMemory = Duration.seconds(48 * 3600)
    private let calls = Locked<[Call]>([])
    private let arrived = DispatchSemaphore(value: 0)

    func fingerprint(for model: ModelID) -> KeyFingerprint? { Self.account }

    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] { Array("\(request.text) \(key)".utf8) }

    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        lay(.submit(submission, reply))
    }

    func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) { lay(.query(question, reply)) }

    func cancel(
        _ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        lay(.cancel(remote, reply))
    }

    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        lay(.download(asset, resume, sink, reply))
    }

    private func lay(_ call: Call) {
        calls.withLock { $0.append(call) }
        arrived.signal()
    }

    /// Calls that were not consumed.
    var pending: Int { calls.withLock { $0.count } }

    /// Waits for the next call; nil if there is none.
    func next() -> Call? {
        guard arrived.wait(timeout: .now() + Self.patience) == .success else { return nil }
        return calls.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func nextSubmit() -> (submission: Submission, reply: @Sendable (SubmitResult) -> Void)? {
        guard case .submit(let submission, let reply) = next() else { return nil }
        return (submission, reply)
    }

    func nextQuery() -> (question: TaskQuery, reply: @Sendable (QueryResult) -> Void)? {
        guard case .query(let question, let reply) = next() else { return nil }
        return (question, reply)
    }
}

/// Time that the test moves.
final class ManualRunnerClock: RunnerClock {
    private struct State {
        var now = Instant(milliseconds: 1_790_000_000_000)
        var target: Instant?
        var fire: (@Sendable () -> Void)?
        var isStopped = false
    }
    private let state = Locked(State())

    var now: Instant { state.withLock { $0.now } }
    var target: Instant? { state.withLock { $0.target } }
    var isStopped: Bool { state.withLock { $0.isStopped } }

    func start(_ fire: @escaping @Sendable () -> Void) { state.withLock { $0.fire = fire } }
    func wake(at instant: Instant) { state.withLock { $0.target = instant } }

    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.fire = nil
        }
    }

    func move(by duration: Duration) {
        let fire = state.withLock { state in
            state.now = state.now + duration
            guard let target = state.target, target <= state.now else { return Optional<@Sendable () -> Void>.none }
            state.target = nil
            return state.fire
        }
        fire?()
    }
}
