import DailiesCore
import DailiesRunner
import DailiesStore

/// Time that moves only when the harness moves it.
final class ManualRunnerClock: RunnerClock {
    private struct State {
        var now: Instant
        var target: Instant?
        var fire: (@Sendable () -> Void)?
    }
    private let state: Locked<State>

    init(now: Instant) { state = Locked(State(now: now)) }

    var now: Instant { state.withLock { $0.now } }

    /// The moment that was asked for last, while it is outstanding.
    var target: Instant? { state.withLock { $0.target } }

    func start(_ fire: @escaping @Sendable () -> Void) { state.withLock { $0.fire = fire } }

    func wake(at instant: Instant) { state.withLock { $0.target = instant } }

    func stop() {
        state.withLock { state in
            state.target = nil
            state.fire = nil
        }
    }

    /// Moves the time, never back, and fires where the moment asked for has come.
    ///
    /// - Returns: whether it fired.
    @discardableResult
    func move(to instant: Instant) -> Bool {
        let fire = state.withLock { state in
            state.now = max(state.now, instant)
            guard let target = state.target, target <= state.now else { return Optional<@Sendable () -> Void>.none }
            state.target = nil
            return state.fire
        }
        fire?()
        return fire != nil
    }
}
