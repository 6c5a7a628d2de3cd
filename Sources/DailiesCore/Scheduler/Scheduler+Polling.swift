extension Scheduler {
    // MARK: Queries

    /// Queries the provider, or defers the query during an outage.
    mutating func ask(_ attempt: AttemptID, _ purpose: QueryPurpose, _ now: Instant) {
        guard var flight = flight(attempt), !flight.isQueryInFlight, !run.areQueriesOver, !run.isStopping else {
            return
        }
        // Its answer has arrived, and the store is checking who owns the task.
        guard !accounts.isClaiming(attempt) else { return }
        guard accounts.contains(flight.account) else { return }
        if outage.isOpen { return outage.deferQuery(attempt) }
        guard let question = question(for: flight, purpose) else { return }
        markAsked(&flight, purpose, now)
        put(flight)
        effects.append(.act(.ask(attempt, purpose, question)))
    }

    /// The query time is stored only if it matters: for learning polls, and for a 404, which counts as of its query.
    private func markAsked(_ flight: inout ActiveAttempt, _ purpose: QueryPurpose, _ now: Instant) {
        flight.isQueryInFlight = true
        flight.wasQueried = true
        if purpose == .resolveSubmission, flight.command?.adopted != nil { flight.command?.isAdoptionAsked = true }
        if pollTimes.learns || flight.pending != nil || flight.notFoundSince != nil { flight.queriedAt = now }
    }

    private func question(for flight: ActiveAttempt, _ purpose: QueryPurpose) -> TaskQuery? {
        switch purpose {
        case .resolveSubmission where flight.command?.adopted != nil:
            flight.command?.adopted.map { TaskQuery(.remote($0), account: flight.account) }
        case .resolveSubmission, .verifyKeySupport:
            TaskQuery(.key(flight.submissionKey), account: flight.account)
        case .poll, .complete, .cancel:
            flight.remoteID.map { TaskQuery(.remote($0), account: flight.account) }
        }
    }

    /// The purpose of the next query in the attempt's state.
    private func purpose(of flight: ActiveAttempt) -> QueryPurpose {
        switch flight.state {
        case .submitting, .uncertain, .waiting: .resolveSubmission
        case .accepted, .running: .poll
        case .completed, .saved, .failed, .cancelled: .complete
        }
    }

    /// A wake-up of an attempt: a poll, a query by key, a resubmission, or a query for missing parts of a completed
    /// task.
    mutating func due(_ flight: ActiveAttempt, _ now: Instant) {
        if flight.state == .uncertain, flight.pending?.mayResubmit == true, !run.isSubmissionOver, !outage.isOpen {
            return enqueueResubmit(flight, now)
        }
        ask(flight.attempt, purpose(of: flight), now)
    }

    /// The provider answered in any way, which ends an outage.
    mutating func providerAnswered(_ now: Instant) {
        guard let deferred = outage.answered() else { return }
        emit(.resumed)
        // Deferred queries are spread out, and submits follow later, so as not to flood the provider.
        let step = max(settings.recoverySpread / limits.concurrency, .nanoseconds(1))
        for (index, attempt) in deferred.enumerated() {
            guard var flight = flight(attempt), !flight.isQueryInFlight else { continue }
            wake(&flight, at: now + step * (index + 1))
            put(flight)
        }
        pauses.retry(at: deferred.isEmpty ? nil : now + settings.recoverySpread / 2)
    }

    mutating func failedToAnswer(_ fault: ProviderError, _ now: Instant) {
        guard outage.failed(at: now, using: &random) else { return }
        refuseCommands(.noAnswer, fault, now)
        emit(.paused(.outage, detail: fault.message, until: outage.nextProbe))
    }

    /// Sends one query, or allows one submit, to test whether the provider is back.
    mutating func sendProbe(_ now: Instant) {
        while let attempt = outage.nextDeferred() {
            guard var flight = flight(attempt), !flight.isQueryInFlight, !accounts.isClaiming(attempt) else { continue }
            let purpose = purpose(of: flight)
            guard let question = question(for: flight, purpose) else { continue }
            outage.querySent()
            markAsked(&flight, purpose, now)
            put(flight)
            return effects.append(.act(.ask(attempt, purpose, question)))
        }
    }

    // MARK: Answers

    mutating func answered(
        _ attempt: AttemptID, _ purpose: QueryPurpose, _ answer: QueryResult, _ now: Instant
    ) {
        let key = flight(attempt)?.submissionKey ?? accounts.checkedKey(of: attempt)
        let answer = answer.checked(for: key)
        switch answer {
        case .found, .notFound, .stopped: providerAnswered(now)
        case .fault(let fault):
            // A throttled query counts as an answer; silence and 5xx do not.
            if fault.status == 429 { providerAnswered(now) } else { failedToAnswer(fault, now) }
        }
        if purpose == .verifyKeySupport {
            if let record = accounts.endCheck(of: attempt, answer) { commit([.keyTrust(record)], now) }
            return
        }
        guard var flight = flight(attempt) else { return }
        if purpose == .cancel { flight.isCancelInFlight = false } else { flight.isQueryInFlight = false }
        put(flight)
        switch purpose {
        case .resolveSubmission:
            guard flight.pending != nil, flight.state.remoteID == nil, !accounts.isClaiming(attempt) else { return }
            resolutionAnswered(flight, answer, now)
        case .verifyKeySupport: break
        // A poll and a cancel may be in flight together: the second reply may find the attempt completed.
        case .poll: if flight.completion == nil { polled(flight, answer, now) } else { resumeCompletion(flight, now) }
        case .complete: completionAnswered(flight, answer, now)
        case .cancel: if flight.completion == nil { cancelAnswered(flight, answer, now) }
        }
    }

    private mutating func polled(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var flight = flight
        if commandAnswered(&flight, answer, now) { return }
        switch answer {
        case .found(let report):
            if isMismatched(report, of: &flight) { return pollFailed(flight, now) }
            flight.faults = 0
            flight.notFoundSince = nil
            if flight.isMarkedLost {
                flight.isMarkedLost = false
                flight.holdsSlot = !flight.isUnresolved
                commit([.found(flight.attempt)], now)
            }
            put(flight)
            update(flight.attempt, report, isAnswer: true, now)
            endLookup(of: flight.attempt, now)
        case .notFound(let fault): notFound(flight, fault, now)
        case .stopped(let fault, let stop): queryRefused(flight, fault, stop, now)
        case .fault(let fault): pollFailed(flight, now, asked: fault.retryAfter)
        }
    }

    /// - Parameter asked: the wait that the reply requests; capped at ``SchedulerSettings/maximumRequestedWait``.
    private mutating func pollFailed(_ flight: ActiveAttempt, _ now: Instant, asked: Duration? = nil) {
        var flight = flight
        flight.faults += 1
        let wait = settings.retry.wait(afterFailures: flight.faults, using: &random)
        schedulePoll(flight, now, notBefore: now + max(wait, min(asked ?? .zero, settings.maximumRequestedWait)))
    }

    /// A 404 for a known ID: for ten minutes it may be temporary.
    private mutating func notFound(_ flight: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var flight = flight
        let since = flight.notFoundSince ?? now
        flight.notFoundSince = since
        guard flight.isMarkedLost || flight.isStillNotFound(since: since, for: settings.lostAfter) else {
            return schedulePoll(flight, now)
        }
        if flight.isCancelledWithoutCost, let remote = flight.state.remoteID {
            let report = RemoteTask(phase: .cancelled, remoteID: remote)
            return settle(flight, remote, report, isCostDenied: true, now)
        }
        let steps = endCommand(of: &flight, .lost, fault.message)
        park(flight, .lost)
        commit([.lost(flight.attempt, fault)] + steps, now)
        emit(.lost(flight.name))
    }

    /// A 401 or 403 to a query: this run can query nothing more.
    mutating func queryRefused(_ flight: ActiveAttempt, _ fault: ProviderError, _ stop: AccessDenial, _ now: Instant) {
        self.stop(fault, stop == .keyRefused ? stop : .accessDenied, model: nil, wasTryingFunds: false)
        run.endQueries()
        refuseCommands(stop == .keyRefused ? .keyRefused : .accountRefused, fault, now)
    }

    /// After the first acceptance without an echo, queries the key once to test key support. Only further submits wait
    /// for it; without an answer the next acceptance tests again.
    mutating func verifyKeySupport(_ flight: ActiveAttempt, _ remote: RemoteTaskID) {
        guard let question = question(for: flight, .verifyKeySupport), !run.isStopping else { return }
        accounts.beginCheck(
            AccountStates.KeyCheck(attempt: flight.attempt, key: flight.submissionKey, remote: remote),
            of: flight.account)
        effects.append(.act(.ask(flight.attempt, .verifyKeySupport, question)))
    }

    private mutating func cancelAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var (flight, answer) = (flight, answer)
        if case .found(let report) = answer, isMismatched(report, of: &flight) {
            answer = .fault(ProviderError(kind: .unreadable, message: "the reply names another task"))
        }
        if flight.isCancelRequested { return userCancelAnswered(flight, answer, now) }
        if case .found(let report) = answer {
            update(flight.attempt, report, now)
        } else {
            schedulePoll(flight, now)
        }
        endLookup(of: flight.attempt, now)
    }

    // MARK: Reports

    /// Applies a report about an accepted task.
    ///
    /// - Parameter isAnswer: whether it answers a query, not a submit or a cancel.
    mutating func update(
        _ attempt: AttemptID, _ report: RemoteTask, isAnswer: Bool = false, _ now: Instant
    ) {
        guard var flight = flight(attempt), let remote = flight.state.remoteID, flight.completion == nil else { return }
        let lastAlive = flight.lastAliveAt
        if pollTimes.learns { flight.lastAliveAt = now }
        var notBefore = report.retryAfter.map { now + min($0, settings.maximumRequestedWait) }
        switch report.phase {
        case .queued:
            if case .running = flight.state { warnStateRegressed(&flight, report.phase) }
            if flight.cancelReason != nil || flight.isCancelRequested, case .accepted = flight.state {
                cancel(&flight)
            }
        case .running:
            if case .accepted = flight.state {
                advance(&flight, .started(remote))
                put(flight)
                commit([.running(attempt)], now)
                emit(.running(flight.name))
            }
            cancelRunning(&flight, now)
        case .cancelled where report.isCancelledWithoutCost && !(flight.isCancelledWithoutCost && isAnswer):
            flight.isCancelledWithoutCost = true
            wake(&flight, at: now + settings.completionInterval)
            return put(flight)
        case .completed, .failed, .cancelled:
            if report.phase == .completed {
                if pollTimes.learns { flight.lastAliveAt = lastAlive }
                pollTimes.learn(report, of: flight, now)
            }
            return settle(flight, remote, report, now)
        case .unknown(let word):
            if warnings.reportsUnknownState(word) {
                emit(.warning("the provider reported the unknown state \"\(word)\"; still polling"))
            }
            notBefore = max(notBefore ?? now, now + settings.lateInterval)
        }
        schedulePoll(
            flight, now, notBefore: notBefore, hint: report.remaining?.divided(bySpeed: settings.speed))
    }

    /// Warns once per task that a reply fell behind the proven state, which is kept.
    mutating func warnStateRegressed(_ flight: inout ActiveAttempt, _ phase: RemoteTask.Phase) {
        warnOnce(
            &flight, "reported \(phase.word) after \(flight.state.word.rawValue); keeping \(flight.state.word.rawValue)"
        )
    }

    /// Whether a reply about an accepted task names another task or submission. It is then ignored, with one warning
    /// per task.
    mutating func isMismatched(_ report: RemoteTask, of flight: inout ActiveAttempt) -> Bool {
        guard let another = report.mismatch(with: flight.remoteID, flight.submissionKey) else { return false }
        warnOnce(&flight, "answered with \(another) instead; still polling")
        put(flight)
        return true
    }

    private mutating func warnOnce(_ flight: inout ActiveAttempt, _ what: String) {
        guard warnings.reportsMismatch(of: &flight) else { return }
        emit(.warning("\(flight.key): the provider \(what)"))
    }

    // MARK: Poll times

    /// - Parameter hint: the remaining time that the provider estimates.
    mutating func schedulePoll(
        _ flight: ActiveAttempt, _ now: Instant, notBefore: Instant? = nil, hint: Duration? = nil
    ) {
        var flight = flight
        if !flight.isUnresolved, pollTimes.isPastWindow(flight, now) { becomeUnresolved(&flight, now) }
        wake(&flight, at: max(pollTimes.nextPoll(of: flight, now, after: hint), notBefore ?? .distantPast))
        put(flight)
    }

    /// The attempt is past its poll window: its slot is released, and the log records it once per run.
    mutating func becomeUnresolved(_ flight: inout ActiveAttempt, _ now: Instant) {
        flight.isUnresolved = true
        flight.holdsSlot = false
        recordCanary(flight, isCompleted: false)
        commit([.unresolved(flight.attempt)], now)
        emit(.unresolved(flight.name))
    }
}
