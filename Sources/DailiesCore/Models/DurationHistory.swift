/// How poll times are chosen.
public enum PollingMode: Hashable, Sendable {
    /// The cadence that the model's page documents.
    case documented
    /// Polls where completions are likely, once enough durations are known; documented until then.
    ///
    /// `share`: fraction of the documented cadence's requests to make, more than 0.
    case adaptive(share: Double)

    /// A third of the documented requests, with a margin for variation in later clips.
    public static let adaptive = PollingMode.adaptive(share: 0.32)
}

/// How long one clip took, as recorded in the store.
package struct ObservedDuration: Hashable, Sendable {
    /// The requested model, duration and resolution.
    package let shape: RequestShape
    /// Time from submission to completion or, if `isDetected`, to the poll that detected it.
    package let duration: Duration
    /// Whether ``duration`` ends with the poll that detected the completion instead of the provider's completion time.
    package let isDetected: Bool
    package init(shape: RequestShape, duration: Duration, isDetected: Bool) {
        self.shape = shape
        self.duration = duration
        self.isDetected = isDetected
    }
}

/// Observed durations by kind of clip (model, resolution, seconds), and the plans derived from them. Durations are
/// those of speed 1. Keeps the last ``windowSize`` of each kind, for ``maximumKinds`` kinds.
struct DurationHistory: Sendable {
    private static let windowSize = 4096
    private static let maximumKinds = 256
    /// Longer than any render; only a wrong clock or store exceeds it. Planning walks through all polls of a duration.
    private static let maximumDuration = Duration.seconds(30 * 86_400)

    private struct Samples: Sendable {
        /// Durations in nanoseconds.
        var durations: [Int64] = []
        /// The index that the next duration replaces once the window is full.
        var oldest = 0
        var seen = 0
        var plannedAt = 0
        var plan: AdaptivePollSchedule?
    }

    private let share: Double
    private var samplesByShape: [RequestShape: Samples] = [:]

    init(share: Double) { self.share = share }

    mutating func learn(_ duration: Duration, for shape: RequestShape) {
        guard duration > .zero, duration <= Self.maximumDuration,
            samplesByShape[shape] != nil || samplesByShape.count < Self.maximumKinds
        else {
            return
        }
        var samples = samplesByShape[shape] ?? Samples()
        samples.seen += 1
        if samples.durations.count < Self.windowSize {
            samples.durations.append(duration.nanoseconds)
        } else {
            samples.durations[samples.oldest] = duration.nanoseconds
            samples.oldest = (samples.oldest + 1) % Self.windowSize
        }
        samplesByShape[shape] = samples
    }

    /// The plan for a kind of clip; nil if too few durations are known. It is recomputed after a quarter more
    /// durations, or a quarter of the window, have arrived.
    mutating func plan(for shape: RequestShape, documented: PollCadence, afterwards: Duration) -> AdaptivePollSchedule?
    {
        guard let samples = samplesByShape[shape], samples.seen >= AdaptivePollSchedule.minimumDurations else {
            return nil
        }
        if samples.plannedAt > 0, samples.seen - samples.plannedAt < min(samples.plannedAt, Self.windowSize) / 4 {
            return samples.plan
        }
        let plan = AdaptivePollSchedule.best(
            for: samples.durations.map { .nanoseconds($0) }, documented: documented, afterwards: afterwards,
            share: share
        )
        samplesByShape[shape]?.plan = plan
        samplesByShape[shape]?.plannedAt = samples.seen
        return plan
    }
}
