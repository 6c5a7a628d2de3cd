import Dispatch
import Foundation

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
