/// Backing off after failed submits, and giving up.
extension Scheduler {
    /// The submit was never sent. The next one backs off as after any failure, so that a broken connection is not
    /// retried in a tight loop.
    mutating func handleSendFailure(_ fault: ProviderError, _ now: Instant) {
        let failures = pauses.submitFailed(at: now)
        guard now - failures.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
        pauses.retry(at: now + settings.retry.wait(afterFailures: failures.count, using: &random))
    }

    mutating func throttle(_ attempt: ActiveAttempt, _ fault: ProviderError, _ throttle: ThrottleKind, _ now: Instant) {
        let sentAt = attempt.sentAt
        returnToQueue(attempt, fault, now)
        if throttle == .concurrency { return handleConcurrencyLimit(attempt, fault, sentAt: sentAt, now) }
        let failures = pauses.submitFailed(at: now)
        var wait = throttlePause()
        if failures.count >= settings.retry.attempts {
            wait = max(wait, settings.retry.wait(afterFailures: failures.count, using: &random))
        }
        if let asked = fault.retryAfter { wait = max(asked, settings.throttlePause) }
        guard wait <= settings.maximumWait else {
            run.endSubmission("the provider's rate limit does not reset for \(wait.formatted(atSpeed: settings.speed))")
            run.leaveWork()
            return
        }
        guard now - failures.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
        pauses.extend(to: now + wait)
        emit(.paused(.rateLimit, detail: fault.message, until: pauses.rateLimitEnd))
    }

    /// `concurrency_limit`: the limit becomes the number known to be in flight. Only if that is zero, others use the
    /// account, and the wait grows with each try.
    private mutating func handleConcurrencyLimit(
        _ attempt: ActiveAttempt, _ fault: ProviderError, sentAt: Instant, _ now: Instant
    ) {
        // A resubmission keeps its slot: the provider did not count it among the others.
        let own = attempts[attempt.id]?.holdsSlot == true ? 1 : 0
        let others = max(0, tally.inFlight - own - accounts.totalSubmitsInFlight)
        guard slots.refused(inFlight: others, sentAt: sentAt, at: now) else { return }
        var wait = max(throttlePause(), min(fault.retryAfter ?? .zero, settings.maximumRequestedWait))
        if others + accounts.totalSubmitsInFlight == 0 {
            let failures = pauses.submitFailed(at: now)
            guard now - failures.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
            if failures.count >= settings.retry.attempts {
                wait = max(wait, settings.retry.wait(afterFailures: failures.count, using: &random))
            }
        }
        let detail = "the provider accepts no more tasks in flight"
        emit(.paused(.concurrencyLimit(slots.concurrency), detail: detail, until: slots.nextProbe))
        pauses.extend(to: now + wait)
    }

    private mutating func throttlePause() -> Duration {
        let least = min(max(settings.throttlePause.nanoseconds, 0), Int64.max / 3)
        return .nanoseconds(least + Int64.random(in: 0...(2 * least), using: &random))
    }

    private mutating func giveUpSubmitting(_ fault: ProviderError, _ now: Instant) {
        let wait = settings.maximumWait.formatted(atSpeed: settings.speed)
        run.endSubmission("no submission has succeeded for \(wait): \(fault.message)")
        run.leaveWork()
    }
}
