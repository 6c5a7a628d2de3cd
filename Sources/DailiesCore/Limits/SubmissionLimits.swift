/// Limits on tasks in flight and on the submit rate. They may change during a run: a lower limit cancels nothing, it
/// delays new submits until enough tasks have finished.
public struct SubmissionLimits: Hashable, Sendable {
    /// Tasks in flight at the provider, at least 1. Default 5, the limit of the provider's smallest account.
    public var concurrency: Int
    /// Tasks in flight per model, each at least 1. Other models only have the limit above.
    public var byModel: [ModelID: Int]
    /// The maximum submit rate; nil (default): submit whenever a slot is free.
    public var pace: SubmitRate?

    /// Creates a value from its properties.
    public init(concurrency: Int = 5, byModel: [ModelID: Int] = [:], pace: SubmitRate? = nil) {
        self.concurrency = concurrency
        self.byModel = byModel
        self.pace = pace
    }

    /// Whether every limit allows at least one task.
    var isUsable: Bool { concurrency >= 1 && byModel.values.allSatisfy { $0 >= 1 } }
}

/// The tasks that a user's pause applies to.
public enum PauseScope: Hashable, Sendable {
    /// All waiting tasks.
    case everything
    /// The waiting tasks of one batch.
    case batch(BatchID)
    /// The waiting tasks of one model, in any batch.
    case model(ModelID)
}

/// A maximum submit rate. Any window of length T has no more than T / interval + 1 submits; with intervals below 10 ms
/// it may also have those of another 10 ms, since timers are no finer.
public struct SubmitRate: Hashable, Sendable {
    /// Timers have a resolution of a millisecond, so shorter waits are indistinguishable from none.
    private static let shortestInterval = Duration.milliseconds(10)

    /// The interval between submits, above zero.
    public let interval: Duration

    /// Allows one submit per interval.
    public init(interval: Duration) {
        precondition(interval > .zero, "the submit interval must be positive, not \(interval)")
        self.interval = interval
    }

    /// How early a submit may be sent, so that several can share a wake-up.
    var slack: Duration { interval < Self.shortestInterval ? Self.shortestInterval : .zero }
}

/// Enforces a submit rate.
///
/// Uses the generic cell rate algorithm: each slot is one interval after the previous one, and unused slots do not
/// accumulate.
struct RateLimiter: Hashable, Sendable {
    var pace: SubmitRate?
    private var nextSlot = Instant.distantPast

    init(_ pace: SubmitRate?) { self.pace = pace }

    /// The earliest time of the next submit; nil: now.
    var next: Instant? { pace.map { nextSlot - $0.slack } }

    mutating func sent(at now: Instant) {
        guard let pace else { return }
        nextSlot = max(nextSlot, now) + pace.interval
    }
}
