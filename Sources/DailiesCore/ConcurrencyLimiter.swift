/// How many tasks may be in flight at the provider: the user's limit, and the provider's own where it shows itself.
///
/// A `concurrency_limit` refusal sets the limit to the number in flight at that moment; after a calm period it is
/// probed one higher, and the calm period doubles at each refusal, up to an hour.
public struct ConcurrencyLimiter: Hashable, Sendable {
    /// The user's limit, at least 1. Default 5, the smallest account of the provider.
    public private(set) var ceiling: Int
    /// The limit now, 1 … ceiling.
    public private(set) var limit: Int
    private let firstCalm: Duration
    private let longestCalm: Duration
    private var calm: Duration
    private var calmSince: Instant = .distantPast

    /// - Parameters:
    ///   - ceiling: the user's limit, at least 1.
    ///   - firstCalm: time without a refusal after which one more is tried. Default 30 s.
    ///   - longestCalm: what that time grows to. Default 1 h.
    public init(ceiling: Int, firstCalm: Duration = .seconds(30), longestCalm: Duration = .seconds(3600)) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        self.ceiling = ceiling
        limit = ceiling
        self.firstCalm = firstCalm
        self.longestCalm = longestCalm
        calm = firstCalm
    }

    /// Whether the provider has shown a limit of its own.
    public var isReduced: Bool { limit < ceiling }

    /// The provider refused a submit while `inFlight` others were in flight.
    public mutating func refused(inFlight: Int, at now: Instant) {
        limit = max(1, min(inFlight, limit, ceiling))
        if calmSince != .distantPast { calm = min(calm * 2, longestCalm) }
        calmSince = now
    }

    /// When one more should be tried; nil while nothing is reduced.
    public var nextProbe: Instant? { isReduced ? calmSince + calm : nil }

    /// Raises the limit by one when the calm period is over.
    public mutating func probe(at now: Instant) {
        guard let due = nextProbe, now >= due else { return }
        limit += 1
        calmSince = now
    }

    /// The user's limit changes while running.
    public mutating func setCeiling(_ ceiling: Int) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        let wasReduced = isReduced
        self.ceiling = ceiling
        limit = wasReduced ? min(limit, ceiling) : ceiling
    }
}
