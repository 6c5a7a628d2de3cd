import DailiesKit
import Dispatch

/// A provider of a few lines, in this process: it honours submission keys, renders at once and bills 0.01 credits a clip.
final class TinyProvider: RenderProvider, @unchecked Sendable {
    // Unchecked because of `clips`: they are touched on `queue` only.

    private struct Clip {
        let remote: RemoteTaskID
        let key: SubmissionKey
    }

    static let account = KeyFingerprint("0123456789ab")

    let name = "tiny"
    let baseURL = "tiny://here"
    let dialect = Dialect.flat
    private let queue = DispatchQueue(label: "tiny.provider")
    private var clips: [Clip] = []

    /// Renders so far, each billed once.
    var renders: Int { queue.sync { clips.count } }

    func fingerprint(for model: ModelID) -> KeyFingerprint? { Self.account }

    /// The key stands before the request: whatever form a service wants, these bytes are all that it will ever get.
    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] {
        Array((key.text + "\n" + request.text).utf8)
    }

    /// The same key again is the same render.
    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        let clip = queue.sync {
            if let known = clips.first(where: { $0.key == submission.key }) { return known }
            clips.append(Clip(remote: RemoteTaskID("tiny-\(clips.count + 1)"), key: submission.key))
            return clips[clips.count - 1]
        }
        reply(.accepted(report(.queued, clip)))
    }

    func query(_ query: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) {
        let clip = queue.sync {
            clips.first { clip in
                switch query.subject {
                case .remote(let remote): clip.remote == remote
                case .key(let key): clip.key == key
                }
            }
        }
        guard let clip else {
            return reply(.notFound(ProviderError(kind: .status, status: 404, message: "no such clip")))
        }
        reply(.found(report(.completed, clip)))
    }

    /// Too late: it is rendered as soon as it is submitted. The answer is what became of it.
    func cancel(_ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void) {
        query(TaskQuery(.remote(remote), account: account), reply: reply)
    }

    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) {
        let clip = Self.clip
        sink.receive(.begins(at: 0, AssetVersion(length: Int64(clip.count)))) { goesOn in
            guard goesOn else { return reply(.sinkFailed("the clip is not wanted")) }
            sink.receive(.bytes(clip)) { isTaken in reply(isTaken ? .whole : .sinkFailed("the disk refused it")) }
        }
    }

    private func report(_ phase: RemoteTask.Phase, _ clip: Clip) -> RemoteTask {
        var report = RemoteTask(phase: phase, remoteID: clip.remote, submissionKey: clip.key)
        if phase == .completed {
            let price = Credits(nano: 10_000_000)
            report.charges = [Amount(credits: price, text: "0.01", source: "price_list", isRounded: false)]
            report.asset = AssetLocation(url: baseURL + "/" + clip.remote.text)
        }
        return report
    }

    /// The smallest file that is an MP4 from its first box to its last.
    private static let clip: [UInt8] = ["ftyp", "moov", "mdat"].flatMap { [0, 0, 0, 8] + Array($0.utf8) }
}
