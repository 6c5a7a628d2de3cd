/// How many tasks may be in flight at the provider: the user's limit, and the provider's own where it shows itself.
///
/// A `concurrency_limit` refusal sets the limit to the number that was known to be in flight; after a calm period it is
/// probed one higher, and the calm period doubles at each refusal, up to an hour. Submits that were in the air when a
/// refusal lowered the limit tell nothing new by being refused as well; each that is accepted shows that the limit is
/// no lower than what is then in flight. So a burst finds the provider's limit at once, and costs one doubling.
public struct ConcurrencyLimiter: Hashable, Sendable {
    /// The user's limit, at least 1. Default 5, the smallest account of the provider.
    public private(set) var ceiling: Int
    /// The limit now, 1 … ceiling.
    public private(set) var limit: Int
    private let initialProbeInterval: Duration
    private let maximumProbeInterval: Duration
    private var probeInterval: Duration
    private var calmSince: Instant = .distantPast
    /// When a refusal last lowered the limit; nil: never.
    private var loweredAt: Instant?
    /// The limit that the last probe allowed, until it was used without a refusal.
    private var probed: Int?
    private var isProbeProven = false

    /// - Parameters:
    ///   - ceiling: the user's limit, at least 1.
    ///   - firstCalm: time without a refusal after which one more is tried. Default 30 s.
    ///   - longestCalm: what that time grows to. Default 1 h.
    public init(
        ceiling: Int, initialProbeInterval: Duration = .seconds(30), maximumProbeInterval: Duration = .seconds(3600)
    ) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        self.ceiling = ceiling
        limit = ceiling
        self.initialProbeInterval = initialProbeInterval
        self.maximumProbeInterval = maximumProbeInterval
        probeInterval = initialProbeInterval
    }

    /// Whether the provider has shown a limit of its own.
    public var isReduced: Bool { limit < ceiling }

    /// The provider refused a submit.
    ///
    /// - Parameters:
    ///   - inFlight: others that are known to be in flight; what is in the air does not count.
    ///   - sentAt: when the refused submit went out.
    /// - Returns: whether that was news; false: it left before the limit was last lowered.
    public mutating func refused(inFlight: Int, sentAt: Instant, at now: Instant) -> Bool {
        if let loweredAt, sentAt <= loweredAt { return false }
        limit = max(1, min(inFlight, limit, ceiling))
        if loweredAt != nil { probeInterval = min(probeInterval * 2, maximumProbeInterval) }
        loweredAt = now
        calmSince = now
        probed = nil
        isProbeProven = false
        return true
    }

    /// The provider accepted a submit, with which so many are known to be in flight.
    public mutating func accepted(inFlight: Int, sentAt: Instant) {
        guard let loweredAt else { return }
        if sentAt <= loweredAt { limit = max(limit, min(inFlight, ceiling)) }
        if let probed, inFlight >= probed { isProbeProven = true }
    }

    /// When one more should be tried; nil while nothing is reduced.
    public var nextProbe: Instant? { isReduced ? calmSince + probeInterval : nil }

    /// Raises the limit by one when the calm period is over. Where the one before was used all through such a period
    /// without a refusal, the provider has become more generous, and the next period is half as long.
    public mutating func probe(at now: Instant) {
        guard let due = nextProbe, now >= due else { return }
        if isProbeProven { probeInterval = max(initialProbeInterval, probeInterval / 2) }
        limit += 1
        calmSince = now
        probed = limit
        isProbeProven = false
    }

    /// The user's limit changes while running.
    public mutating func setCeiling(_ ceiling: Int) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        let wasReduced = isReduced
        self.ceiling = ceiling
        limit = wasReduced ? min(limit, ceiling) : ceiling
    }
}
