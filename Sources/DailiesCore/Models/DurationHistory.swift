/// How polls are placed.
public enum PollingMode: Hashable, Sendable {
    /// As the model's page says.
    case documented
    /// Where completions are likely, as soon as enough were seen; until then as documented.
    ///
    /// `share`: of the requests that the documented cadence would make, more than 0.
    case adaptive(share: Double)

    /// A third of the documented requests, with a margin for what the next clips do differently.
    public static let adaptive = PollingMode.adaptive(share: 0.32)
}

/// How long clips of one kind took, as the store holds it.
public struct ObservedDuration: Hashable, Sendable {
    /// What was asked for.
    public let shape: RequestShape
    /// From the submission to the completion, or, with `isDetected`, to the poll that found it.
    public let duration: Duration
    /// ``duration`` ends when a poll found it completed, not when the provider says that it was.
    public let isDetected: Bool
    /// Takes its properties as they are given.
    public init(shape: RequestShape, duration: Duration, isDetected: Bool) {
        self.shape = shape
        self.duration = duration
        self.isDetected = isDetected
    }
}

/// What was learned of durations, by kind of clip (model, resolution, seconds), and the plans that follow from it.
/// Durations here are those of speed 1. Bounded: the last ``windowSize`` of each kind, and of ``mostKinds`` kinds.
struct DurationHistory: Sendable {
    private static let windowSize = 4096
    private static let mostKinds = 256
    /// Longer than any render: what a clock or a store that is wrong makes of one. A plan walks through all polls of it.
    private static let longest = Duration.seconds(30 * 86_400)

    private struct Samples: Sendable {
        /// Nanoseconds.
        var durations: [Int64] = []
        /// Where the next one goes, once the window is full.
        var oldest = 0
        var seen = 0
        var plannedAt = 0
        var plan: AdaptivePollSchedule?
    }

    private let share: Double
    private var rhythms: [RequestShape: Samples] = [:]

    init(share: Double) { self.share = share }

    mutating func learn(_ duration: Duration, for shape: RequestShape) {
        guard duration > .zero, duration <= Self.longest, rhythms[shape] != nil || rhythms.count < Self.mostKinds else {
            return
        }
        var rhythm = rhythms[shape] ?? Samples()
        rhythm.seen += 1
        if rhythm.durations.count < Self.windowSize {
            rhythm.durations.append(duration.nanoseconds)
        } else {
            rhythm.durations[rhythm.oldest] = duration.nanoseconds
            rhythm.oldest = (rhythm.oldest + 1) % Self.windowSize
        }
        rhythms[shape] = rhythm
    }

    /// The plan for a kind of clip; nil: too little was seen. Made anew whenever a quarter more has been seen, or a quarter
    /// of the window has been replaced.
    mutating func plan(for shape: RequestShape, documented: PollCadence, afterwards: Duration) -> AdaptivePollSchedule?
    {
        guard let rhythm = rhythms[shape], rhythm.seen >= AdaptivePollSchedule.fewestDurations else { return nil }
        if rhythm.plannedAt > 0, rhythm.seen - rhythm.plannedAt < min(rhythm.plannedAt, Self.windowSize) / 4 {
            return rhythm.plan
        }
        let plan = AdaptivePollSchedule.best(
            for: rhythm.durations.map { .nanoseconds($0) }, documented: documented, afterwards: afterwards, share: share
        )
        rhythms[shape]?.plan = plan
        rhythms[shape]?.plannedAt = rhythm.seen
        return plan
    }
}
