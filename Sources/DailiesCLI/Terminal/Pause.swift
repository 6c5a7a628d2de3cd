import DailiesCore
import DailiesRunner

/// Lets a command sleep.
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
