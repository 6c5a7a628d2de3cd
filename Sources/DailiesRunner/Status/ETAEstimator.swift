import DailiesCore

/// Estimates the remaining time from the median and the 90th percentile of recent durations.
///
/// The remaining work is spread over the slots, minus the elapsed time of tasks in flight. The estimate is never
/// shorter than the time left for the youngest task in flight, or than one full render if a task has not started.
package struct ETAEstimator: Sendable {
    /// Number of recently finished tasks in the estimate.
    private static let sampleLimit = 200
    /// With fewer samples there is no estimate.
    private static let minimumSamples = 5
    /// If the 90th percentile is more than this many times the median, an estimate would be meaningless.
    private static let maximumSpread = 6.0
    /// Longer durations come from a wrong clock or store and are ignored.
    private static let maximumDuration = Duration.seconds(30 * 86_400)

    private var samples: [Duration] = []

    package var sampleCount: Int { samples.count }

    package init() {}

    package mutating func learn(_ duration: Duration) {
        guard duration > .zero, duration <= Self.maximumDuration else { return }
        samples.append(duration)
        if samples.count > Self.sampleLimit { samples.removeFirst(samples.count - Self.sampleLimit) }
    }

    /// - Parameters:
    ///   - waiting: number of tasks that have not started.
    ///   - ages: elapsed time of the tasks in flight.
    ///   - slots: current number of tasks in flight.
    /// - Returns: the median estimate to the 90th percentile; nil if there is too little data.
    package func range(waiting: Int, ages: [Duration], slots: Int) -> ClosedRange<Duration>? {
        guard waiting + ages.count > 0, slots > 0, samples.count >= Self.minimumSamples else { return nil }
        let sorted = samples.sorted()
        let median = sorted[sorted.count / 2]
        let slow = sorted[min(sorted.count * 9 / 10, sorted.count - 1)]
        guard slow.inSeconds <= Self.maximumSpread * median.inSeconds else { return nil }
        let low = remaining(waiting, ages, slots, each: median)
        return low...max(low, remaining(waiting, ages, slots, each: slow))
    }

    private func remaining(_ waiting: Int, _ ages: [Duration], _ slots: Int, each duration: Duration) -> Duration {
        let left = ages.map { max(duration - $0, .zero) }
        let spread = (duration * waiting + left.reduce(.zero, +)) / slots
        return max(spread, waiting > 0 ? duration : left.max() ?? .zero)
    }
}
