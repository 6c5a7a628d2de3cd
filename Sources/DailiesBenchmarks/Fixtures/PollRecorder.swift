import DailiesCore
import DailiesRunner
import Synchronization

/// A provider in the same process: tasks render forever, and the lateness of every poll is recorded.
final class PollRecorder: RenderProvider {
    private struct Notes {
        var isWatching = false
        var polls = 0
        /// Counts by tenths of a millisecond; the last one includes everything later.
        var lateness = [Int](repeating: 0, count: 100_000)
    }

    let name = "simulator"
    let baseURL: String
    let dialect = Dialect.flat
    private let timers: DispatchClock
    private let tasks: Int64
    private let oldest: Instant
    private let interval: Duration
    private let notes = Mutex(Notes())

    /// - Parameters:
    ///   - oldest: when the first task was submitted; the others followed evenly within one interval.
    ///   - interval: time between polls of a task, counted from its submission.
    init(baseURL: String, timers: DispatchClock, tasks: Int64, oldest: Instant, interval: Duration) {
        self.baseURL = baseURL
        self.timers = timers
        self.tasks = tasks
        self.oldest = oldest
        self.interval = interval
    }

    func fingerprint(for model: ModelID) -> KeyFingerprint? { WriteLoad.account }
    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] { Array(request.text.utf8) }

    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        reply(.notAccepted(ProviderError(kind: .unreachable, message: "nothing is submitted here")))
    }

    func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) {
        guard case .remote(let remote) = question.subject else {
            return reply(.fault(ProviderError(kind: .unreadable, message: "asked by key")))
        }
        note(remote)
        reply(.found(RemoteTask(phase: .running, remoteID: remote)))
    }

    func cancel(
        _ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void
    ) {
        reply(.fault(ProviderError(kind: .unreadable, message: "nothing is cancelled here")))
    }

    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        reply(.refused(ProviderError(kind: .status, status: 404, message: "there are no clips here")))
    }

    func watch() { notes.withLock { $0.isWatching = true } }

    /// The id ends in the task's number. From it follow the submission time, as ``LargeStoreFixture`` wrote it, and the
    /// poll times.
    private func note(_ remote: RemoteTaskID) {
        var place: Int64 = 0
        for digit in remote.text.utf8.dropFirst("task_".utf8.count) { place = place * 10 + Int64(digit) - 48 }
        let submitted = Instant(milliseconds: oldest.milliseconds + place * (interval.nanoseconds / 1_000_000) / tasks)
        let late = (timers.now - submitted).nanoseconds % interval.nanoseconds
        notes.withLock { notes in
            guard notes.isWatching else { return }
            notes.polls += 1
            notes.lateness[min(Int(late / 100_000), notes.lateness.count - 1)] += 1
        }
    }

    /// The number of recorded polls, and the lateness in milliseconds for a share of them.
    var noted: (polls: Int, lateness: (Double) -> Double) {
        let notes = notes.withLock { $0 }
        return (
            notes.polls,
            { share in
                var left = Int((Double(notes.polls) * share).rounded(.up))
                for (tenth, count) in notes.lateness.enumerated() {
                    left -= count
                    if left <= 0 { return Double(tenth + 1) / 10 }
                }
                return .infinity
            }
        )
    }
}
