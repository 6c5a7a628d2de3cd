/// Poll times placed where completions are likely, learned from the durations of similar clips.
///
/// Each poll costs a request; each second between a completion and its poll costs a second of a slot. The plan
/// minimizes requests + weight × delay over the observed durations, exactly, by dynamic programming over a grid of
/// `steps` moments. The weight is chosen so that the plan comes closest to its targets. Polls are never closer than
/// ``minimumInterval``. After the last one the documented cadence continues.
///
/// Source of the targets: a clip whose durations vary by a fifth needs about 18 polls for six tenths of the delay of 57
/// documented ones; the exact optimum lies there.
package struct AdaptivePollSchedule: Hashable, Sendable {
    /// Minimum interval between two polls of a plan, at speed 1.
    package static let minimumInterval = Duration.seconds(1)
    /// Minimum number of durations to plan from.
    package static let minimumDurations = 30
    private static let steps = 384
    /// Points between which the distribution function is taken as linear; more would fit noise.
    private static let knots = 48
    /// How far the distribution extends beyond the shortest and longest duration, as a fraction.
    private static let margin = 0.02
    /// Fraction of the mean duration below which a mean delay is not worth more requests.
    private static let negligibleDelay = 0.03
    private static let weightRange = 1e-3...1e3
    private static let bisections = 14

    /// Poll times since the submission, ascending.
    package let times: [Duration]
    /// Expected number of polls per clip.
    package let expectedPolls: Double
    /// Expected seconds from a completion to the poll that detects it.
    package let expectedDelay: Double

    /// The first poll after a time since the submission; nil: use the documented cadence.
    package func next(after elapsed: Duration) -> Duration? {
        let index = times.partitioningIndex { $0 > elapsed }
        return index < times.count ? times[index] : nil
    }

    /// - Parameters:
    ///   - durations: times from submission to completion of similar clips, at speed 1; at least ``minimumDurations``.
    ///   - documented: the cadence to compare with.
    ///   - share: the fraction of the documented cadence's requests to spend, more than 0; the plan spends more if the
    ///     mean delay would otherwise exceed a small part of the duration.
    /// - Returns: nil if there are too few durations.
    package static func best(
        for durations: [Duration], documented: PollCadence, afterwards: Duration, share: Double
    ) -> AdaptivePollSchedule? {
        guard durations.count >= minimumDurations, let grid = Grid(durations) else { return nil }
        let wanted = share * grid.polls(of: documented, afterwards)
        let thrifty = grid.nearest { $0.expectedPolls - wanted }
        let maximumDelay = negligibleDelay * grid.mean
        return thrifty.expectedDelay <= maximumDelay ? thrifty : grid.nearest { maximumDelay - $0.expectedDelay }
    }

    /// The distribution function and its integral on a grid.
    private struct Grid {
        /// Times in seconds.
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

        /// Expected number of polls under a cadence.
        func polls(of cadence: PollCadence, _ afterwards: Duration) -> Double {
            var (elapsed, polls, index) = (Duration.zero, 0.0, 0)
            while index < moments.count {
                polls += index == 0 ? 1 : 1 - below[index]
                elapsed = cadence.nextPoll(after: elapsed, afterwards: afterwards)
                while index < moments.count, moments[index] < elapsed.inSeconds { index += 1 }
            }
            return polls
        }

        /// The plan whose measure, which grows with the weight, is closest to zero.
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

        /// The cheapest plan, computed backwards: the cost from each moment on and the poll that follows it.
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
            let minimumInterval = AdaptivePollSchedule.minimumInterval.inSeconds
            var best: (cost: Double, next: Int?) = (.infinity, nil)
            for next in first..<moments.count where moments[next] - moment >= minimumInterval {
                let delay = integral[next] - sum - known * (moments[next] - moment)
                // From here on the cost only grows: the delay grows with the distance, and the remaining cost is not
                // negative.
                if weight * delay > best.cost { break }
                let cost = 1 - known + weight * delay + costs[next]
                if cost < best.cost { best = (cost, next) }
            }
            // Too close to the end for another poll: the documented cadence continues there, with one more poll.
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
    /// The first index from which a condition holds; it must not hold for any earlier element.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
