/// How often and how soon something that failed for a moment is tried again.
///
/// Source: the error-handling page's table: four attempts in all, waits of 1, 2 and 4 seconds, with jitter.
public struct RetryPolicy: Hashable, Sendable {
    /// Tries in one burst, the first included. Default 4.
    public var attempts = 4
    /// Wait after the first failure; it doubles from one to the next. Default 1 s.
    public var firstWait: Duration = .seconds(1)
    /// Probes while something is down: from this interval, doubling up to ``longestProbe``. Default 10 s.
    public var firstProbe: Duration = .seconds(10)
    /// Default 60 s.
    public var longestProbe: Duration = .seconds(60)

    /// Four attempts, as the provider's page has them.
    public init() {}

    /// The wait after a number of failures in a row: between half and the whole of 1, 2, 4 s within the burst, then
    /// likewise of the probe interval.
    ///
    /// - Parameter failures: in a row, counted from 1.
    public func wait(afterFailures failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        precondition(failures >= 1, "no wait after \(failures) failures")
        let ceiling: Duration
        if failures < attempts {
            ceiling = firstWait * (1 << min(failures - 1, 20))
        } else {
            ceiling = min(firstProbe * (1 << min(failures - attempts, 20)), longestProbe)
        }
        let half = max(ceiling.nanoseconds / 2, 1)
        return .nanoseconds(half + Int64.random(in: 0...half, using: &generator))
    }

    /// The same waits on a clock that runs `speed` times as fast.
    public func divided(bySpeed speed: Double) -> RetryPolicy {
        var copy = self
        copy.firstWait = firstWait.divided(bySpeed: speed)
        copy.firstProbe = firstProbe.divided(bySpeed: speed)
        copy.longestProbe = longestProbe.divided(bySpeed: speed)
        return copy
    }
}
