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
    mutating func leaveToAnotherBaseURL(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        if attempt.state != .uncertain {
            advance(&attempt, .outcomeUnknown)
            commit([.uncertain(attempt.id, fault)], now)
            emit(.uncertain(attempt.name, reason: fault.message))
        }
        let steps = endCommand(of: &attempt, .uncertain, fault.message)
        if !steps.isEmpty { commit(steps, now) }
        park(attempt, .uncertain)
        stop(fault, .noRoute, model: nil, wasTryingFunds: false)
    }

    mutating func becomeUncertain(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        advance(&attempt, .outcomeUnknown)
        attempt.faults += 1
        if fault.code == ProviderError.anotherSubmission { attempt.pending?.isConflict = true }
        if attempt.pending?.unsettledSince == nil { attempt.pending?.unsettledSince = now }
        commit([.uncertain(attempt.id, fault)], now)
        wakeLater(&attempt, now)
        put(attempt)
        emit(.uncertain(attempt.name, reason: fault.message))
    }

    /// The answer to a query by key after an unknown outcome.
    mutating func resolutionAnswered(_ attempt: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var attempt = attempt
        if commandAnswered(&attempt, answer, now) { return }
        switch answer {
        case .found(let report):
            if let another = report.mismatch(with: nil, attempt.submissionKey) {
                return leaveMismatched(attempt, ProviderError.anotherSubmission, another, now)
            }
            guard report.remoteID != nil else {
                let fault = ProviderError(kind: .unreadable, message: "the reply has no task ID")
                _ = commandAnswered(&attempt, .fault(fault), now)
                return retryResolution(attempt, fault.message, now)
            }
            accept(attempt, report, as: report.remoteID, from: .query, now)
        case .notFound:
            let isRefused = attempt.pending?.refusal != nil
            let mayResubmit = isResubmissionSafe(attempt) || attempt.pending?.mayResubmit == true
            guard isRefused || (mayResubmit && attempt.pending?.isConflict != true) else {
                return parkUncertain(attempt, "the provider does not recognize its submission key", now)
            }
            guard isKeyRemembered(attempt, now) else { return parkUncertain(attempt, forgottenKeyReason, now) }
            guard isRefused || attempt.pending?.unansweredSends ?? 0 < SchedulerSettings.maximumSends else {
                return parkUncertain(
                    attempt, "the provider still does not recognize its submission key after all resubmissions", now)
            }
            if let refusal = attempt.pending?.refusal { return refusedAndNotFound(attempt, refusal, now) }
            enqueueResubmit(attempt, now)
        case .stopped(let fault, let stop):
            queryRefused(attempt, fault, stop, now)
        case .fault(let fault): resolutionFailed(attempt, fault, now)
        }
    }

    /// A query about a submit with an unknown outcome had no usable answer.
    mutating func resolutionFailed(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        guard accounts.mayLackRoute, fault.code == ProviderError.notTheAPI else {
            return retryResolution(attempt, fault.message, now)
        }
        leaveToAnotherBaseURL(attempt, fault, now)
    }

    /// A resubmission was refused permanently, and the key is not found. A provider may not find a task just after
    /// accepting it, and the earlier send may be such a task: the refusal counts after some time.
    private mutating func refusedAndNotFound(_ attempt: ActiveAttempt, _ refusal: ProviderError, _ now: Instant) {
        var attempt = attempt
        let since = attempt.pending?.refusedAt ?? now
        if attempt.isStillNotFound(since: since, for: min(settings.lostAfter, settings.maximumWait)) {
            return settleRefused(attempt, refusal, now)
        }
        attempt.faults += 1
        wakeLater(&attempt, now)
        put(attempt)
    }

    /// Whether resubmitting is safe. Key support is proven per dialect: bytes of another dialect are not resubmitted on
    /// it.
    private func isResubmissionSafe(_ attempt: ActiveAttempt) -> Bool {
        accounts.isHonoring(attempt.account) && attempt.pending?.submission.dialect == accounts.dialect
    }

    /// Whether the provider still remembers keys of this age. Only then does a missing key prove that no send arrived.
    private func isKeyRemembered(_ attempt: ActiveAttempt, _ now: Instant) -> Bool {
        attempt.pending?.isAgeUnknown != true && now - attempt.sentAt < keyMemory
    }

    private var keyMemory: Duration {
        settings.keyMemory ?? SchedulerSettings.usualKeyMemory.divided(bySpeed: settings.speed)
    }

    private var forgottenKeyReason: String {
        "the provider does not recognize its submission key, which it may have forgotten (after "
            + "\(keyMemory.formatted(atSpeed: settings.speed)))"
    }

    /// The answer to a query by key cannot be about this attempt: it stays uncertain, and the log records why.
    mutating func leaveMismatched(_ attempt: ActiveAttempt, _ code: String, _ answer: String, _ now: Instant) {
        let reason = "the provider returned \(answer) for its submission key"
        commit([.uncertain(attempt.id, ProviderError(kind: .unreadable, code: code, message: reason))], now)
        parkUncertain(attempt, reason, now)
    }

    mutating func parkUncertain(_ attempt: ActiveAttempt, _ reason: String, _ now: Instant) {
        var attempt = attempt
        attempt.pending?.awaitsResubmit = false
        let steps = endCommand(of: &attempt, .uncertain, reason)
        if !steps.isEmpty { commit(steps, now) }
        park(attempt, .uncertain)
        let text = "sent, outcome unknown: \(reason); run `dailies reconcile`"
        emit(.uncertain(attempt.name, reason: text))
    }

    private mutating func retryResolution(_ attempt: ActiveAttempt, _ reason: String, _ now: Instant) {
        var attempt = attempt
        attempt.faults += 1
        guard !isOverdue(attempt, now) else { return parkUncertain(attempt, reason, now) }
        wakeLater(&attempt, now)
        put(attempt)
    }

    /// Whether this run has tried for the maximum wait.
    private func isOverdue(_ attempt: ActiveAttempt, _ now: Instant) -> Bool {
        guard let since = attempt.pending?.unsettledSince else { return false }
        return attempt.faults >= settings.retry.attempts && now - since >= settings.maximumWait
    }

    private mutating func wakeLater(_ attempt: inout ActiveAttempt, _ now: Instant) {
        wake(&attempt, at: now + settings.retry.wait(afterFailures: max(attempt.faults, 1), using: &random))
    }

    /// Queues the same bytes for sending again. A resubmission needs a slot like a new task, since an earlier run may
    /// have had more slots, and goes before all unsent tasks.
    mutating func enqueueResubmit(_ attempt: ActiveAttempt, _ now: Instant) {
        var attempt = attempt
        guard !run.isStopping else { return put(attempt) }
        if attempt.isCancelRequested {
            return parkUncertain(attempt, "a task being cancelled is not resubmitted", now)
        }
        if run.isSubmissionOver || attempt.pending?.modelForbidden == true || isOverdue(attempt, now) {
            return parkUncertain(attempt, Self.notInThisRun, now)
        }
        guard attempt.pending?.awaitsResubmit != true else { return }
        attempt.pending?.awaitsResubmit = true
        // A task that is not at the provider holds no slot there. No new task takes the slot before this one.
        attempt.holdsSlot = false
        attempt.serial &+= 1
        put(attempt)
        queues.resubmissions.append(attempt.id)
    }

    private static let notInThisRun = "it cannot be resubmitted in this run"

    /// Sends waiting resubmissions in order, as far as possible. One whose model is full does not block others.
    mutating func sendResubmissions(_ now: Instant) {
        guard !queues.resubmissions.isEmpty, !run.isStopping, !run.isFinished else { return }
        var waiting: [AttemptID] = []
        for (index, id) in queues.resubmissions.enumerated() {
            guard let attempt = attempts[id], attempt.pending?.awaitsResubmit == true else { continue }
            let queue = TaskQueueID(batch: attempt.batch, model: attempt.shape.model)
            if run.isSubmissionOver || run.areQueriesOver || attempt.isCancelRequested || models.isStopped(queue.model)
            {
                parkUncertain(attempt, Self.notInThisRun, now)
                continue
            }
            guard maySend(now) else {
                waiting += queues.resubmissions[index...]
                break
            }
            // The answer to a user's lookup decides first.
            guard hasRoom(in: queue), accounts.maySubmit(with: attempt.account), slots.paceAllows(at: now),
                !attempt.isQueryInFlight, attempt.command == nil
            else {
                waiting.append(id)
                continue
            }
            // It may have waited for a long time.
            guard isKeyRemembered(attempt, now) else {
                parkUncertain(attempt, forgottenKeyReason, now)
                continue
            }
            resubmit(attempt, now)
        }
        queues.resubmissions = waiting
    }

    private mutating func resubmit(_ attempt: ActiveAttempt, _ now: Instant) {
        guard let submission = attempt.pending?.submission else {
            preconditionFailure("attempt \(attempt.id) has no submission to resend")
        }
        var attempt = attempt
        attempt.sentAt = now
        attempt.pending?.sends += 1
        attempt.pending?.mayResubmit = false
        attempt.pending?.awaitsResubmit = false
        attempt.pending?.isSubmitInFlight = true
        // A query that was to come must not overtake the reply.
        attempt.serial &+= 1
        attempt.holdsSlot = true
        put(attempt)
        recordSubmit(attempt.shape.model, for: attempt.account, now)
        commit([.repeated(attempt.id)], then: [.submit(submission)], now)
    }
}
