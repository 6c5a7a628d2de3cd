import DailiesCore
import Dispatch
import Testing

@testable import DailiesRunner

struct DispatchTimersTests {
    private static let patience = DispatchTimeInterval.seconds(30)

    @Test func `a wake-up comes, and not before its moment`() {
        let timers = DispatchTimers()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        let moment = timers.now + .milliseconds(30)
        timers.wake(at: moment)
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
        #expect(timers.now >= moment)
    }

    @Test func `a moment that has passed fires at once`() {
        let timers = DispatchTimers()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        timers.wake(at: .distantPast)
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
    }

    @Test func `an earlier wish comes before the one that was asked for first`() {
        let timers = DispatchTimers()
        defer { timers.stop() }
        let fired = DispatchSemaphore(value: 0)
        timers.start { fired.signal() }
        timers.wake(at: timers.now + .seconds(3600))
        timers.wake(at: timers.now + .milliseconds(10))
        #expect(fired.wait(timeout: .now() + Self.patience) == .success)
    }

    @Test func `after the stop nothing fires`() {
        let (timers, other) = (DispatchTimers(), DispatchTimers())
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

    @Test func `the clock stands at the wall's time and never goes back`() {
        let timers = DispatchTimers()
        defer { timers.stop() }
        var last = timers.now
        // 2020-01-01: any machine that runs this is later.
        #expect(last > Instant(milliseconds: 1_577_836_800_000))
        for _ in 0..<1000 {
            let now = timers.now
            #expect(now >= last)
            last = now
        }
    }
}
