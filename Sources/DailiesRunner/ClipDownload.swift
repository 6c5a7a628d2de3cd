import DailiesCore
import Dispatch

/// One download: takes the provider's bytes onto the disk, on a serial queue of its own, and says how it went.
final class ClipDownload: DownloadSink, @unchecked Sendable {
    // Unchecked because of `file` and `failure`: they are touched on `queue` only.

    let queue: DispatchQueue
    private let file: ClipFile
    private var failure: String?

    init(paths: ClipPaths, submissionKey: SubmissionKey) {
        queue = DispatchQueue(label: "dailies.clip", qos: .utility)
        file = ClipFile(paths: paths, submissionKey: submissionKey)
    }

    /// Fetches the clip; `done` is called once, on the download's queue.
    func start(
        _ asset: AssetLocation, from provider: any RenderProvider, done: @escaping @Sendable (DownloadResult) -> Void
    ) {
        queue.async {
            do throws(ClipFile.DiskError) {
                try self.file.open()
            } catch {
                return done(.diskFailed(error.description))
            }
            provider.download(asset, from: self.file.length, into: self) { end in
                self.queue.async { done(self.result(of: end)) }
            }
        }
    }

    func receive(_ part: DownloadPart, then: @escaping @Sendable (Bool) -> Void) {
        queue.async {
            do throws(ClipFile.DiskError) {
                switch part {
                case .begins(let offset, let totalLength): try self.file.begin(at: offset, totalLength: totalLength)
                case .bytes(let bytes): try self.file.write(bytes)
                }
                then(true)
            } catch {
                self.failure = error.description
                then(false)
            }
        }
    }

    private func result(of end: DownloadEnd) -> DownloadResult {
        let progressed = file.length > file.lengthAtStart
        switch end {
        case .whole: return checked(progressed: progressed)
        case .interrupted(let fault): return .interrupted(fault, progressed: progressed)
        case .refused(let fault): return .refused(fault)
        case .sinkFailed(let message): return .diskFailed(failure ?? message)
        }
    }

    private func checked(progressed: Bool) -> DownloadResult {
        do throws(ClipFile.DiskError) {
            guard file.isComplete else {
                let fault = Fault(kind: .broken, message: "the clip ended before its length was reached")
                return .interrupted(fault, progressed: progressed)
            }
            if let fault = try file.structureFault() {
                try file.discard()
                return .malformed("the clip is damaged: \(fault)")
            }
            return .saved(try file.finish())
        } catch {
            return .diskFailed(error.description)
        }
    }
}
