/// Models that are unavailable: their queues pause and are probed, without blocking others. A model that is unavailable
/// for too long, or that a guard stopped, is not submitted again in this run.
struct ModelPauses: Sendable {
    /// A model that the provider cannot serve or does not offer.
    private struct Pause: Sendable {
        var breaker: CircuitBreaker
        /// Whether one submit may be sent as a probe.
        var mayProbe = false
        /// Whether a probe is in flight.
        var isProbing = false
        /// The service's message that it does not offer the model; such a model alone does not keep a run alive.
        var withdrawal: String?
    }

    private let policy: RetryPolicy
    /// Maximum time that a model is probed.
    private let maximumWait: Duration
    private var pauses: [ModelID: Pause] = [:]
    private var stopped: Set<ModelID> = []

    init(policy: RetryPolicy, maximumWait: Duration) {
        self.policy = policy
        self.maximumWait = maximumWait
    }

    // MARK: Submits

    /// Whether the model is paused and cannot be probed now.
    func isPaused(_ model: ModelID) -> Bool {
        guard let pause = pauses[model], pause.breaker.isOpen else { return false }
        return !pause.mayProbe
    }

    /// Records an outgoing submit. That of a paused model is its probe.
    mutating func sent(_ model: ModelID) {
        guard pauses[model]?.breaker.isOpen == true else { return }
        pauses[model]?.mayProbe = false
        pauses[model]?.isProbing = true
    }

    /// Records the end of a submit, with any outcome.
    mutating func submitEnded(_ model: ModelID) { pauses[model]?.isProbing = false }

    /// Records an answer that does not concern the model's availability.
    ///
    /// - Returns: whether it ended a pause.
    mutating func answered(_ model: ModelID) -> Bool {
        pauses.removeValue(forKey: model)?.breaker.isOpen ?? false
    }

    /// Records a reply that the service cannot serve the model. A burst of them pauses it.
    ///
    /// - Returns: whether that began a pause.
    mutating func failed(_ model: ModelID, at now: Instant, using random: inout SplitMix64) -> Bool {
        pauses[model, default: Pause(breaker: CircuitBreaker(policy: policy))].breaker.failed(at: now, using: &random)
    }

    /// Pauses a model that the service does not offer, or that a retry rule pauses.
    ///
    /// - Returns: whether that began a pause.
    mutating func withdraw(
        _ model: ModelID, _ reason: String, at now: Instant, using random: inout SplitMix64
    ) -> Bool {
        pauses[model, default: Pause(breaker: CircuitBreaker(policy: policy))].withdrawal = reason
        return pauses[model]?.breaker.trip(at: now, using: &random) ?? false
    }

    // MARK: Times

    /// When a paused model is probed next.
    func nextProbe(of model: ModelID) -> Instant? { pauses[model]?.breaker.nextProbe }

    /// The times at which the state of a paused model changes.
    var moments: [Instant] {
        pauses.values.flatMap { pause -> [Instant] in
            guard let since = pause.breaker.openSince else { return [] }
            let end = pause.withdrawal == nil ? since + maximumWait : nil
            return [pause.breaker.nextProbe, end].compactMap { $0 }
        }
    }

    /// Allows due probes, and stops models that were unavailable for too long.
    ///
    /// - Returns: the stopped models.
    mutating func advance(to now: Instant, using random: inout SplitMix64) -> [ModelID] {
        var ended: [ModelID] = []
        for model in pauses.keys.sorted() {
            guard var pause = pauses[model], let since = pause.breaker.openSince else { continue }
            if pause.withdrawal == nil, now - since >= maximumWait {
                pauses[model] = nil
                stopped.insert(model)
                ended.append(model)
                continue
            }
            guard let probe = pause.breaker.nextProbe, now >= probe else { continue }
            pause.breaker.scheduleProbe(at: now, using: &random)
            pause.mayProbe = !pause.isProbing
            pauses[model] = pause
        }
        return ended
    }

    // MARK: Ends

    /// Stops submission of a model for this run.
    ///
    /// - Returns: false if it was stopped before.
    mutating func stop(_ model: ModelID) -> Bool { stopped.insert(model).inserted }

    func isStopped(_ model: ModelID) -> Bool { stopped.contains(model) }

    /// Whether the queue of a model need not be waited for.
    func isWithdrawn(_ model: ModelID) -> Bool {
        guard let pause = pauses[model] else { return false }
        return pause.withdrawal != nil && pause.breaker.isOpen
    }

    /// The models that the service does not offer, with its messages, in order.
    var withdrawals: [(model: ModelID, message: String)] {
        pauses.sorted { $0.key < $1.key }.compactMap { model, pause in pause.withdrawal.map { (model, $0) } }
    }
}
