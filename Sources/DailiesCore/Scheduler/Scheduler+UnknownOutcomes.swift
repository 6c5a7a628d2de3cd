/// Submits with an unknown outcome: queried by key, and resubmitted only if that cannot be paid for twice.
extension Scheduler {
    /// A reply that names another submission (from a desynchronized connection or a cache) says nothing about this one,
    /// whose outcome is then unknown.
    static func checked(_ outcome: SubmitResult, _ submission: Submission) -> SubmitResult {
        let echo =
            if case .accepted(let report) = outcome { report.submissionKey } else { outcome.fault?.submissionKey }
        guard let echo, echo != submission.key else { return outcome }
        // Something was accepted, possibly this submission under a wrong name.
        let code = if case .accepted = outcome { ProviderError.anotherSubmission } else { String?.none }
        return .unknown(.misdirected("another submission", code: code), isFreeByContract: false)
    }

    /// Whether a submit was answered by something other than the API, while no answer has shown that the API is at the
    /// base URL.
    func isNotTheAPI(_ fault: ProviderError) -> Bool {
        accounts.mayLackRoute && (fault.code == ProviderError.notTheAPI || fault.status == 404 || fault.status == 405)
    }

    /// A server other than the API answered, and the outcome of the submit is unknown. The user may set another base
    /// URL.
    mutating func leaveToAnotherBaseURL(_ flight: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var flight = flight
        if flight.state != .uncertain {
            advance(&flight, .outcomeUnknown)
            commit([.uncertain(flight.attempt, fault)], now)
            emit(.uncertain(flight.name, reason: fault.message))
        }
        let steps = endCommand(of: &flight, .uncertain, fault.message)
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
        emit(.uncertain(flight.name, reason: fault.message))
    }

    /// The answer to a query by key after an unknown outcome.
    mutating func resolutionAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var flight = flight
        if commandAnswered(&flight, answer, now) { return }
        switch answer {
        case .found(let report):
            if let adopted = flight.command?.adopted, flight.command?.isAdoptionAsked == true {
                if let another = report.mismatch(with: adopted, flight.submissionKey) {
                    return refuseAdoption(flight, "the provider answers with \(another)", now)
                }
                return accept(flight, report, as: adopted, from: .adopted, now)
            }
            if let another = report.mismatch(with: nil, flight.submissionKey) {
                return leaveMismatched(flight, ProviderError.anotherSubmission, another, now)
            }
            guard report.remoteID != nil else { return retryResolution(flight, "the reply has no task ID", now) }
            accept(flight, report, as: report.remoteID, from: .query, now)
        case .notFound:
            let isRefused = flight.pending?.refusal != nil
            let mayResubmit = isResubmissionSafe(flight) || flight.pending?.mayResubmit == true
            guard isRefused || (mayResubmit && flight.pending?.isConflict != true) else {
                return parkUncertain(flight, "the provider does not recognize its submission key", now)
            }
            guard isKeyRemembered(flight, now) else { return parkUncertain(flight, forgottenKeyReason, now) }
            guard isRefused || flight.pending?.unansweredSends ?? 0 < SchedulerSettings.maximumSends else {
                return parkUncertain(
                    flight, "the provider still does not recognize its submission key after all resubmissions", now)
            }
            if let refusal = flight.pending?.refusal { return refusedAndNotFound(flight, refusal, now) }
            enqueueResubmit(flight, now)
        case .stopped(let fault, let stop):
            queryRefused(flight, fault, stop, now)
        case .fault(let fault) where accounts.mayLackRoute && fault.code == ProviderError.notTheAPI:
            leaveToAnotherBaseURL(flight, fault, now)
        case .fault(let fault):
            retryResolution(flight, fault.message, now)
        }
    }

    /// A resubmission was refused permanently, and the key is not found. A provider may not find a task just after
    /// accepting it, and the earlier send may be such a task: the refusal counts after some time.
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

    /// Whether resubmitting is safe. Key support is proven per dialect: bytes of another dialect are not resubmitted on
    /// it.
    private func isResubmissionSafe(_ flight: ActiveAttempt) -> Bool {
        accounts.isHonoring(flight.account) && flight.pending?.submission.dialect == accounts.dialect
    }

    /// Whether the provider still remembers keys of this age. Only then does a missing key prove that no send arrived.
    private func isKeyRemembered(_ flight: ActiveAttempt, _ now: Instant) -> Bool {
        flight.pending?.isAgeUnknown != true && now - flight.sentAt < keyMemory
    }

    private var keyMemory: Duration {
        settings.keyMemory ?? SchedulerSettings.usualKeyMemory.divided(bySpeed: settings.speed)
    }

    private var forgottenKeyReason: String {
        "the provider does not recognize its submission key, which it may have forgotten (after "
            + "\(keyMemory.formatted(atSpeed: settings.speed)))"
    }

    /// The answer to a query by key cannot be about this attempt: it stays uncertain, and the log records why.
    mutating func leaveMismatched(_ flight: ActiveAttempt, _ code: String, _ answer: String, _ now: Instant) {
        let reason = "the provider returned \(answer) for its submission key"
        commit([.uncertain(flight.attempt, ProviderError(kind: .unreadable, code: code, message: reason))], now)
        parkUncertain(flight, reason, now)
    }

    mutating func parkUncertain(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        flight.pending?.awaitsResubmit = false
        let steps = endCommand(of: &flight, .uncertain, reason)
        if !steps.isEmpty { commit(steps, now) }
        park(flight, .uncertain)
        let text = "sent, outcome unknown: \(reason); run `dailies reconcile`"
        emit(.uncertain(flight.name, reason: text))
    }

    private mutating func retryResolution(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        flight.faults += 1
        guard !isOverdue(flight, now) else { return parkUncertain(flight, reason, now) }
        wakeLater(&flight, now)
        put(flight)
    }

    /// Whether this run has tried for the maximum wait.
    private func isOverdue(_ flight: ActiveAttempt, _ now: Instant) -> Bool {
        guard let since = flight.pending?.unsettledSince else { return false }
        return flight.faults >= settings.retry.attempts && now - since >= settings.maximumWait
    }

    private mutating func wakeLater(_ flight: inout ActiveAttempt, _ now: Instant) {
        wake(&flight, at: now + settings.retry.wait(afterFailures: max(flight.faults, 1), using: &random))
    }

    /// Queues the same bytes for sending again. A resubmission needs a slot like a new task, since an earlier run may
    /// have had more slots, and goes before all unsent tasks.
    mutating func enqueueResubmit(_ flight: ActiveAttempt, _ now: Instant) {
        var flight = flight
        guard !run.isStopping else { return put(flight) }
        if flight.isCancelRequested {
            return parkUncertain(flight, "a task being cancelled is not resubmitted", now)
        }
        if run.isSubmissionOver || flight.pending?.modelForbidden == true || isOverdue(flight, now) {
            return parkUncertain(flight, Self.notInThisRun, now)
        }
        guard flight.pending?.awaitsResubmit != true else { return }
        flight.pending?.awaitsResubmit = true
        // A task that is not at the provider holds no slot there. No new task takes the slot before this one.
        flight.holdsSlot = false
        flight.serial &+= 1
        put(flight)
        lanes.resubmissions.append(flight.attempt)
    }

    private static let notInThisRun = "it cannot be resubmitted in this run"

    /// Sends waiting resubmissions in order, as far as possible. One whose model is full does not block others.
    mutating func sendResubmissions(_ now: Instant) {
        guard !lanes.resubmissions.isEmpty, !run.isStopping, !run.isFinished else { return }
        var waiting: [AttemptID] = []
        for (index, attempt) in lanes.resubmissions.enumerated() {
            guard let flight = flight(attempt), flight.pending?.awaitsResubmit == true else { continue }
            let lane = TaskQueueID(batch: flight.batch, model: flight.shape.model)
            if run.isSubmissionOver || run.areQueriesOver || flight.isCancelRequested || models.isStopped(lane.model) {
                parkUncertain(flight, Self.notInThisRun, now)
                continue
            }
            guard maySend(now) else {
                waiting += lanes.resubmissions[index...]
                break
            }
            // The answer to a user's lookup decides first.
            guard hasRoom(in: lane), accounts.maySubmit(with: flight.account), slots.paceAllows(at: now),
                !flight.isQueryInFlight
            else {
                waiting.append(attempt)
                continue
            }
            // It may have waited for a long time.
            guard isKeyRemembered(flight, now) else {
                parkUncertain(flight, forgottenKeyReason, now)
                continue
            }
            resubmit(flight, now)
        }
        lanes.resubmissions = waiting
    }

    private mutating func resubmit(_ flight: ActiveAttempt, _ now: Instant) {
        guard let submission = flight.pending?.submission else {
            preconditionFailure("attempt \(flight.attempt) has no submission to resend")
        }
        var flight = flight
        flight.sentAt = now
        flight.pending?.sends += 1
        flight.pending?.mayResubmit = false
        flight.pending?.awaitsResubmit = false
        flight.pending?.isSubmitInFlight = true
        flight.holdsSlot = true
        put(flight)
        sends(flight.shape.model, for: flight.account, now)
        commit([.repeated(flight.attempt)], then: [.submit(submission)], now)
    }
}
