/// Submits that come to nothing: how long the next one waits, and when the run stops trying.
extension Scheduler {
    /// Before this moment no submit goes out.
    func pauseEnd(_ now: Instant) -> Instant? { [pause.until, pause.retryAt].compactMap { $0 }.max() }

    /// It never left: the next one waits as after any failure, so that a broken way out is not run against without pause.
    mutating func handleSendFailure(_ fault: ProviderError, _ now: Instant) {
        let trouble = countFailedSubmit(now)
        guard now - trouble.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
        pause.retryAt = now + settings.retry.wait(afterFailures: trouble.count, using: &random)
    }

    mutating func throttle(_ flight: ActiveAttempt, _ fault: ProviderError, _ throttle: ThrottleKind, _ now: Instant) {
        let sentAt = flight.sentAt
        returnToQueue(flight, fault, now)
        if throttle == .concurrency { return isFull(flight, fault, sentAt: sentAt, now) }
        let trouble = countFailedSubmit(now)
        var wait = throttlePause()
        if trouble.count >= settings.retry.attempts {
            wait = max(wait, settings.retry.wait(afterFailures: trouble.count, using: &random))
        }
        if let asked = fault.retryAfter { wait = max(asked, settings.throttlePause) }
        guard wait <= settings.maximumWait else {
            endSubmission("the provider's rate limit does not reset for \(wait.inWords(atSpeed: settings.speed))")
            ending.isWorkOutstanding = true
            return
        }
        guard now - trouble.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
        pauseAccount(until: now + wait)
        effects.append(.tell(.paused(.rateLimit, detail: fault.message, until: pause.until)))
    }

    /// `concurrency_limit`: the limit becomes what is known to be in flight. Only where that is nothing, others fill the
    /// account, and the next try waits longer each time.
    private mutating func isFull(_ flight: ActiveAttempt, _ fault: ProviderError, sentAt: Instant, _ now: Instant) {
        // A repeat keeps its slot: it was not one of the others that the provider counted.
        let own = self.flight(flight.attempt)?.holdsSlot == true ? 1 : 0
        let others = max(0, tally.inFlight - own - totalSubmitsInFlight)
        guard limiter.refused(inFlight: others, sentAt: sentAt, at: now) else { return }
        var wait = max(throttlePause(), min(fault.retryAfter ?? .zero, settings.longestAskedWait))
        if others + totalSubmitsInFlight == 0 {
            let trouble = countFailedSubmit(now)
            guard now - trouble.since < settings.maximumWait else { return giveUpSubmitting(fault, now) }
            if trouble.count >= settings.retry.attempts {
                wait = max(wait, settings.retry.wait(afterFailures: trouble.count, using: &random))
            }
        }
        let detail = "the provider accepts no more tasks in flight"
        effects.append(.tell(.paused(.concurrencyLimit(limiter.limit), detail: detail, until: limiter.nextProbe)))
        pauseAccount(until: now + wait)
    }

    private mutating func throttlePause() -> Duration {
        let least = min(max(settings.throttlePause.nanoseconds, 0), Int64.max / 3)
        return .nanoseconds(least + Int64.random(in: 0...(2 * least), using: &random))
    }

    private mutating func pauseAccount(until instant: Instant) {
        pause.until = max(pause.until ?? .distantPast, instant)
    }

    private mutating func countFailedSubmit(_ now: Instant) -> (count: Int, since: Instant) {
        let trouble = (count: (pause.trouble?.count ?? 0) + 1, since: pause.trouble?.since ?? now)
        pause.trouble = trouble
        return trouble
    }

    private mutating func giveUpSubmitting(_ fault: ProviderError, _ now: Instant) {
        let wait = settings.maximumWait.inWords(atSpeed: settings.speed)
        endSubmission("no submission has succeeded for \(wait): \(fault.message)")
        ending.isWorkOutstanding = true
    }
}
