/// The availability of the provider as a whole. During an outage queries are deferred, and one probe at a time is sent:
/// a deferred query, or a submit if none waits.
struct Outage: Sendable {
    private var breaker: CircuitBreaker
    /// Maximum time that the provider is probed.
    private let maximumWait: Duration
    /// Queries deferred until the end of the outage, in order.
    private var deferred: [AttemptID] = []
    /// Whether a probe is in flight.
    private(set) var isProbing = false
    /// Whether the next submit is the probe, since no query waits.
    private var mayProbeBySubmit = false

    init(policy: RetryPolicy, maximumWait: Duration) {
        breaker = CircuitBreaker(policy: policy)
        self.maximumWait = maximumWait
    }

    var isOpen: Bool { breaker.isOpen }
    /// When the provider is probed next; nil: there is no outage.
    var nextProbe: Instant? { breaker.nextProbe }
    /// Whether a submit may be sent, as a probe during an outage.
    var allowsSubmit: Bool { !isOpen || (!isProbing && mayProbeBySubmit) }

    /// The provider answered in any way.
    ///
    /// - Returns: the deferred queries if that ended an outage; otherwise nil.
    mutating func answered() -> [AttemptID]? {
        isProbing = false
        mayProbeBySubmit = false
        guard breaker.answered() else { return nil }
        defer { deferred = [] }
        return deferred
    }

    /// A request got no answer.
    ///
    /// - Returns: whether that began an outage.
    mutating func failed(at now: Instant, using random: inout SplitMix64) -> Bool {
        isProbing = false
        return breaker.failed(at: now, using: &random)
    }

    /// Records an outgoing submit. During an outage it is the probe.
    mutating func submitSent() {
        guard isOpen else { return }
        isProbing = true
        mayProbeBySubmit = false
    }

    /// Defers a query until the end of the outage.
    mutating func deferQuery(_ id: AttemptID) { deferred.append(id) }

    /// The next deferred query to consider as a probe. If there is none, the next submit is the probe.
    mutating func nextDeferred() -> AttemptID? {
        guard deferred.isEmpty else { return deferred.removeFirst() }
        mayProbeBySubmit = true
        return nil
    }

    /// Records that a deferred query is sent as the probe.
    mutating func querySent() { isProbing = true }

    /// What is due.
    enum Step {
        case nothing
        case probe
        /// The outage has lasted for the maximum time.
        case giveUp
    }

    /// Checks the times; a due probe is followed by another in case that it gets no answer.
    ///
    /// - Parameter mayProbe: whether this run still sends queries.
    mutating func advance(to now: Instant, mayProbe: Bool, using random: inout SplitMix64) -> Step {
        if let since = breaker.openSince, now - since >= maximumWait { return .giveUp }
        guard let probe = breaker.nextProbe, now >= probe, !isProbing, mayProbe else { return .nothing }
        breaker.scheduleProbe(at: now, using: &random)
        return .probe
    }

    /// The times at which something is due.
    var moments: [Instant] {
        guard let since = breaker.openSince else { return [] }
        return [since + maximumWait] + (isProbing ? [] : [breaker.nextProbe].compactMap { $0 })
    }
}
