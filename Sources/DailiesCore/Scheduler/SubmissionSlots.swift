/// How many tasks may be in flight, in all and by model, and how fast they may be submitted.
struct SubmissionSlots: Sendable {
    /// The user's limits.
    private(set) var limits: SubmissionLimits
    private var limiter: ConcurrencyLimiter
    private var pacer: RateLimiter
    /// Whether only the submit rate delays the next submit.
    private var isPaced = false

    init(_ settings: SchedulerSettings) {
        limits = settings.limits
        pacer = RateLimiter(settings.submitPace)
        limiter = ConcurrencyLimiter(
            ceiling: settings.concurrency, initialProbeInterval: settings.initialProbeInterval,
            maximumProbeInterval: settings.maximumProbeInterval)
    }

    /// The user changed the limits.
    mutating func change(_ limits: SubmissionLimits) {
        precondition(limits.isUsable, "limits that let nothing run: \(limits)")
        self.limits = limits
        limiter.setCeiling(limits.concurrency)
        pacer.pace = limits.pace
    }

    /// The limit of tasks in flight; it may be below the user's.
    var concurrency: Int { limiter.limit }

    /// Whether a model with this number of tasks in flight may have another.
    func hasRoom(for model: ModelID, inFlight: Int) -> Bool { limits.byModel[model].map { inFlight < $0 } ?? true }

    // MARK: The submit rate

    /// Whether the submit rate allows a submit now; if not, its time is among the ``moments(after:)``.
    mutating func paceAllows(at now: Instant) -> Bool {
        isPaced = pacer.next.map { now < $0 } ?? false
        return !isPaced
    }

    mutating func submitSent(at now: Instant) { pacer.sent(at: now) }

    // MARK: The provider's limit

    /// See ``ConcurrencyLimiter/accepted(inFlight:sentAt:)``.
    mutating func accepted(inFlight: Int, sentAt: Instant) { limiter.accepted(inFlight: inFlight, sentAt: sentAt) }

    /// See ``ConcurrencyLimiter/refused(inFlight:sentAt:at:)``.
    mutating func refused(inFlight: Int, sentAt: Instant, at now: Instant) -> Bool {
        limiter.refused(inFlight: inFlight, sentAt: sentAt, at: now)
    }

    /// When a reduced limit is probed one higher; nil unless it is reduced.
    var nextProbe: Instant? { limiter.nextProbe }

    /// Raises a reduced limit if its time has come.
    mutating func advance(to now: Instant) { limiter.probe(at: now) }

    /// The times at which another submit may become possible.
    func moments(after now: Instant) -> [Instant] {
        let turn = isPaced ? pacer.next.flatMap { $0 > now ? $0 : nil } : nil
        return [limiter.nextProbe, turn].compactMap { $0 }
    }
}
