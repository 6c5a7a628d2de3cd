/// Models that are temporarily unavailable: their queues pause and are probed, without blocking others.
extension Scheduler {
    /// A model that the provider cannot serve or does not offer.
    struct ModelPause: Sendable {
        var breaker: CircuitBreaker
        /// Whether one submit may be sent as a probe.
        var mayProbe = false
        /// Whether a probe is in flight.
        var isProbing = false
        /// The service's message that it does not offer the model; such a model alone does not keep a run alive.
        var withdrawal: String?
    }

    /// Whether the model is paused and cannot be probed now.
    func isModelPaused(_ model: ModelID) -> Bool {
        guard let paused = modelPauses[model], paused.breaker.isOpen else { return false }
        return !paused.mayProbe
    }

    /// A submit got an answer that does not concern the model's availability.
    mutating func modelAnswered(_ model: ModelID) {
        guard var paused = modelPauses.removeValue(forKey: model) else { return }
        if paused.breaker.answered() { effects.append(.tell(.resumed)) }
    }

    /// A 503 of the service: it cannot serve the model. A burst of them pauses the model.
    mutating func modelForbidden(_ model: ModelID, _ fault: ProviderError, _ now: Instant) {
        var paused = modelPauses[model] ?? ModelPause(breaker: CircuitBreaker(policy: settings.retry))
        let began = paused.breaker.failed(at: now, using: &random)
        modelPauses[model] = paused
        if began { reportPause(of: model, fault.message) }
    }

    /// Pauses a model that the service does not offer, or that a retry rule pauses.
    mutating func pauseModel(_ model: ModelID, _ reason: String, _ now: Instant) {
        var paused = modelPauses[model] ?? ModelPause(breaker: CircuitBreaker(policy: settings.retry))
        let began = paused.breaker.trip(at: now, using: &random)
        paused.withdrawal = reason
        modelPauses[model] = paused
        if began { reportPause(of: model, reason) }
    }

    private mutating func reportPause(of model: ModelID, _ detail: String) {
        let until = modelPauses[model]?.breaker.nextProbe
        effects.append(.tell(.paused(.modelUnavailable(model), detail: detail, until: until)))
    }

    /// Marks a submit of a paused model as its probe.
    mutating func probes(_ model: ModelID) {
        guard var paused = modelPauses[model], paused.breaker.isOpen else { return }
        paused.mayProbe = false
        paused.isProbing = true
        modelPauses[model] = paused
    }

    /// Handles due probes, and models that were unavailable for too long.
    mutating func modelsDue(_ now: Instant) {
        for model in modelPauses.keys.sorted() {
            guard var paused = modelPauses[model], let since = paused.breaker.openSince else { continue }
            if paused.withdrawal == nil, now - since >= settings.maximumWait {
                modelPauses[model] = nil
                giveUp(model)
                continue
            }
            guard let probe = paused.breaker.nextProbe, now >= probe else { continue }
            paused.breaker.scheduleProbe(at: now, using: &random)
            paused.mayProbe = !paused.isProbing
            modelPauses[model] = paused
        }
    }

    private mutating func giveUp(_ model: ModelID) {
        lanes.block { $0.model == model }
        stoppedModels.insert(model)
        ending.isWorkOutstanding = true
        let wait = settings.maximumWait.formatted(atSpeed: settings.speed)
        addReason("the provider has been unable to serve \(model) for \(wait)")
    }

    /// Times at which the state of a paused model changes.
    var modelMoments: [Instant] {
        modelPauses.values.flatMap { paused -> [Instant] in
            guard let since = paused.breaker.openSince else { return [] }
            let end = paused.withdrawal == nil ? since + settings.maximumWait : nil
            return [paused.breaker.nextProbe, end].compactMap { $0 }
        }
    }

    /// Whether a queue need not be waited for.
    func isWithdrawn(_ lane: TaskQueueID) -> Bool {
        guard let paused = modelPauses[lane.model] else { return false }
        return paused.withdrawal != nil && paused.breaker.isOpen
    }
}
