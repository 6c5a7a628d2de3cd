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
