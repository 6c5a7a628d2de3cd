import NIOConcurrencyHelpers
import NIOCore

/// Cancels a reading task that waited too long for data. Time in which the reader itself is busy does not count. Uses
/// one timer per download, re-armed when it fires, and two stores per part.
final class IdleTimeout: Sendable {
    private struct State {
        /// Start of the current wait; nil while the reader is busy.
        var waitingSince: NIODeadline?
        var isCancelled = false
    }
    private let state = NIOLockedValueBox(State())
    private let limit: TimeAmount

    init(limit: TimeAmount) { self.limit = limit }

    /// - Parameter onTimeout: called at most once, when a wait reaches the limit.
    func start(on loop: any EventLoop, onTimeout: @escaping @Sendable () -> Void) {
        arm(on: loop, after: limit, onTimeout)
    }

    func startWaiting() { state.withLockedValue { $0.waitingSince = .now() } }
    func stopWaiting() { state.withLockedValue { $0.waitingSince = nil } }
    func cancel() { state.withLockedValue { $0.isCancelled = true } }

    private func arm(on loop: any EventLoop, after delay: TimeAmount, _ onTimeout: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: delay) { [weak self] in self?.check(on: loop, onTimeout) }
    }

    private func check(on loop: any EventLoop, _ onTimeout: @escaping @Sendable () -> Void) {
        let (since, isCancelled) = state.withLockedValue { ($0.waitingSince, $0.isCancelled) }
        guard !isCancelled else { return }
        let waited = since.map { NIODeadline.now() - $0 } ?? .zero
        if waited >= limit { return onTimeout() }
        arm(on: loop, after: limit - waited, onTimeout)
    }
}
