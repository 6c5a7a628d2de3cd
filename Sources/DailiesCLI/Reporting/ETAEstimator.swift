import DailiesCore

/// How long the rest takes, learned from what has finished: from the middle and from the slow end of the last durations.
///
/// A free slot takes the next clip, so that what is left is spread over the slots, less what those in flight have behind
/// them; it is never over before the youngest in flight, or a clip that has not begun, has had its time.
struct ETAEstimator: Sendable {
    /// Finished tasks that it learns from: the last ones.
    private static let sampleLimit = 200
    /// Fewer are an anecdote.
    private static let leastSamples = 5
    /// Where the slow end takes so many times as long as the middle, no sum of them says anything.
    private static let widestSpread = 6.0
    /// Longer than any render: what a clock or a store that is wrong makes of one.
    private static let longest = Duration.seconds(30 * 86_400)

    private var samples: [Duration] = []

    var sampleCount: Int { samples.count }

    mutating func learn(_ duration: Duration) {
        guard duration > .zero, duration <= Self.longest else { return }
        samples.append(duration)
        if samples.count > Self.sampleLimit { samples.removeFirst(samples.count - Self.sampleLimit) }
    }

    /// - Parameters:
    ///   - waiting: tasks that have not begun.
    ///   - ages: of those in flight.
    ///   - slots: tasks in flight at a time, as it is now.
    /// - Returns: from the half to nine in ten; nil while it would be nonsense.
    func range(waiting: Int, ages: [Duration], slots: Int) -> ClosedRange<Duration>? {
        guard waiting + ages.count > 0, slots > 0, samples.count >= Self.leastSamples else { return nil }
        let sorted = samples.sorted()
        let middle = sorted[sorted.count / 2]
        let slow = sorted[min(sorted.count * 9 / 10, sorted.count - 1)]
        guard slow.inSeconds <= Self.widestSpread * middle.inSeconds else { return nil }
        let low = rest(waiting, ages, slots, each: middle)
        return low...max(low, rest(waiting, ages, slots, each: slow))
    }

    private func rest(_ waiting: Int, _ ages: [Duration], _ slots: Int, each duration: Duration) -> Duration {
        let left = ages.map { max(duration - $0, .zero) }
        let spread = (duration * waiting + left.reduce(.zero, +)) / slots
        return max(spread, waiting > 0 ? duration : left.max() ?? .zero)
    }

    /// `3–5 min`, `about 40 s`
    static func words(_ range: ClosedRange<Duration>) -> String {
        let (low, high) = (range.lowerBound.inSeconds, range.upperBound.inSeconds)
        func words(_ unitSeconds: Double, _ unit: String) -> String {
            let from = max(Int(saturating: (low / unitSeconds).rounded(.down)), unitSeconds == 1 ? 1 : 0)
            let to = max(Int(saturating: (high / unitSeconds).rounded(.up)), 1)
            return from == to ? "about \(to) \(unit)" : from == 0 ? "up to \(to) \(unit)" : "\(from)–\(to) \(unit)"
        }
        if high < 120 { return words(1, "s") }
        return high < 7200 ? words(60, "min") : words(3600, "h")
    }
}
