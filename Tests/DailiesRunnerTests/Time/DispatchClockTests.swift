import DailiesCore
import DailiesStore
import Dispatch
import Testing

@testable import DailiesRunner

struct DispatchClockTests {
    private static let patience = DispatchTimeInterval.seconds(30)

    @Test func `a wake-up comes at its time, not earlier`() {
        let timers = DispatchClock()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        let moment = timers.now + .milliseconds(30)
        timers.wake(at: moment)
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
        #expect(timers.now >= moment)
    }

    @Test func `a time in the past fires immediately`() {
        let timers = DispatchClock()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        timers.wake(at: .distantPast)
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
    }

    @Test func `an earlier time fires first, even if it was requested later`() {
        let timers = DispatchClock()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        timers.wake(at: timers.now + .seconds(3600))
        timers.wake(at: timers.now + .milliseconds(10))
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
    }

    @Test func `nothing fires after the stop`() {
        let (timers, other) = (DispatchClock(), DispatchClock())
        defer { other.stop() }
        let (fired, passed) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        timers.start { fired.signal() }
        other.start { passed.signal() }
        timers.wake(at: timers.now + .milliseconds(20))
        timers.stop()
        timers.wake(at: .distantPast)
        other.wake(at: other.now + .milliseconds(60))
        #expect(passed.wait(timeout: .now() + Self.patience) == .success)
        #expect(fired.wait(timeout: .now()) == .timedOut)
    }

    @Test func `jumps of the wall clock do not change the time or a wake-up`() {
        let wall = ManualClock(1_790_000_000_000_000_000)
        let timers = DispatchClock(clocks: .init(wall: { wall.value }))
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        let start = timers.now
        let moment = start + .milliseconds(50)
        timers.wake(at: moment)
        for jump in [86_400, -10 * 86_400, 9 * 86_400] {
            wall.move(by: .seconds(jump))
            #expect(timers.now - start < .seconds(60) && timers.now >= start)
        }
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
        #expect(timers.now >= moment && timers.now - moment < .seconds(60))
    }

    @Test func `wake-ups due during suspend fire at the next check, and the timer checks at least every 30 s`() {
        let boot = ManualClock(1_000_000_000)
        let timers = DispatchClock(clocks: .init(boot: { boot.value }), maximumSleep: .milliseconds(20))
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        timers.wake(at: timers.now + .seconds(7200))
        // Dispatch's own time stood still: only the next check can notice.
        boot.move(by: .seconds(7200))
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)

        let real = DispatchClock()
        defer { real.stop() }
        #expect(real.wait(until: real.now + .seconds(86_400)) == .seconds(30))
        #expect(real.wait(until: .distantPast) == .zero)
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func `clocks at the limits of 64 bits work, and wake-ups come`(edge: Int64) {
        for (wall, boot) in [(edge, edge), (edge, 0), (0, edge), (edge, Int64.min), (Int64.max, edge)] {
            let clock = ManualClock(boot)
            let timers = DispatchClock(clocks: .init(wall: { wall }, boot: { clock.value }))
            defer { timers.stop() }
            #expect(timers.now == Instant(nanoseconds: wall))
            let fired = DispatchSemaphore(value: 0)
            timers.start { fired.signal() }
            timers.wake(at: .distantFuture)
            timers.wake(at: timers.now + .seconds(3600))
            timers.wake(at: .distantPast)
            #expect(fired.wait(timeout: .now() + Self.patience) == .success, "\(wall) \(boot)")
        }
    }

    @Test func `the clock shows the wall time and never goes back`() {
        let timers = DispatchClock()
        defer { timers.stop() }
        var last = timers.now
        // 2020-01-01: every machine's clock is later.
        #expect(last > Instant(milliseconds: 1_577_836_800_000))
        for _ in 0..<1000 {
            let now = timers.now
            #expect(now >= last)
            last = now
        }
    }
}

/// A clock that stands still but for its jumps.
private final class ManualClock: Sendable {
    private let nanoseconds: Locked<Int64>
    init(_ nanoseconds: Int64) { self.nanoseconds = Locked(nanoseconds) }
    var value: Int64 { nanoseconds.withLock { $0 } }
    func move(by duration: Duration) { nanoseconds.withLock { $0 += duration.components.seconds * 1_000_000_000 } }
}
