import DailiesCore

/// The current time and a timer: a run's only access to time. Implemented by ``DispatchClock`` and by the manual clock
/// of the tests.
package protocol RunnerClock: AnyObject, Sendable {
    /// The current time; never goes back.
    var now: Instant { get }

    /// Called once, first. `fire` is called, on any thread, at or after each requested time.
    func start(_ fire: @escaping @Sendable () -> Void)

    /// Requests a call of `fire` at or soon after `instant`. One call serves the earliest time requested since the
    /// previous call; request the next one again after each call.
    func wake(at instant: Instant)

    /// Stops the clock; `fire` is not called again.
    func stop()
}
