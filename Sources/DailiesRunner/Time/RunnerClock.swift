import DailiesCore

/// "Now" and "wake me at": the only way in which a run meets time. Two implementations: ``DispatchClock`` and the
/// manual one of the tests.
public protocol RunnerClock: AnyObject, Sendable {
    /// The moment now; it never goes back.
    var now: Instant { get }

    /// Called once, before all else: `fire` is called, on any thread, at or after each moment asked for.
    func start(_ fire: @escaping @Sendable () -> Void)

    /// Asks for a call of `fire` at or soon after `instant`. One call serves the earliest of the moments that were asked
    /// for since the last; whoever is called asks anew.
    func wake(at instant: Instant)

    /// No further call.
    func stop()
}
