/// Pauses of single models.
extension Scheduler {
    /// A submit got an answer that does not concern the model's availability.
    mutating func modelAnswered(_ model: ModelID) {
        if models.answered(model) { emit(.resumed) }
    }

    /// A 503 of the service: it cannot serve the model. A burst of them pauses the model.
    mutating func modelForbidden(_ model: ModelID, _ fault: ProviderError, _ now: Instant) {
        if models.failed(model, at: now, using: &random) { reportPause(of: model, fault.message) }
    }

    /// Pauses a model that the service does not offer, or that a retry rule pauses.
    mutating func pauseModel(_ model: ModelID, _ reason: String, _ now: Instant) {
        if models.withdraw(model, reason, at: now, using: &random) { reportPause(of: model, reason) }
    }

    private mutating func reportPause(of model: ModelID, _ detail: String) {
        emit(.paused(.modelUnavailable(model), detail: detail, until: models.nextProbe(of: model)))
    }

    /// Handles due probes, and models that were unavailable for too long.
    mutating func modelsDue(_ now: Instant) {
        for model in models.advance(to: now, using: &random) {
            queues.block { $0.model == model }
            let wait = settings.maximumWait.formatted(atSpeed: settings.speed)
            run.leaveWork("the provider has been unable to serve \(model) for \(wait)")
        }
    }
}
