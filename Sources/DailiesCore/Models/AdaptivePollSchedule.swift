/// Poll times placed where completions are likely, learned from the durations of clips of one kind.
///
/// Each poll costs a request, each second between a completion and its poll costs a second of a slot. The plan minimises
/// requests + weight × delay over the durations seen, exactly, by dynamic programming over a grid of `steps` moments;
/// the weight is that with which the plan comes nearest to its aims. Never closer than ``closest``. After the last moment
/// the documented cadence goes on.
///
/// Source of the aims: a clip whose durations scatter by a fifth needs about 18 polls for six tenths of the delay that 57
/// documented ones have; the exact optimum lies there.
public struct AdaptivePollSchedule: Hashable, Sendable {
    /// No two polls of a plan are closer together, at speed 1.
    public static let closest = Duration.seconds(1)
    /// Fewer durations say too little.
    public static let fewestDurations = 30
    private static let steps = 384
    /// Points of the distribution function between which it is taken as straight: more would follow accidents.
    private static let knots = 48
    /// How far beyond the shortest and the longest seen the distribution reaches.
    private static let margin = 0.02
    /// Of the mean duration: a mean delay below this needs no further requests.
    private static let negligibleDelay = 0.03
    private static let weightRange = 1e-3...1e3
    private static let bisections = 14

    /// Since the submission, ascending.
    public let times: [Duration]
    /// What the plan expects of a clip: polls, and seconds from its completion to the poll that finds it.
    public let expectedPolls: Double
    /// Seconds from a completion until it is noticed, on average.
    public let expectedDelay: Double

    /// The first poll after a moment since the submission; nil: the documented cadence goes on.
    public func next(after elapsed: Duration) -> Duration? {
        let index = times.partitioningIndex { $0 > elapsed }
        return index < times.count ? times[index] : nil
    }

    /// - Parameters:
    ///   - durations: from submission to completion, at speed 1, of clips of one kind; at least ``fewestDurations``.
    ///   - documented: what the plan is compared with.
    ///   - share: of the requests that the documented cadence would need, more than 0; that many are spent, or more where
    ///     the mean delay would otherwise be more than a small part of the duration.
    /// - Returns: nil where there are too few durations.
    public static func best(
        for durations: [Duration], documented: PollCadence, afterwards: Duration, share: Double
    ) -> AdaptivePollSchedule? {
        guard durations.count >= fewestDurations, let grid = Grid(durations) else { return nil }
        let wanted = share * grid.polls(of: documented, afterwards)
        let thrifty = grid.nearest { $0.expectedPolls - wanted }
        let longest = negligibleDelay * grid.mean
        return thrifty.expectedDelay <= longest ? thrifty : grid.nearest { longest - $0.expectedDelay }
    }

    /// The distribution on a grid: its function, and that one's integral.
    private struct Grid {
        /// Seconds.
        let moments: [Double]
        let below: [Double]
        let integral: [Double]
        let mean: Double

        init?(_ durations: [Duration]) {
            let sorted = durations.map(\.inSeconds).sorted()
            guard let first = sorted.first, let last = sorted.last, first > 0 else { return nil }
            mean = sorted.reduce(0, +) / Double(sorted.count)
            var points = [(first * (1 - AdaptivePollSchedule.margin), 0.0)]
            for index in 0..<AdaptivePollSchedule.knots {
                let part = (Double(index) + 0.5) / Double(AdaptivePollSchedule.knots)
                points.append((sorted[min(Int(part * Double(sorted.count)), sorted.count - 1)], part))
            }
            points.append((last * (1 + AdaptivePollSchedule.margin), 1))
            let start = points[0].0
            let width = (points[points.count - 1].0 - start) / Double(AdaptivePollSchedule.steps)
            let moments = (0...AdaptivePollSchedule.steps).map { start + width * Double($0) }
            let below = Self.interpolate(points, at: moments)
            var integral = [0.0]
            for index in 1..<moments.count {
                integral.append(integral[index - 1] + (below[index - 1] + below[index]) / 2 * width)
            }
            (self.moments, self.below, self.integral) = (moments, below, integral)
        }

        private static func interpolate(_ points: [(Double, Double)], at moments: [Double]) -> [Double] {
            var segment = 0
            return moments.map { moment in
                while segment + 2 < points.count, points[segment + 1].0 <= moment { segment += 1 }
                let (from, to) = (points[segment], points[segment + 1])
                guard to.0 > from.0 else { return to.1 }
                return min(1, max(0, from.1 + (to.1 - from.1) * (moment - from.0) / (to.0 - from.0)))
            }
        }

        /// Expected number of polls of a cadence.
        func polls(of cadence: PollCadence, _ afterwards: Duration) -> Double {
            var (elapsed, polls, index) = (Duration.zero, 0.0, 0)
            while index < moments.count {
                polls += index == 0 ? 1 : 1 - below[index]
                elapsed = cadence.nextPoll(after: elapsed, afterwards: afterwards)
                while index < moments.count, moments[index] < elapsed.inSeconds { index += 1 }
            }
            return polls
        }

        /// The plan for which a measure that grows with the weight comes nearest to zero.
        func nearest(_ measure: (AdaptivePollSchedule) -> Double) -> AdaptivePollSchedule {
            var (low, high) = (AdaptivePollSchedule.weightRange.lowerBound, AdaptivePollSchedule.weightRange.upperBound)
            var best = plan(weight: high)
            for _ in 0..<AdaptivePollSchedule.bisections {
                let weight = (low * high).squareRoot()
                let candidate = plan(weight: weight)
                if abs(measure(candidate)) < abs(measure(best)) { best = candidate }
                if measure(candidate) < 0 { low = weight } else { high = weight }
            }
            return best
        }

        /// The cheapest plan, from its end: what each moment costs from there on, and which one follows.
        func plan(weight: Double) -> AdaptivePollSchedule {
            let last = moments.count - 1
            var costs = Array(repeating: 0.0, count: moments.count)
            var following = [Int?](repeating: nil, count: moments.count)
            for index in stride(from: last - 1, through: 0, by: -1) {
                (costs[index], following[index]) = cheapest(
                    after: moments[index], below: below[index], integral: integral[index], from: index + 1, weight,
                    costs)
            }
            var chosen: [Int] = []
            var next = cheapest(after: 0, below: 0, integral: 0, from: 0, weight, costs).next
            while let index = next {
                chosen.append(index)
                next = following[index]
            }
            return plan(of: chosen)
        }

        private func cheapest(
            after moment: Double, below known: Double, integral sum: Double, from first: Int, _ weight: Double,
            _ costs: [Double]
        ) -> (cost: Double, next: Int?) {
            let closest = AdaptivePollSchedule.closest.inSeconds
            var best: (cost: Double, next: Int?) = (.infinity, nil)
            for next in first..<moments.count where moments[next] - moment >= closest {
                let delay = integral[next] - sum - known * (moments[next] - moment)
                // It only becomes more from here on: the delay grows with the distance, and the rest costs nothing less
                // than nothing.
                if weight * delay > best.cost { break }
                let cost = 1 - known + weight * delay + costs[next]
                if cost < best.cost { best = (cost, next) }
            }
            // Too close to the end for another one: there the documented cadence goes on, with one poll more.
            return best.next == nil ? (1 - known, nil) : best
        }

        private func plan(of chosen: [Int]) -> AdaptivePollSchedule {
            var (polls, delay) = (1.0, chosen.first.map { integral[$0] } ?? 0)
            for (index, next) in zip(chosen, chosen.dropFirst()) {
                polls += 1 - below[index]
                delay += integral[next] - integral[index] - below[index] * (moments[next] - moments[index])
            }
            return AdaptivePollSchedule(
                times: chosen.map { .nanoseconds(Int64(saturating: moments[$0] * 1e9)) }, expectedPolls: polls,
                expectedDelay: delay)
        }
    }
}

extension Array {
    /// The first index from which on a condition holds, where it holds for no earlier element.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
