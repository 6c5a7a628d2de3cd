extension Scheduler {
    // MARK: Queries

    /// Queries the provider, or defers the query during an outage.
    mutating func ask(_ id: AttemptID, _ purpose: QueryPurpose, _ now: Instant) {
        guard var attempt = attempts[id], !attempt.isQueryInFlight, !run.areQueriesOver, !run.isStopping else {
            return
        }
        // Its answer has arrived, and the store is checking who owns the task; or the reply to a submit comes first.
        guard !accounts.isClaiming(id), attempt.pending?.isSubmitInFlight != true else { return }
        guard accounts.contains(attempt.account) else { return }
        // Commands end after a few faults of their own.
        if outage.isOpen, !settings.servesCommandsOnly { return outage.deferQuery(id) }
        guard let query = query(for: attempt, purpose) else { return }
        markAsked(&attempt, now)
        put(attempt)
        effects.append(.act(.ask(id, purpose, query)))
    }

    /// The query time is stored only if it matters: for learning polls, and for a 404, which counts as of its query.
    private func markAsked(_ attempt: inout ActiveAttempt, _ now: Instant) {
        attempt.isQueryInFlight = true
        attempt.wasQueried = true
        if pollTimes.learns || attempt.pending != nil || attempt.notFoundSince != nil { attempt.queriedAt = now }
    }

    private func query(for attempt: ActiveAttempt, _ purpose: QueryPurpose) -> TaskQuery? {
        switch purpose {
        case .adopt(let remote): TaskQuery(.remote(remote), account: attempt.account)
        case .resolveSubmission, .verifyKeySupport:
            TaskQuery(.key(attempt.submissionKey), account: attempt.account)
        case .poll, .complete, .cancel:
            attempt.remoteID.map { TaskQuery(.remote($0), account: attempt.account) }
        }
    }

    /// The purpose of the next query in the attempt's state.
    func purpose(of attempt: ActiveAttempt) -> QueryPurpose {
        switch attempt.state {
        case .submitting, .uncertain, .waiting: attempt.command?.adopted.map(QueryPurpose.adopt) ?? .resolveSubmission
        case .accepted, .running: .poll
        case .completed, .saved, .failed, .cancelled: .complete
        }
    }

    /// A wake-up of an attempt: a poll, a query by key, a resubmission, or a query for missing parts of a completed
    /// task.
    mutating func due(_ attempt: ActiveAttempt, _ now: Instant) {
        if attempt.state == .uncertain, attempt.pending?.mayResubmit == true, !run.isSubmissionOver, !outage.isOpen {
            return enqueueResubmit(attempt, now)
        }
        ask(attempt.id, purpose(of: attempt), now)
    }

    /// The provider answered in any way, which ends an outage.
    mutating func providerAnswered(_ now: Instant) {
        guard let deferred = outage.answered() else { return }
        emit(.resumed)
        // Deferred queries are spread out, and submits follow later, so as not to flood the provider.
        let step = max(settings.recoverySpread / limits.concurrency, .nanoseconds(1))
        for (index, id) in deferred.enumerated() {
            guard var attempt = attempts[id], !attempt.isQueryInFlight else { continue }
            wake(&attempt, at: now + step * (index + 1))
            put(attempt)
        }
        pauses.retry(at: deferred.isEmpty ? nil : now + settings.recoverySpread / 2)
    }

    mutating func failedToAnswer(_ fault: ProviderError, _ now: Instant) {
        guard outage.failed(at: now, using: &random) else { return }
        emit(.paused(.outage, detail: fault.message, until: outage.nextProbe))
    }

    /// Sends one query, or allows one submit, to test whether the provider is back.
    mutating func sendProbe(_ now: Instant) {
        while let id = outage.nextDeferred() {
            guard var attempt = attempts[id], !attempt.isQueryInFlight, !accounts.isClaiming(id),
                attempt.pending?.isSubmitInFlight != true
            else { continue }
            let purpose = purpose(of: attempt)
            guard let query = query(for: attempt, purpose) else { continue }
            outage.querySent()
            markAsked(&attempt, now)
            put(attempt)
            return effects.append(.act(.ask(id, purpose, query)))
        }
    }

    // MARK: Answers

    mutating func answered(
        _ id: AttemptID, _ purpose: QueryPurpose, _ answer: QueryResult, _ now: Instant
    ) {
        let key = attempts[id]?.submissionKey ?? accounts.checkedKey(of: id)
        let answer = answer.checked(for: key)
        switch answer {
        case .found, .notFound, .stopped: providerAnswered(now)
        case .fault(let fault):
            // A throttled query counts as an answer; silence and 5xx do not.
            if fault.status == 429 { providerAnswered(now) } else { failedToAnswer(fault, now) }
        }
        if purpose == .verifyKeySupport {
            if let record = accounts.endCheck(of: id, answer) { commit([.keyTrust(record)], now) }
            return
        }
        guard var attempt = attempts[id] else { return }
        if purpose == .cancel { attempt.isCancelInFlight = false } else { attempt.isQueryInFlight = false }
        put(attempt)
        switch purpose {
        case .resolveSubmission, .adopt:
            guard attempt.pending != nil, attempt.state.remoteID == nil, !accounts.isClaiming(id) else { return }
            if case .adopt(let remote) = purpose { return adoptionAnswered(attempt, remote, answer, now) }
            resolutionAnswered(attempt, answer, now)
        case .verifyKeySupport: break
        // A poll and a cancel may be in flight together: the second reply may find the attempt completed.
        case .poll:
            if attempt.completion == nil { polled(attempt, answer, now) } else { resumeCompletion(attempt, now) }
        case .complete: completionAnswered(attempt, answer, now)
        case .cancel: if attempt.completion == nil { cancelAnswered(attempt, answer, now) }
        }
    }

    private mutating func polled(_ attempt: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var attempt = attempt
        if commandAnswered(&attempt, answer, now) { return }
        switch answer {
        case .found(let report):
            if isMismatched(report, of: &attempt) {
                endMismatched(&attempt, report, now)
                return pollFailed(attempt, now)
            }
            attempt.faults = 0
            attempt.notFoundSince = nil
            if attempt.isMarkedLost {
                attempt.isMarkedLost = false
                attempt.holdsSlot = !attempt.isUnresolved
                commit([.found(attempt.id)], now)
            }
            put(attempt)
            update(attempt.id, report, isAnswer: true, now)
            endLookup(of: attempt.id, now)
        case .notFound(let fault): notFound(attempt, fault, now)
        case .stopped(let fault, let stop): queryRefused(attempt, fault, stop, now)
        case .fault(let fault): pollFailed(attempt, now, asked: fault.retryAfter)
        }
    }

    /// - Parameter asked: the wait that the reply requests; capped at ``SchedulerSettings/maximumRequestedWait``.
    private mutating func pollFailed(_ attempt: ActiveAttempt, _ now: Instant, asked: Duration? = nil) {
        var attempt = attempt
        attempt.faults += 1
        let wait = settings.retry.wait(afterFailures: attempt.faults, using: &random)
        if settings.servesCommandsOnly {
            wake(&attempt, at: now + wait)
            return put(attempt)
        }
        schedulePoll(attempt, now, notBefore: now + max(wait, min(asked ?? .zero, settings.maximumRequestedWait)))
    }

    /// A 404 for a known ID: for ten minutes it may be temporary.
    private mutating func notFound(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        let since = attempt.notFoundSince ?? now
        attempt.notFoundSince = since
        guard attempt.isMarkedLost || attempt.isStillNotFound(since: since, for: settings.lostAfter) else {
            return schedulePoll(attempt, now)
        }
        if attempt.isCancelledWithoutCost, let remote = attempt.state.remoteID {
            let report = RemoteTask(phase: .cancelled, remoteID: remote)
            return settle(attempt, remote, report, isCostDenied: true, now)
        }
        let steps = endCommand(of: &attempt, .lost, fault.message)
        park(attempt, .lost)
        commit([.lost(attempt.id, fault)] + steps, now)
        emit(.lost(attempt.name))
    }

    /// A 401 or 403 to a query: this run can query nothing more.
    mutating func queryRefused(_ attempt: ActiveAttempt, _ fault: ProviderError, _ stop: AccessDenial, _ now: Instant) {
        if settings.servesCommandsOnly {
            let outcome = stop == .keyRefused ? CommandOutcome.keyRefused : .accountRefused
            return refuseCommands(outcome, fault, ofAccount: attempt.account, now)
        }
        self.stop(fault, stop == .keyRefused ? stop : .accessDenied, model: nil, wasTryingFunds: false)
        run.endQueries()
    }

    /// After the first acceptance without an echo, queries the key once to test key support. Only further submits wait
    /// for it; without an answer the next acceptance tests again.
    mutating func verifyKeySupport(_ attempt: ActiveAttempt, _ remote: RemoteTaskID) {
        guard let query = query(for: attempt, .verifyKeySupport), !run.isStopping else { return }
        accounts.beginCheck(
            AccountStates.KeyCheck(attempt: attempt.id, key: attempt.submissionKey, remote: remote),
            of: attempt.account)
        effects.append(.act(.ask(attempt.id, .verifyKeySupport, query)))
    }

    private mutating func cancelAnswered(_ attempt: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var (attempt, answer) = (attempt, answer)
        if case .found(let report) = answer, isMismatched(report, of: &attempt) {
            answer = .fault(ProviderError(kind: .unreadable, message: "the reply names another task"))
        }
        if attempt.isCancelRequested { return userCancelAnswered(attempt, answer, now) }
        if case .found(let report) = answer {
            update(attempt.id, report, now)
        } else {
            schedulePoll(attempt, now)
        }
        endLookup(of: attempt.id, now)
    }

    // MARK: Reports

    /// Applies a report about an accepted task.
    ///
    /// - Parameter isAnswer: whether it answers a query, not a submit or a cancel.
    mutating func update(
        _ id: AttemptID, _ report: RemoteTask, isAnswer: Bool = false, _ now: Instant
    ) {
        guard var attempt = attempts[id], let remote = attempt.state.remoteID, attempt.completion == nil else { return }
        let lastAlive = attempt.lastAliveAt
        if pollTimes.learns { attempt.lastAliveAt = now }
        var notBefore = report.retryAfter.map { now + min($0, settings.maximumRequestedWait) }
        switch report.phase {
        case .queued:
            if case .running = attempt.state { warnStateRegressed(&attempt, report.phase) }
            if attempt.cancelReason != nil || attempt.isCancelRequested, case .accepted = attempt.state {
                cancel(&attempt)
            }
        case .running:
            if case .accepted = attempt.state {
                advance(&attempt, .started(remote))
                put(attempt)
                commit([.running(id)], now)
                emit(.running(attempt.name))
            }
            cancelRunning(&attempt, now)
        case .cancelled where report.isCancelledWithoutCost && !(attempt.isCancelledWithoutCost && isAnswer):
            attempt.isCancelledWithoutCost = true
            wake(&attempt, at: now + settings.completionInterval)
            return put(attempt)
        case .completed, .failed, .cancelled:
            if report.phase == .completed {
                if pollTimes.learns { attempt.lastAliveAt = lastAlive }
                pollTimes.learn(report, of: attempt, now)
            }
            return settle(attempt, remote, report, now)
        case .unknown(let word):
            if warnings.reportsUnknownState(word) {
                emit(.warning("the provider reported the unknown state \"\(word)\"; still polling"))
            }
            notBefore = max(notBefore ?? now, now + settings.lateInterval)
            cancelUnknown(&attempt, now)
        }
        schedulePoll(
            attempt, now, notBefore: notBefore, hint: report.remaining?.divided(bySpeed: settings.speed))
    }

    /// Warns once per task that a reply fell behind the proven state, which is kept.
    mutating func warnStateRegressed(_ attempt: inout ActiveAttempt, _ phase: RemoteTask.Phase) {
        warnOnce(
            &attempt,
            "reported \(phase.word) after \(attempt.state.word.rawValue); keeping \(attempt.state.word.rawValue)"
        )
    }

    /// Whether a reply about an accepted task names another task or submission. It is then ignored, with one warning
    /// per task.
    mutating func isMismatched(_ report: RemoteTask, of attempt: inout ActiveAttempt) -> Bool {
        guard let another = report.mismatch(with: attempt.remoteID, attempt.submissionKey) else { return false }
        warnOnce(&attempt, "answered with \(another) instead; still polling")
        put(attempt)
        return true
    }

    private mutating func warnOnce(_ attempt: inout ActiveAttempt, _ what: String) {
        guard warnings.reportsMismatch(of: &attempt) else { return }
        emit(.warning("\(attempt.key): the provider \(what)"))
    }

    // MARK: Poll times

    /// - Parameter hint: the remaining time that the provider estimates.
    mutating func schedulePoll(
        _ attempt: ActiveAttempt, _ now: Instant, notBefore: Instant? = nil, hint: Duration? = nil
    ) {
        var attempt = attempt
        if !attempt.isUnresolved, pollTimes.isPastWindow(attempt, now) { becomeUnresolved(&attempt, now) }
        wake(&attempt, at: max(pollTimes.nextPoll(of: attempt, now, after: hint), notBefore ?? .distantPast))
        put(attempt)
    }

    /// The attempt is past its poll window: its slot is released, and the log records it once per run.
    mutating func becomeUnresolved(_ attempt: inout ActiveAttempt, _ now: Instant) {
        attempt.isUnresolved = true
        attempt.holdsSlot = false
        recordCanary(attempt, isCompleted: false)
        commit([.unresolved(attempt.id)], now)
        emit(.unresolved(attempt.name))
    }
}
