import DailiesCore
import DailiesStore
import Dispatch

/// One download: writes the provider's bytes to the output on a serial queue, and reports the result.
final class ClipDownload: DownloadSink, @unchecked Sendable {
    // Unchecked because `file` and `failure` are accessed only on `queue`.

    let queue: DispatchQueue
    private let open: @Sendable () throws(ClipError) -> any ClipWriter
    private var file: (any ClipWriter)?
    private var failure: ClipError?
    private let state = Locked(State())

    private struct State {
        var received: Int64 = 0
        var isStopped = false
    }

    /// - Parameters:
    ///   - target: the target of its queue; nil except in tests.
    ///   - open: opens the clip, on the download's queue.
    init(target: DispatchQueue?, open: @escaping @Sendable () throws(ClipError) -> any ClipWriter) {
        queue = DispatchQueue(label: "dailies.clip", qos: .utility, target: target)
        self.open = open
    }

    /// Bytes received since the start.
    var received: Int64 { state.withLock { $0.received } }

    /// Stops at the next bytes.
    func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Downloads the clip. `done` is called once, on the download's queue.
    func start(
        _ asset: AssetLocation, from provider: any RenderProvider, done: @escaping @Sendable (DownloadResult) -> Void
    ) {
        queue.async {
            do throws(ClipError) {
                let file = try self.open()
                self.file = file
                // A crash came after its last byte and before its rename.
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
                case .begins(let offset, let version): try file.start(at: offset, version)
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

    // MARK: End

    /// Closes the file first, so that its lock is free when the result is reported.
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

    private func checked(_ file: any ClipWriter, _ end: DownloadOutcome) throws(ClipError) -> DownloadResult {
        // The provider may have stated the length after the body.
        switch try file.verdict(isWhole: end == .whole) {
        case .whole: return .saved(try file.finish())
        case .unverified: return .unverified(path: try file.keepUnverified())
        case .damaged(let message):
            guard file.length > 0 else {
                try file.discard()
                return .malformed("the clip is empty")
            }
            let path = try file.keepDamaged()
            return .malformed("the clip is damaged: \(message); the received bytes are kept as \(path)")
        case .cut(let message):
            try file.keep()
            let fault = ProviderError(kind: .broken, message: "the clip ended early: \(message)")
            return .interrupted(fault, reached: file.length)
        }
    }

    private func result(of fault: ClipError) -> DownloadResult {
        switch fault {
        case .disk(let message): return .diskFailed(message)
        case .blocked(let message): return .blocked(message)
        case .contentMismatch, .versionMismatch:
            do throws(ClipError) {
                try file?.discard()
            } catch {
                return .diskFailed(error.description)
            }
            if fault == .contentMismatch { return .malformed("\(fault); another program may be writing to the file") }
            return .interrupted(ProviderError(kind: .unreadable, message: fault.description), reached: 0)
        }
    }
}
