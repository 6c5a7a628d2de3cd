import DailiesStore
import Dispatch
import Foundation

/// Handles the signals that end a run. The first signal requests a clean stop. A second SIGINT or SIGTERM ends the
/// process immediately, which is as safe as a crash. Another SIGHUP is ignored, because a closing terminal may send
/// several.
final class StopSignals: Sendable {
    private struct Received {
        var first: ExitCode?
    }

    private let state = Locked(Received())
    // Not Sendable, but only kept alive and cancelled.
    nonisolated(unsafe) private var sources: [any DispatchSourceSignal] = []

    /// Handles all signals once it returns. Until then, ``EarlySignals`` ends the process.
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

    /// The exit code of the first signal; nil if none has arrived.
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
        Console.error("stopping: waiting for requests in flight (press Ctrl-C again to quit immediately)")
        onFirst()
    }
}

/// Makes a run print a status summary on SIGUSR1.
final class StatusSignal: Sendable {
    // Not Sendable, but only kept alive and cancelled.
    nonisolated(unsafe) private let source: any DispatchSourceSignal

    init(_ onSignal: @escaping @Sendable () -> Void) {
        signal(SIGUSR1, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: .global(qos: .utility))
        source.setEventHandler { @Sendable in onSignal() }
        source.activate()
    }

    func cancel() { source.cancel() }
}
