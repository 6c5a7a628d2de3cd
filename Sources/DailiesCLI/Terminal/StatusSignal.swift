import Dispatch
import Foundation

/// SIGUSR1 asks a run how it stands.
final class StatusSignal: Sendable {
    // The source is not Sendable, but is only kept alive and cancelled.
    nonisolated(unsafe) private let source: any DispatchSourceSignal

    init(_ onSignal: @escaping @Sendable () -> Void) {
        signal(SIGUSR1, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: .global(qos: .utility))
        source.setEventHandler { @Sendable in onSignal() }
        source.activate()
    }

    func cancel() { source.cancel() }
}
