/// Notices that the provider is away: after a burst of failures in a row nothing is sent but one probe at a time, until
/// an answer comes. No task fails by it.
public struct CircuitBreaker: Hashable, Sendable {
    private let policy: RetryPolicy
    private var failures = 0
    /// Set while open: since when, and when the next probe may go.
    private var opened: (since: Instant, probe: Instant)?

    /// Closed: the provider is taken to answer.
    public init(policy: RetryPolicy) { self.policy = policy }

    public static func == (a: CircuitBreaker, b: CircuitBreaker) -> Bool {
        a.failures == b.failures && a.opened?.since == b.opened?.since && a.opened?.probe == b.opened?.probe
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(failures) }

    /// Nothing but a probe may be sent.
    public var isOpen: Bool { opened != nil }
    /// When the outage was noticed; nil: there is none.
    public var openSince: Instant? { opened?.since }
    /// When the next probe may go; nil: there is no outage.
    public var nextProbe: Instant? { opened?.probe }

    /// The provider answered, be it with a refusal. Returns whether that ended an outage.
    public mutating func answered() -> Bool {
        failures = 0
        defer { opened = nil }
        return opened != nil
    }

    /// A probe goes out now: the next one, should it stay without answer, comes later.
    public mutating func scheduleProbe(at now: Instant, using generator: inout some RandomNumberGenerator) {
        guard let opened else { return }
        let wait = policy.wait(afterFailures: max(failures, policy.attempts), using: &generator)
        self.opened = (opened.since, now + wait)
    }

    /// Opens it at once, however few failures there were. Returns whether that began an outage.
    public mutating func trip(at now: Instant, using generator: inout some RandomNumberGenerator) -> Bool {
        failures = max(failures, policy.attempts - 1)
        return failed(at: now, using: &generator)
    }

    /// No usable answer. Returns whether that began an outage.
    public mutating func failed(at now: Instant, using generator: inout some RandomNumberGenerator) -> Bool {
        failures += 1
        guard failures >= policy.attempts else { return false }
        if let opened, now < opened.probe { return false }
        let wait = policy.wait(afterFailures: failures, using: &generator)
        let began = opened == nil
        opened = (opened?.since ?? now, now + wait)
        return began
    }
}
