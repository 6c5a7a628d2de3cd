/// When to poll a task, counted from its submission: phases with an interval each, then a slower interval.
///
/// Source: the "Poll" section of each model's page; the interval after the last phase is from the vendor's authoring
/// template (every 10 s). Intervals are at least 1 s at speed 1.
public struct PollCadence: Hashable, Sendable {
    /// A poll interval until a task reaches an age.
    public struct Phase: Hashable, Sendable {
        /// The interval between polls, above zero.
        public let interval: Duration
        /// End of the phase, counted from submission; nil: open-ended.
        public let until: Duration?
        /// - Precondition: `interval` is above zero.
        public init(interval: Duration, until: Duration?) {
            precondition(interval > .zero, "an interval of \(interval) would poll without pause")
            self.interval = interval
            self.until = until
        }
    }
    /// The phases in order of age.
    public let phases: [Phase]

    /// Creates a cadence from its phases.
    public init(phases: [Phase]) { self.phases = phases }

    /// The cadence for unlisted models: 2 s until 60 s, 5 s until 180 s, then 10 s. Source: the authoring template.
    public static let fallback = PollCadence(phases: [
        Phase(interval: .seconds(2), until: .seconds(60)),
        Phase(interval: .seconds(5), until: .seconds(180)),
    ])

    /// The end of the recommended cadence; for an open-ended one, the end of its last closed phase.
    public var window: Duration { phases.last(where: { $0.until != nil })?.until ?? .zero }
}

extension PollCadence {
    /// The first poll time after a given time since the submission.
    ///
    /// Poll times are a fixed grid counted from the submission, so that a restart, a slow reply or a late timer does
    /// not move them: multiples of the first interval up to the end of its phase, then of the next phase's interval
    /// from there on.
    ///
    /// - Parameters:
    ///   - elapsed: time since the submission; negative counts as zero.
    ///   - afterwards: interval after the last phase.
    /// - Returns: a duration since the submission, greater than `elapsed` if that is less than 292 years.
    public func nextPoll(after elapsed: Duration, afterwards: Duration) -> Duration {
        let elapsed = max(elapsed, .zero)
        var start = Duration.zero
        for phase in phases {
            if let end = phase.until, elapsed >= end {
                start = end
                continue
            }
            let next = Self.nextMultiple(of: phase.interval, from: start, after: elapsed)
            // A poll just before the end counts as the end: dividing by a speed rounds both.
            guard let end = phase.until, next > end - phase.interval / 1000 else { return next }
            // The phase ends before its next poll: the following phase starts counting at that end.
            return end
        }
        return Self.nextMultiple(of: afterwards, from: start, after: elapsed)
    }

    private static func nextMultiple(of interval: Duration, from start: Duration, after elapsed: Duration) -> Duration {
        let step = max(interval.nanoseconds, 1)
        let passed = (elapsed - start).nanoseconds / step
        return start + .nanoseconds(Int64(clamping: (Int128(passed) + 1) * Int128(step)))
    }

    /// The cadence for a clock that runs `speed` times as fast.
    public func divided(bySpeed speed: Double) -> PollCadence {
        PollCadence(
            phases: phases.map {
                Phase(
                    interval: max($0.interval.divided(bySpeed: speed), .nanoseconds(1)),
                    until: $0.until?.divided(bySpeed: speed))
            })
    }
}
