import DailiesCore
import DailiesStore
import Dispatch
import Foundation

/// Real time: a single `DispatchSourceTimer` for any number of tasks.
///
/// The time is the wall clock at the start plus the time since boot, including suspend (CLOCK_BOOTTIME), so that
/// changes of the wall clock have no effect. Dispatch's own time stops during suspend, so the timer is set at most 30 s
/// ahead and each wake-up checks the clock.
package final class DispatchClock: RunnerClock, @unchecked Sendable {
    // Unchecked because of `source`: Dispatch sources are thread-safe, but not marked `Sendable`.

    static let maximumSleep = Duration.seconds(30)
    /// Wake-ups are rounded up to multiples of this, to share them. A hundred thousand timers then cost a ninth of the
    /// CPU time of exact ones, and half of that with a 1 ms grid (measured).
    private static let grid: Int64 = 5_000_000

    private struct State {
        var fire: (@Sendable () -> Void)?
        var target: Instant?
        var isStopped = false
    }

    private let source: any DispatchSourceTimer
    private let state = Locked(State())
    private let clocks: Clocks
    private let maximumSleep: Duration
    private let wallAtStart: Int64
    private let bootAtStart: Int64

    /// The machine's clocks, in nanoseconds; tests replace them to simulate jumps and suspend.
    struct Clocks: Sendable {
        var wall: @Sendable () -> Int64 = { DispatchClock.read(CLOCK_REALTIME) }
        var boot: @Sendable () -> Int64 = { DispatchClock.read(DispatchClock.bootClock) }
    }

    /// Creates a clock that starts at the machine's current time.
    package convenience init() { self.init(clocks: Clocks()) }

    init(clocks: Clocks, maximumSleep: Duration = DispatchClock.maximumSleep) {
        self.clocks = clocks
        self.maximumSleep = maximumSleep
        wallAtStart = clocks.wall()
        bootAtStart = clocks.boot()
        source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "dailies.timers", qos: .userInitiated))
        source.schedule(deadline: .distantFuture)
        source.setEventHandler { @Sendable [weak self] in self?.onTimer() }
        source.activate()
    }

    deinit { source.cancel() }

    /// The wall clock at the start, plus the time since.
    package var now: Instant {
        Instant(nanoseconds: wallAtStart)
            + (Instant(nanoseconds: clocks.boot()) - Instant(nanoseconds: bootAtStart))
    }

    /// Stores the callback.
    package func start(_ fire: @escaping @Sendable () -> Void) { state.withLock { $0.fire = fire } }

    /// Sets the timer to the earliest time requested since it last fired.
    package func wake(at instant: Instant) {
        state.withLock { state in
            guard !state.isStopped, instant < state.target ?? .distantFuture else { return }
            state.target = instant
            arm(instant)
        }
    }

    /// Cancels the timer and all requests.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            state.fire = nil
        }
        source.cancel()
    }

    private func arm(_ instant: Instant) {
        let wait = wait(until: instant)
        // Round up to the grid, so that close times share a wake-up.
        let moment = (now + wait).nanoseconds
        let nanoseconds = wait.nanoseconds + Self.grid - moment % Self.grid
        source.schedule(deadline: .now() + .nanoseconds(Int(nanoseconds)), leeway: .nanoseconds(0))
    }

    /// The time to wait, limited to the longest reliable sleep.
    func wait(until instant: Instant) -> Duration { min(max(instant - now, .zero), maximumSleep) }

    private func onTimer() {
        let fire: (@Sendable () -> Void)? = state.withLock { state in
            guard let target = state.target, !state.isStopped else { return nil }
            guard now >= target else {
                arm(target)
                return nil
            }
            state.target = nil
            return state.fire
        }
        fire?()
    }

    #if os(Linux)
        private static let bootClock = CLOCK_BOOTTIME
    #else
        // Darwin's monotonic clock continues during suspend.
        private static let bootClock = CLOCK_MONOTONIC
    #endif

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        precondition(clock_gettime(clock, &time) == 0, "clock \(clock) cannot be read (errno \(errno))")
        return (Duration.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)).nanoseconds
    }
}
