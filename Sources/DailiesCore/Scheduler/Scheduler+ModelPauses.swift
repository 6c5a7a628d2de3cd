/// Models that cannot be served for a while: their lanes pause and are probed, and hold no other up.
extension Scheduler {
    /// A model that the provider has no one to serve, or does not offer (any more).
    struct ModelPause: Sendable {
        var breaker: CircuitBreaker
        /// One submit of it may go, to see whether it is back.
        var mayProbe = false
        /// Such a one is in the air.
        var isProbing = false
        /// The service says that it does not offer it: waiting for it alone keeps no run alive. In its words.
        var withdrawal: String?
    }

    /// Whether the model itself stands in the way of a submit now.
    func isModelPaused(_ model: ModelID) -> Bool {
        guard let paused = modelPauses[model], paused.breaker.isOpen else { return false }
        return !paused.mayProbe
    }

    /// A submit of this model got an answer that says nothing against the model.
    mutating func modelAnswered(_ model: ModelID) {
        guard var paused = modelPauses.removeValue(forKey: model) else { return }
        if paused.breaker.answered() { effects.append(.tell(.resumed)) }
    }

    /// 503 from the service itself: it has nobody to serve the model. A burst of them pauses it.
    mutating func modelForbidden(_ model: ModelID, _ fault: ProviderError, _ now: Instant) {
        var paused = modelPauses[model] ?? ModelPause(breaker: CircuitBreaker(policy: settings.retry))
        let began = paused.breaker.failed(at: now, using: &random)
        modelPauses[model] = paused
        if began { tellPause(of: model, fault.message) }
    }

    /// The service does not offer the model, or a rule says that it should rest.
    mutating func pauseModel(_ model: ModelID, _ reason: String, _ now: Instant) {
        var paused = modelPauses[model] ?? ModelPause(breaker: CircuitBreaker(policy: settings.retry))
        let began = paused.breaker.trip(at: now, using: &random)
        paused.withdrawal = reason
        modelPauses[model] = paused
        if began { tellPause(of: model, reason) }
    }

    private mutating func tellPause(of model: ModelID, _ detail: String) {
        let until = modelPauses[model]?.breaker.nextProbe
        effects.append(.tell(.paused(.modelUnavailable(model), detail: detail, until: until)))
    }

    /// A submit of a paused model goes out: it is the probe.
    mutating func probes(_ model: ModelID) {
        guard var paused = modelPauses[model], paused.breaker.isOpen else { return }
        paused.mayProbe = false
        paused.isProbing = true
        modelPauses[model] = paused
    }

    /// Probes that are due, and models that have been away for too long.
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
        let wait = settings.maximumWait.inWords(atSpeed: settings.speed)
        giveReason("the provider has been unable to serve \(model) for \(wait)")
    }

    /// Moments at which something changes for a paused model.
    var modelMoments: [Instant] {
        modelPauses.values.flatMap { paused -> [Instant] in
            guard let since = paused.breaker.openSince else { return [] }
            let end = paused.withdrawal == nil ? since + settings.maximumWait : nil
            return [paused.breaker.nextProbe, end].compactMap { $0 }
        }
    }

    /// A lane for which nobody need wait.
    func isWithdrawn(_ lane: TaskQueueID) -> Bool {
        guard let paused = modelPauses[lane.model] else { return false }
        return paused.withdrawal != nil && paused.breaker.isOpen
    }
}
