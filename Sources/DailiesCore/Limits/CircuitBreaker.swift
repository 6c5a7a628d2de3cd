/// Detects an outage. After a burst of consecutive failures only one probe at a time is sent until an answer comes. No
/// task fails because of an outage.
package struct CircuitBreaker: Hashable, Sendable {
    private let policy: RetryPolicy
    private var failures = 0
    /// Set while open: the start of the outage and the time of the next probe.
    private var opened: (since: Instant, probe: Instant)?

    /// Creates a closed breaker.
    package init(policy: RetryPolicy) { self.policy = policy }

    package static func == (a: CircuitBreaker, b: CircuitBreaker) -> Bool {
        a.failures == b.failures && a.opened?.since == b.opened?.since && a.opened?.probe == b.opened?.probe
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(failures) }

    /// Whether only a probe may be sent.
    package var isOpen: Bool { opened != nil }
    /// When the outage was detected; nil if there is none.
    package var openSince: Instant? { opened?.since }
    /// When the next probe may be sent; nil if there is no outage.
    package var nextProbe: Instant? { opened?.probe }

    /// Records an answer of any kind, including a refusal. Returns whether it ended an outage.
    package mutating func answered() -> Bool {
        failures = 0
        defer { opened = nil }
        return opened != nil
    }

    /// Schedules the probe after the one being sent now, in case that gets no answer.
    package mutating func scheduleProbe(at now: Instant, using generator: inout some RandomNumberGenerator) {
        guard let opened else { return }
        let wait = policy.wait(afterFailures: max(failures, policy.attempts), using: &generator)
        self.opened = (opened.since, now + wait)
    }

    /// Opens the breaker immediately, whatever the number of failures. Returns whether that began an outage.
    package mutating func trip(at now: Instant, using generator: inout some RandomNumberGenerator) -> Bool {
        failures = max(failures, policy.attempts - 1)
        return failed(at: now, using: &generator)
    }

    /// Records a request without a usable answer. Returns whether it began an outage.
    package mutating func failed(at now: Instant, using generator: inout some RandomNumberGenerator) -> Bool {
        failures += 1
        guard failures >= policy.attempts else { return false }
        if let opened, now < opened.probe { return false }
        let wait = policy.wait(afterFailures: failures, using: &generator)
        let began = opened == nil
        opened = (opened?.since ?? now, now + wait)
        return began
    }
}
