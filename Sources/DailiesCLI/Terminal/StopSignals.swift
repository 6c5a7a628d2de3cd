import DailiesStore
import Dispatch
import Foundation

/// Signals that end a run: the first asks for a clean stop, a second SIGINT or SIGTERM ends the process at once, which is
/// as safe as a crash. A further SIGHUP does nothing: a terminal that closes may send several.
final class StopSignals: Sendable {
    private struct Received {
        var first: ExitCode?
    }

    private let state = Locked(Received())
    // Sources are not Sendable, but these are only kept alive and cancelled.
    nonisolated(unsafe) private var sources: [any DispatchSourceSignal] = []

    /// When it returns, every signal is handled here; until then ``EarlySignals`` ends the process.
    init(onFirst: @escaping @Sendable () -> Void) {
        let registered = DispatchGroup()
        sources = EarlySignals.codes.map { number, code in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
            source.setEventHandler { @Sendable [weak self] in self?.arrived(code, onFirst) }
            registered.enter()
            source.setRegistrationHandler { @Sendable in registered.leave() }
            source.activate()
            return source
        }
        registered.wait()
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
        if isSecond, code == .hungUp { return }
        if isSecond { _exit(code.rawValue) }
        Console.error("stopping: nothing new is sent; waiting for what is in the air (again: leave at once)")
        onFirst()
    }
}
