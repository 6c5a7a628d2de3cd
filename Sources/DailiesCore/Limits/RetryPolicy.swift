/// How often and how soon transient failures are retried.
///
/// Source: the error-handling page's table: four attempts in all, waits of 1, 2 and 4 seconds, with jitter.
public struct RetryPolicy: Hashable, Sendable {
    /// Attempts in one burst, including the first. Default 4.
    public var attempts = 4
    /// Wait after the first failure; doubles each time. Default 1 s.
    public var initialWait: Duration = .seconds(1)
    /// First probe interval during an outage; doubles up to ``maximumProbeInterval``. Default 10 s.
    public var initialProbeInterval: Duration = .seconds(10)
    /// Maximum probe interval. Default 60 s.
    public var maximumProbeInterval: Duration = .seconds(60)

    /// Creates the policy that the provider documents: four attempts.
    public init() {}

    /// The wait after consecutive failures: between half and all of 1, 2, 4 s within the burst, then of the probe
    /// interval.
    ///
    /// - Parameter failures: consecutive failures, from 1.
    public func wait(afterFailures failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        precondition(failures >= 1, "no wait after \(failures) failures")
        let ceiling: Duration
        if failures < attempts {
            ceiling = initialWait * (1 << min(failures - 1, 20))
        } else {
            ceiling = min(initialProbeInterval * (1 << min(failures - attempts, 20)), maximumProbeInterval)
        }
        let half = max(ceiling.nanoseconds / 2, 1)
        return .nanoseconds(half + Int64.random(in: 0...half, using: &generator))
    }

    /// The policy for a clock that runs `speed` times as fast.
    public func divided(bySpeed speed: Double) -> RetryPolicy {
        var copy = self
        copy.initialWait = initialWait.divided(bySpeed: speed)
        copy.initialProbeInterval = initialProbeInterval.divided(bySpeed: speed)
        copy.maximumProbeInterval = maximumProbeInterval.divided(bySpeed: speed)
        return copy
    }
}
