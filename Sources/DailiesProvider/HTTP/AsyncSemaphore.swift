import NIOConcurrencyHelpers
import NIOCore

/// Limits concurrent requests; further ones wait in FIFO order.
///
/// The client's own queue would fail requests that wait longer than its connect timeout. Here waiting never fails and
/// costs one closure. The caller limits the queue: the runner limits the tasks in flight.
final class AsyncSemaphore: Sendable {
    private struct State {
        var free: Int
        var line = CircularBuffer<@Sendable () -> Void>()
    }
    private let state: NIOLockedValueBox<State>

    init(_ permits: Int) {
        precondition(permits >= 1, "a semaphore needs at least one permit, not \(permits)")
        state = NIOLockedValueBox(State(free: permits))
    }

    /// Calls `start` once, now or when a permit is free. Call ``release()`` once afterwards.
    func acquire(_ start: @escaping @Sendable () -> Void) {
        let mayStart = state.withLockedValue { state in
            guard state.free > 0 else {
                state.line.append(start)
                return false
            }
            state.free -= 1
            return true
        }
        if mayStart { start() }
    }

    func release() {
        let next = state.withLockedValue { state in
            if state.line.isEmpty { state.free += 1 }
            return state.line.popFirst()
        }
        next?()
    }
}
