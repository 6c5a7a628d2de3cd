/// Limits tasks in flight at the provider: the user's limit, lowered to the provider's limit once refusals reveal it.
///
/// A `concurrency_limit` refusal sets the limit to the number known to be in flight. After a calm period one more is
/// probed; the calm period doubles at each refusal, up to an hour. Submits that were in flight when a refusal lowered
/// the limit add no information if they are refused too; each that is accepted shows that the limit is at least the
/// number then in flight. A burst therefore finds the provider's limit at once and costs one doubling.
package struct ConcurrencyLimiter: Hashable, Sendable {
    /// The user's limit, at least 1. Default 5, the limit of the provider's smallest account.
    package private(set) var ceiling: Int
    /// The current limit, 1 … ceiling.
    package private(set) var limit: Int
    private let initialProbeInterval: Duration
    private let maximumProbeInterval: Duration
    private var probeInterval: Duration
    private var calmSince: Instant = .distantPast
    /// When a refusal last lowered the limit; nil: never.
    private var loweredAt: Instant?
    /// The limit that the last probe allowed, until it has been used without a refusal.
    private var probed: Int?
    private var isProbeProven = false

    /// - Parameters:
    ///   - ceiling: the user's limit, at least 1.
    ///   - initialProbeInterval: calm time before the first probe. Default 30 s.
    ///   - maximumProbeInterval: the longest calm time. Default 1 h.
    package init(
        ceiling: Int, initialProbeInterval: Duration = .seconds(30), maximumProbeInterval: Duration = .seconds(3600)
    ) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        self.ceiling = ceiling
        limit = ceiling
        self.initialProbeInterval = initialProbeInterval
        self.maximumProbeInterval = maximumProbeInterval
        probeInterval = initialProbeInterval
    }

    /// Whether refusals have lowered the limit.
    package var isReduced: Bool { limit < ceiling }

    /// Records a refused submit.
    ///
    /// - Parameters:
    ///   - inFlight: other tasks known to be in flight, without submits whose reply is outstanding.
    ///   - sentAt: when the refused submit was sent.
    /// - Returns: whether the limit was updated; false if the submit was sent before the limit was last lowered.
    package mutating func refused(inFlight: Int, sentAt: Instant, at now: Instant) -> Bool {
        if let loweredAt, sentAt <= loweredAt { return false }
        limit = max(1, min(inFlight, limit, ceiling))
        if loweredAt != nil { probeInterval = min(probeInterval * 2, maximumProbeInterval) }
        loweredAt = now
        calmSince = now
        probed = nil
        isProbeProven = false
        return true
    }

    /// Records an accepted submit, with `inFlight` tasks known to be in flight including it.
    package mutating func accepted(inFlight: Int, sentAt: Instant) {
        guard let loweredAt else { return }
        if sentAt <= loweredAt { limit = max(limit, min(inFlight, ceiling)) }
        if let probed, inFlight >= probed { isProbeProven = true }
    }

    /// When to probe one more; nil unless the limit is reduced.
    package var nextProbe: Instant? { isReduced ? calmSince + probeInterval : nil }

    /// Raises the limit by one when the calm period is over. If the previous raise was used for a whole period without
    /// a refusal, the provider has become more generous, and the next period is half as long.
    package mutating func probe(at now: Instant) {
        guard let due = nextProbe, now >= due else { return }
        if isProbeProven { probeInterval = max(initialProbeInterval, probeInterval / 2) }
        limit += 1
        calmSince = now
        probed = limit
        isProbeProven = false
    }

    /// Changes the user's limit during a run.
    package mutating func setCeiling(_ ceiling: Int) {
        precondition(ceiling >= 1, "a limit of \(ceiling) in flight lets nothing run")
        let wasReduced = isReduced
        self.ceiling = ceiling
        limit = wasReduced ? min(limit, ceiling) : ceiling
    }
}
