import DailiesCore
import DailiesStore
import Dispatch
import Foundation

/// Real time: one `DispatchSourceTimer`, whatever the number of tasks.
///
/// The clock is the wall clock at the start plus the time since boot, suspend included (CLOCK_BOOTTIME), so that a jump
/// of the wall clock moves nothing. Dispatch's own time stands still in suspend, therefore the timer is armed at most
/// 30 s ahead, and whoever is woken looks at the clock.
public final class DispatchClock: RunnerClock, @unchecked Sendable {
    // Unchecked because of `source`: Dispatch's sources may be used from any thread, but do not say so.

    static let longestSleep = Duration.seconds(30)
    /// Wake-ups lie on a grid of this width: what falls due within it is served by one wake-up. A hundred thousand timers
    /// cost a ninth of the CPU that exact ones do, and half of what those on a grid of 1 ms do (measured).
    private static let grid: Int64 = 5_000_000

    private struct State {
        var fire: (@Sendable () -> Void)?
        var target: Instant?
        var isStopped = false
    }

    private let source: any DispatchSourceTimer
    private let state = Locked(State())
    private let clocks: Clocks
    private let longestSleep: Duration
    private let wallAtStart: Int64
    private let bootAtStart: Int64

    /// The clocks of the machine, in nanoseconds; those of a test jump and are suspended.
    struct Clocks: Sendable {
        var wall: @Sendable () -> Int64 = { DispatchClock.read(CLOCK_REALTIME) }
        var boot: @Sendable () -> Int64 = { DispatchClock.read(DispatchClock.bootClock) }
    }

    /// From the machine's clocks as they stand.
    public convenience init() { self.init(clocks: Clocks()) }

    init(clocks: Clocks, longestSleep: Duration = DispatchClock.longestSleep) {
        self.clocks = clocks
        self.longestSleep = longestSleep
        wallAtStart = clocks.wall()
        bootAtStart = clocks.boot()
        source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "dailies.timers", qos: .userInitiated))
        source.schedule(deadline: .distantFuture)
        source.setEventHandler { @Sendable [weak self] in self?.onTimer() }
        source.activate()
    }

    deinit { source.cancel() }

    /// The wall clock at the start, plus the time since.
    public var now: Instant {
        Instant(nanoseconds: wallAtStart)
            + (Instant(nanoseconds: clocks.boot()) - Instant(nanoseconds: bootAtStart))
    }

    /// Keeps what is to be called.
    public func start(_ fire: @escaping @Sendable () -> Void) { state.withLock { $0.fire = fire } }

    /// Arms the timer for the earliest of the moments asked for since it last fired.
    public func wake(at instant: Instant) {
        state.withLock { state in
            guard !state.isStopped, instant < state.target ?? .distantFuture else { return }
            state.target = instant
            arm(instant)
        }
    }

    /// Cancels the timer; what was asked for is forgotten.
    public func stop() {
        state.withLock { state in
            state.isStopped = true
            state.fire = nil
        }
        source.cancel()
    }

    private func arm(_ instant: Instant) {
        let wait = wait(until: instant)
        // The next line of the grid, whoever asks: two moments close to each other are one wake-up.
        let moment = (now + wait).nanoseconds
        let nanoseconds = wait.nanoseconds + Self.grid - moment % Self.grid
        source.schedule(deadline: .now() + .nanoseconds(Int(nanoseconds)), leeway: .nanoseconds(0))
    }

    /// How long the timer may be trusted with a wait.
    func wait(until instant: Instant) -> Duration { min(max(instant - now, .zero), longestSleep) }

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
        // Darwin's monotonic clock goes on in suspend.
        private static let bootClock = CLOCK_MONOTONIC
    #endif

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        precondition(clock_gettime(clock, &time) == 0, "clock \(clock) cannot be read (errno \(errno))")
        return (Duration.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)).nanoseconds
    }
}
