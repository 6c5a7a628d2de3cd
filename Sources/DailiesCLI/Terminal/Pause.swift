import DailiesCore
import DailiesRunner

/// Lets time pass in a command that waits for others.
enum Pause {
    static func now(for duration: Duration) async {
        let timers = DispatchClock()
        await withCheckedContinuation { continuation in
            timers.start {
                timers.stop()
                continuation.resume()
            }
            timers.wake(at: timers.now + duration)
        }
    }
}
