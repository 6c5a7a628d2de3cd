/// When to ask for a task, counted from its submission: phases of an interval each, then a slower beat.
///
/// Source: the "Poll" section of each model's page; what follows the last phase is from the vendor's authoring template
/// (every 10 s). Intervals are at least 1 s at speed 1.
public struct PollCadence: Hashable, Sendable {
    /// One interval, up to an age.
    public struct Phase: Hashable, Sendable {
        /// Between two questions; above zero.
        public let interval: Duration
        /// End of the phase, counted from submission; nil: open ended.
        public let until: Duration?
        /// - Precondition: `interval` is above zero.
        public init(interval: Duration, until: Duration?) {
            precondition(interval > .zero, "an interval of \(interval) would poll without pause")
            self.interval = interval
            self.until = until
        }
    }
    /// In order of age.
    public let phases: [Phase]

    /// Takes the phases as they are given.
    public init(phases: [Phase]) { self.phases = phases }

    /// For a model that no page describes: 2 s to 60 s, 5 s to 180 s, then 10 s. Source: the authoring template.
    public static let fallback = PollCadence(phases: [
        Phase(interval: .seconds(2), until: .seconds(60)),
        Phase(interval: .seconds(5), until: .seconds(180)),
    ])

    /// Where the recommended cadence ends. An open-ended cadence has its window at the end of its last closed phase.
    public var window: Duration { phases.last(where: { $0.until != nil })?.until ?? .zero }
}
