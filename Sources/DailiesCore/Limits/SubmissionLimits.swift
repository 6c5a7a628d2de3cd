/// How much may be at the provider, and how fast it goes there. May change while a run goes on: a lower limit recalls
/// nothing, it holds new submits up until enough has come back.
public struct SubmissionLimits: Hashable, Sendable {
    /// Tasks in flight at the provider, at least 1. Default 5, the smallest account of the provider.
    public var concurrency: Int
    /// Tasks in flight of one model, each at least 1. A model that is not here has the limit above alone.
    public var byModel: [ModelID: Int]
    /// nil (default): as fast as slots come free.
    public var pace: SubmitRate?

    /// Takes its properties as they are given.
    public init(concurrency: Int = 5, byModel: [ModelID: Int] = [:], pace: SubmitRate? = nil) {
        self.concurrency = concurrency
        self.byModel = byModel
        self.pace = pace
    }

    /// Whether every limit lets something run.
    var isUsable: Bool { concurrency >= 1 && byModel.values.allSatisfy { $0 >= 1 } }
}

/// What a pause by the user holds up.
public enum PauseScope: Hashable, Sendable {
    /// Whatever waits.
    case everything
    /// What waits in this batch.
    case batch(BatchID)
    /// What waits for this model, in any batch.
    case model(ModelID)
}

/// Submits in a length of time, at most: in any window of the length T there are no more than T / interval + 1 of them,
/// and with intervals below 10 ms those of 10 ms more, since timers are no finer.
public struct SubmitRate: Hashable, Sendable {
    /// Shorter waits cannot be told from none by the timer's grid of a millisecond.
    private static let finest = Duration.milliseconds(10)

    /// From one submit to the next, more than nothing.
    public let interval: Duration

    /// One submit in each such interval.
    public init(interval: Duration) {
        precondition(interval > .zero, "an interval of \(interval) is no pace")
        self.interval = interval
    }

    /// By how much a submit may come before its turn, so that several can share a wake-up.
    var slack: Duration { interval < Self.finest ? Self.finest : .zero }
}

/// Keeps a pace: remembers when the next submit has its turn.
///
/// The rule is the generic cell rate algorithm: a turn lies an interval after the one before, and nobody saves turns up.
struct RateLimiter: Hashable, Sendable {
    var pace: SubmitRate?
    private var turn = Instant.distantPast

    init(_ pace: SubmitRate?) { self.pace = pace }

    /// The moment before which nothing may be sent; nil: at once, whatever the time is.
    var next: Instant? { pace.map { turn - $0.slack } }

    mutating func sent(at now: Instant) {
        guard let pace else { return }
        turn = max(turn, now) + pace.interval
    }
}
