import DailiesCore
import DailiesStore
import Dispatch

/// One download: takes the provider's bytes onto the disk, on a serial queue of its own, and says how it went.
final class ClipDownload: DownloadSink, @unchecked Sendable {
    // Unchecked because of `file` and `failure`: they are touched on `queue` only.

    let queue: DispatchQueue
    private let paths: ClipPaths
    private var file: ClipFile?
    private var failure: ClipError?
    private let state = Locked(State())

    private struct State {
        var received: Int64 = 0
        var isStopped = false
    }

    /// - Parameter target: of its queue; nil in all but tests.
    init(_ paths: ClipPaths, target: DispatchQueue?) {
        queue = DispatchQueue(label: "dailies.clip", qos: .utility, target: target)
        self.paths = paths
    }

    /// Bytes that came since the start.
    var received: Int64 { state.withLock { $0.received } }

    /// Ends it at its next byte.
    func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Fetches the clip; `done` is called once, on the download's queue.
    func start(
        _ asset: AssetLocation, from provider: any RenderProvider, done: @escaping @Sendable (DownloadResult) -> Void
    ) {
        queue.async {
            do throws(ClipError) {
                let file = try ClipFile(self.paths)
                self.file = file
                // A crash came between its last byte and its name.
                if file.isComplete { return done(self.close(after: .whole)) }
                provider.download(asset, after: file.resumePoint, into: self) { end in
                    self.queue.async { done(self.close(after: end)) }
                }
            } catch {
                done(self.result(of: error))
            }
        }
    }

    func receive(_ part: DownloadPart, then: @escaping @Sendable (Bool) -> Void) {
        queue.async {
            guard let file = self.file, !self.isStopped else { return then(false) }
            do throws(ClipError) {
                switch part {
                case .begins(let offset, let version): try file.begin(at: offset, version)
                case .bytes(let bytes):
                    try file.write(bytes)
                    self.state.withLock { $0.received += Int64(bytes.count) }
                }
                then(true)
            } catch {
                self.failure = error
                then(false)
            }
        }
    }

    // MARK: The end

    /// The file is let go of, so that its lock is free when the end is told.
    private func close(after end: DownloadOutcome) -> DownloadResult {
        defer { file = nil }
        guard let file else { return .diskFailed("the clip's file is not open") }
        do throws(ClipError) {
            if let failure { throw failure }
            switch end {
            case .whole, .unverified: return try checked(file, end)
            case .interrupted(let fault):
                try file.keep()
                return isStopped ? .stopped : .interrupted(fault, reached: file.length)
            case .refused(let fault):
                try file.keep()
                return .refused(fault)
            case .sinkFailed(let message):
                try file.keep()
                return isStopped ? .stopped : .diskFailed(message)
            }
        } catch {
            return result(of: error)
        }
    }

    private func checked(_ file: ClipFile, _ end: DownloadOutcome) throws(ClipError) -> DownloadResult {
        // The provider may have been told its length after the body.
        switch try file.finding(isWhole: end == .whole).clip.verdict {
        case .whole: return .saved(try file.finish())
        case .unverified: return .unverified(path: try file.keepUnverified())
        case .damaged(let words):
            guard file.length > 0 else {
                try file.discard()
                return .malformed("the clip is empty")
            }
            let path = try file.keepDamaged()
            return .malformed("the clip is damaged: \(words); what came is kept as \(path)")
        case .cut(let words):
            try file.keep()
            let fault = ProviderError(kind: .broken, message: "the clip ended early: \(words)")
            return .interrupted(fault, reached: file.length)
        }
    }

    private func result(of fault: ClipError) -> DownloadResult {
        switch fault {
        case .disk(let words): return .diskFailed(words)
        case .blocked(let words): return .blocked(words)
        case .spoiled, .notJoined:
            do throws(ClipError) {
                try file?.discard()
            } catch {
                return .diskFailed(error.description)
            }
            if fault == .spoiled { return .malformed("\(fault); does another program write into it?") }
            return .interrupted(ProviderError(kind: .unreadable, message: fault.description), reached: 0)
        }
    }
}
