/// What stops a run before it does much harm: a canary, and a row of policy rejections.
extension Scheduler {
    /// Whether a new task may go, as far as the canary is concerned.
    mutating func canaryAllows() -> Bool {
        guard let gate = canary else { return true }
        if gate.mayBegin { return true }
        announce(.canary(gate.clips), "the rest starts once these succeed")
        return false
    }

    /// The last word on a clip that may be one of the canary's.
    mutating func recordCanary(_ flight: ActiveAttempt, isCompleted: Bool, credits: Credits? = nil) {
        guard canary != nil, canary?.verdict == nil else { return }
        canary?.ended(flight.attempt, flight.key, isCompleted: isCompleted, credits: credits)
        switch canary?.verdict {
        case nil: break
        case .pass:
            if pause.announced.contains(where: { if case .canary = $0 { true } else { false } }) {
                effects.append(.tell(.resumed))
            }
        case .fail(let words):
            endSubmission("\(words); nothing more was submitted")
            effects.append(.tell(.paused(.canary(canary?.clips ?? 0), detail: words, until: nil)))
        }
    }

    /// The provider's last word on a render.
    mutating func recordOutcome(
        of flight: ActiveAttempt, _ settlement: Settlement, _ failure: RetryRules.Failure, _ now: Instant
    ) {
        switch settlement.end {
        case .completed:
            recordRejection(false)
            guard !settlement.isCostAwaited || canary?.awaitsCost != true else { return }
            recordCanary(flight, isCompleted: true, credits: settlement.charges.first?.credits)
        case .failed:
            recordCanary(flight, isCompleted: false)
            recordRejection(failure.isPolicyRejection)
            if settings.retryRules.action(for: failure) == .pause {
                pauseModel(flight.shape.model, failure.message ?? failure.code ?? "it failed", now)
            }
        case .cancelled: recordCanary(flight, isCompleted: false)
        }
    }

    /// A task ended as failed, or well: K rejections by policy in a row end submission.
    mutating func recordRejection(_ isRejection: Bool) {
        guard let most = settings.mostPolicyRejections else { return }
        rejectionsInARow = isRejection ? rejectionsInARow + 1 : 0
        guard isRejection, rejectionsInARow == most, !isSubmissionOver else { return }
        let words = "the content policy rejected \(most) clips in a row"
        endSubmission("\(words); nothing more was submitted; check the prompts, then run again")
        effects.append(.tell(.paused(.policyRejections(most), detail: words, until: nil)))
    }
}
