/// Early stops: the canary, and consecutive policy rejections.
extension Scheduler {
    /// Whether the canary allows a new task.
    mutating func canaryAllows() -> Bool {
        guard let clips = earlyStop.awaitedClips else { return true }
        announce(.canary(clips), "the rest starts once these succeed")
        return false
    }

    /// Records the outcome of an attempt that may be a canary clip.
    mutating func recordCanary(_ attempt: ActiveAttempt, isCompleted: Bool, credits: Credits? = nil) {
        let end = earlyStop.ended(attempt.id, attempt.key, isCompleted: isCompleted, credits: credits)
        switch end?.decision {
        case nil: break
        case .pass: if pauses.hasAnnouncedCanary { emit(.resumed) }
        case .fail(let message):
            run.endSubmission("\(message); nothing more was submitted")
            emit(.paused(.canary(end?.clips ?? 0), detail: message, until: nil))
        }
    }

    /// Records the final outcome of a render.
    mutating func recordOutcome(
        of attempt: ActiveAttempt, _ settlement: Settlement, _ failure: RetryRules.Failure, _ now: Instant
    ) {
        switch settlement.end {
        case .completed:
            recordRejection(false)
            guard !settlement.isCostAwaited || !earlyStop.awaitsCost else { return }
            recordCanary(attempt, isCompleted: true, credits: settlement.charges.first?.credits)
        case .failed:
            recordCanary(attempt, isCompleted: false)
            recordRejection(failure.isPolicyRejection)
            if settings.retryRules.action(for: failure) == .pause {
                pauseModel(attempt.shape.model, failure.message ?? failure.code ?? "it failed", now)
            }
        case .cancelled: recordCanary(attempt, isCompleted: false)
        }
    }

    /// Counts consecutive policy rejections and ends submission at the maximum.
    mutating func recordRejection(_ isRejection: Bool) {
        guard let rejections = earlyStop.recordRejection(isRejection), !run.isSubmissionOver else { return }
        let message = "the content policy rejected \(rejections) clips in a row"
        run.endSubmission("\(message); nothing more was submitted; check the prompts, then run again")
        emit(.paused(.policyRejections(rejections), detail: message, until: nil))
    }
}
