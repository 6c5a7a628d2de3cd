import NIOConcurrencyHelpers
import NIOCore

/// Cancels a reading task when it has waited too long for its next bytes. Time in which the reader itself was busy does
/// not count. One timer a download, re-armed when it fires, and nothing but two stores for each part.
final class IdleTimeout: Sendable {
    private struct State {
        /// When the present wait began; nil while the reader is busy.
        var waitingSince: NIODeadline?
        var isOver = false
    }
    private let state = NIOLockedValueBox(State())
    private let limit: TimeAmount

    init(limit: TimeAmount) { self.limit = limit }

    /// - Parameter cancel: called once at most, when a wait has lasted for the limit.
    func start(on loop: any EventLoop, cancel: @escaping @Sendable () -> Void) { arm(on: loop, after: limit, cancel) }

    func waits() { state.withLockedValue { $0.waitingSince = .now() } }
    func goesOn() { state.withLockedValue { $0.waitingSince = nil } }
    func end() { state.withLockedValue { $0.isOver = true } }

    private func arm(on loop: any EventLoop, after delay: TimeAmount, _ cancel: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: delay) { [weak self] in self?.look(on: loop, cancel) }
    }

    private func look(on loop: any EventLoop, _ cancel: @escaping @Sendable () -> Void) {
        let (since, isOver) = state.withLockedValue { ($0.waitingSince, $0.isOver) }
        guard !isOver else { return }
        let waited = since.map { NIODeadline.now() - $0 } ?? .zero
        if waited >= limit { return cancel() }
        arm(on: loop, after: limit - waited, cancel)
    }
}
