import DailiesStore
import Dispatch
import Foundation

/// Ctrl-C: the first asks for a clean stop, the second leaves at once, which is as safe as a crash.
final class StopSignals: Sendable {
    private struct Received {
        var first: ExitCode?
    }

    private let state = Guarded(Received())
    // Sources are not Sendable, but these are only kept alive and cancelled.
    nonisolated(unsafe) private var sources: [any DispatchSourceSignal] = []

    init(onFirst: @escaping @Sendable () -> Void) {
        sources = [(SIGINT, ExitCode.interrupted), (SIGTERM, ExitCode.terminated)].map { number, code in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
            source.setEventHandler { @Sendable [weak self] in self?.arrived(code, onFirst) }
            source.activate()
            return source
        }
    }

    /// The first signal's exit code, if one came.
    var received: ExitCode? { state.withLock { $0.first } }

    func cancel() {
        for source in sources { source.cancel() }
    }

    private func arrived(_ code: ExitCode, _ onFirst: @Sendable () -> Void) {
        let isSecond = state.withLock { received in
            defer { received.first = received.first ?? code }
            return received.first != nil
        }
        if isSecond { _exit(code.rawValue) }
        Console.error("stopping: nothing new is sent; waiting for what is in the air (again: leave at once)")
        onFirst()
    }
}
