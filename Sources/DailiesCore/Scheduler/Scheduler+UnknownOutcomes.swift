/// Submits whose fate is unknown: asked by key, and repeated only where a repeat cannot be paid for twice.
extension Scheduler {
    /// A reply that names another submission (a connection that is out of step, a cache in between) says nothing of
    /// this one: what became of it is asked for.
    static func checked(_ fate: SubmitResult, _ submission: Submission) -> SubmitResult {
        let echo = if case .accepted(let report) = fate { report.submissionKey } else { fate.fault?.submissionKey }
        guard let echo, echo != submission.key else { return fate }
        // Something was accepted, and it may have been this one under a wrong name.
        let code = if case .accepted = fate { ProviderError.anotherSubmission } else { String?.none }
        return .unknown(.misdirected("another submission", code: code), isFreeByContract: false)
    }

    /// Whether the answer to a submit is not of the API, while nothing that this run knows shows
    /// that the API is at the base URL.
    func isNotTheAPI(_ fault: ProviderError) -> Bool {
        mayLackRoute && (fault.code == ProviderError.notTheAPI || fault.status == 404 || fault.status == 405)
    }

    /// Another server than the API answered, and the outcome of the submit is unknown: it is left to the user, who may
    /// name another base URL.
    mutating func leaveToAnotherBaseURL(_ flight: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var flight = flight
        if flight.state != .uncertain {
            advance(&flight, .outcomeUnknown)
            commit([.uncertain(flight.attempt, fault)], now)
            effects.append(.tell(.uncertain(flight.key, reason: fault.message)))
        }
        let steps = endCancellation(of: &flight, .uncertain, fault.message)
        if !steps.isEmpty { commit(steps, now) }
        park(flight, .uncertain)
        stop(fault, .noRoute, model: nil, wasTryingFunds: false)
    }

    mutating func becomeUncertain(_ flight: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var flight = flight
        advance(&flight, .outcomeUnknown)
        flight.faults += 1
        if fault.code == ProviderError.anotherSubmission { flight.pending?.isConflict = true }
        if flight.pending?.unsettledSince == nil { flight.pending?.unsettledSince = now }
        commit([.uncertain(flight.attempt, fault)], now)
        wakeLater(&flight, now)
        put(flight)
        effects.append(.tell(.uncertain(flight.key, reason: fault.message)))
    }

    /// The answer to the question by key that an unknown fate raised.
    mutating func fateAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        switch answer {
        case .found(let report):
            if let another = report.mismatch(with: nil, flight.submissionKey) {
                return leaveMismatched(flight, ProviderError.anotherSubmission, another, now)
            }
            guard report.remoteID != nil else { return retryResolution(flight, "the reply has no task ID", now) }
            accept(flight, report, from: .query, now)
        case .notFound:
            let isRefused = flight.pending?.refusal != nil
            let mayResubmit = isRepeatHarmless(flight) || flight.pending?.mayResubmit == true
            guard isRefused || (mayResubmit && flight.pending?.isConflict != true) else {
                return parkUncertain(flight, "the provider does not recognize its submission key", now)
            }
            guard isKeyRemembered(flight, now) else { return parkUncertain(flight, mayBeForgotten, now) }
            guard isRefused || flight.pending?.doubts ?? 0 < SchedulerSettings.mostSends else {
                return parkUncertain(flight, "the provider still does not recognize its submission key after all resubmissions", now)
            }
            if let refusal = flight.pending?.refusal { return refusedAndNotFound(flight, refusal, now) }
            enqueueResubmit(flight, now)
        case .stopped(let fault, let stop):
            questionRefused(flight, fault, stop)
        case .fault(let fault) where mayLackRoute && fault.code == ProviderError.notTheAPI:
            leaveToAnotherBaseURL(flight, fault, now)
        case .fault(let fault):
            retryResolution(flight, fault.message, now)
        }
    }

    /// A repeat was refused for good, and the key is not found. A provider may not know for a while what it has just
    /// accepted, and the send before may be that: the refusal counts once it has had time to remember.
    private mutating func refusedAndNotFound(_ flight: ActiveAttempt, _ refusal: ProviderError, _ now: Instant) {
        var flight = flight
        let since = flight.pending?.refusedAt ?? now
        if flight.isStillNotFound(since: since, for: min(settings.lostAfter, settings.maximumWait)) {
            return settleRefused(flight, refusal, now)
        }
        flight.faults += 1
        wakeLater(&flight, now)
        put(flight)
    }

    /// Keys are proven for a dialect: bytes of another one are never sent again on that proof.
    private func isRepeatHarmless(_ flight: ActiveAttempt) -> Bool {
        trust[flight.account] == .honoured && flight.pending?.submission?.dialect == dialect
    }

    /// That a key is not found proves that no send arrived only for as long as the provider remembers keys.
    private func isKeyRemembered(_ flight: ActiveAttempt, _ now: Instant) -> Bool {
        flight.pending?.isAgeUnknown != true && now - flight.sentAt < keyMemory
    }

    private var keyMemory: Duration {
        settings.keyMemory ?? SchedulerSettings.usualKeyMemory.divided(bySpeed: settings.speed)
    }

    private var mayBeForgotten: String {
        "the provider does not recognize its submission key, which it may have forgotten (after "
            + "\(keyMemory.inWords(atSpeed: settings.speed)))"
    }

    /// The answer to a question by key cannot be about this attempt: it stays uncertain, and the log says why.
    mutating func leaveMismatched(_ flight: ActiveAttempt, _ code: String, _ answer: String, _ now: Instant) {
        let reason = "the provider returned \(answer) for its submission key"
        commit([.uncertain(flight.attempt, ProviderError(kind: .unreadable, code: code, message: reason))], now)
        parkUncertain(flight, reason, now)
    }

    private mutating func parkUncertain(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        flight.pending?.awaitsResubmit = false
        let steps = endCancellation(of: &flight, .uncertain, reason)
        if !steps.isEmpty { commit(steps, now) }
        park(flight, .uncertain)
        let text = "sent, outcome unknown: \(reason); run `dailies reconcile`"
        effects.append(.tell(.uncertain(flight.key, reason: text)))
    }

    private mutating func retryResolution(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        flight.faults += 1
        guard !isOverdue(flight, now) else { return parkUncertain(flight, reason, now) }
        wakeLater(&flight, now)
        put(flight)
    }

    /// This run has tried for as long as it waits for anything.
    private func isOverdue(_ flight: ActiveAttempt, _ now: Instant) -> Bool {
        guard let since = flight.pending?.unsettledSince else { return false }
        return flight.faults >= settings.retry.attempts && now - since >= settings.maximumWait
    }

    private mutating func wakeLater(_ flight: inout ActiveAttempt, _ now: Instant) {
        wake(&flight, at: now + settings.retry.wait(afterFailures: max(flight.faults, 1), using: &random))
    }

    /// The same bytes go out once more as soon as anything may be sent: a repeat asks for a slot like a new task, since an
    /// earlier run may have had more of them, and goes before all that was never sent.
    mutating func enqueueResubmit(_ flight: ActiveAttempt, _ now: Instant) {
        var flight = flight
        guard !isStopping else { return put(flight) }
        if flight.cancellation != nil {
            return parkUncertain(flight, "a task being cancelled is not resubmitted", now)
        }
        if isSubmissionOver || flight.pending?.modelForbidden == true || isOverdue(flight, now) {
            return parkUncertain(flight, Self.notInThisRun, now)
        }
        guard flight.pending?.awaitsResubmit != true else { return }
        flight.pending?.awaitsResubmit = true
        // What is not at the provider holds no slot there. Nothing new takes it before this one.
        flight.holdsSlot = false
        flight.serial &+= 1
        put(flight)
        repeats.append(flight.attempt)
    }

    private static let notInThisRun = "it cannot be resubmitted in this run"

    /// Sends what waits to be sent again, in order, as far as it may go. One whose model is full holds no other up.
    mutating func sendRepeats(_ now: Instant) {
        guard !repeats.isEmpty, !isStopping, !isFinished else { return }
        var waiting: [AttemptID] = []
        for (index, attempt) in repeats.enumerated() {
            guard let flight = flight(attempt), flight.pending?.awaitsResubmit == true else { continue }
            let lane = TaskQueueID(batch: flight.batch, model: flight.shape.model)
            if isSubmissionOver || areQuestionsOver || flight.cancellation != nil
                || stoppedModels.contains(lane.model)
            {
                parkUncertain(flight, Self.notInThisRun, now)
                continue
            }
            guard maySend(now) else {
                waiting += repeats[index...]
                break
            }
            guard hasRoom(in: lane), mayUseKey(flight.account), paceAllows(now) else {
                waiting.append(attempt)
                continue
            }
            // It may have waited for long.
            guard isKeyRemembered(flight, now) else {
                parkUncertain(flight, mayBeForgotten, now)
                continue
            }
            resubmit(flight, now)
        }
        repeats = waiting
    }

    private mutating func resubmit(_ flight: ActiveAttempt, _ now: Instant) {
        guard let submission = flight.pending?.submission else {
            preconditionFailure("attempt \(flight.attempt) has no submission to repeat")
        }
        var flight = flight
        flight.sentAt = now
        flight.pending?.sends += 1
        flight.pending?.mayResubmit = false
        flight.pending?.awaitsResubmit = false
        flight.holdsSlot = true
        put(flight)
        sends(flight.shape.model, for: flight.account, now)
        commit([.repeated(flight.attempt)], then: [.submit(submission)], now)
    }
}
