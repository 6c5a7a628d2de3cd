import NIOConcurrencyHelpers
import NIOCore

/// Lets so many requests through at one time and the others wait in line, first come first served.
///
/// The client's own line would fail those who wait longer than its connect time-out; here a waiter costs one closure
/// and never fails. Whoever calls bounds the line: the runner has a bound on tasks in flight.
final class AsyncSemaphore: Sendable {
    private struct State {
        var free: Int
        var line = CircularBuffer<@Sendable () -> Void>()
    }
    private let state: NIOLockedValueBox<State>

    init(_ permits: Int) {
        precondition(permits >= 1, "a gate with \(permits) permits lets nobody through")
        state = NIOLockedValueBox(State(free: permits))
    }

    /// Calls `start` once, now or when it is its turn. Whoever was let through calls ``leave()`` once.
    func enter(_ start: @escaping @Sendable () -> Void) {
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

    func leave() {
        let next = state.withLockedValue { state in
            if state.line.isEmpty { state.free += 1 }
            return state.line.popFirst()
        }
        next?()
    }
}
