extension Scheduler {
    /// Recovery: resumes every attempt that the last run left open, in its stored state.
    mutating func start(from recovered: SchedulerSnapshot, _ now: Instant) {
        recovery.start(recovered.commands)
        if settings.servesCommandsOnly { run.submitNothing() }
        budgets.start(Budgets(batches: recovered.budgets, tags: recovered.tagBudgets), recovered.prices)
        accounts.start(recovered.accounts, support: recovered.trust)
        lanes.scope = recovered.scope
        pollTimes.learn(recovered.durations, using: &random)
        for lane in recovered.lanes {
            lanes.add(lane)
            if accounts.account(for: lane.model) == nil {
                lanes.block { $0 == lane }
                run.deny(.keyRefused)
                run.result.reasons.append("no API key for \(lane.model); set one with --api-key-file")
            }
        }
        resume(recovered.open, isLast: !recovered.hasMoreOpen, now)
    }

    /// Resumes a page of attempts that the last run left open.
    mutating func resume(_ page: [OpenAttempt], isLast: Bool, _ now: Instant) {
        recovery.received(page, isLast: isLast)
        // Attempts that this run settled since the page was read may be listed again for their cost.
        for open in page.sorted(by: { $0.sentAt < $1.sentAt }) where flight(open.attempt) == nil {
            resume(open, now)
        }
        guard recovery.isWhole else { return }
        let (warnings, unknown, commands) = recovery.takeDeferred()
        for warning in warnings { emit(.warning(warning)) }
        for attempt in unknown { ask(attempt, .resolveSubmission, now) }
        for command in commands { commanded(command, now) }
    }

    /// Requests the next page once fewer queries than a page are in flight.
    mutating func recoverMore() {
        guard !run.isStopping, !run.isFinished, tally.asking < settings.recoveryPageSize,
            let place = recovery.nextPage()
        else { return }
        effects.append(.loadOpen(after: place, limit: settings.recoveryPageSize))
    }

    /// Whether an attempt still needs queries.
    private static func needsItsKey(_ standing: OpenAttempt.Progress) -> Bool {
        switch standing {
        case .sent, .accepted: true
        case .completed(_, let asset, let cost, _): asset == nil || cost == .awaited
        case .missingCost(_, _, let cost): cost == .awaited
        }
    }

    /// - Parameter isRequested: whether a user's command needs it, and asks for what is unknown.
    mutating func resume(_ open: OpenAttempt, isRequested: Bool = false, _ now: Instant) {
        if max(open.sentAt, open.submittedAt, open.lostAt ?? .distantPast) > now { recovery.noteFutureTime() }
        var flight = ActiveAttempt(
            attempt: open.attempt,
            kind: flights.kind(
                batch: open.batch, shape: open.shape, account: open.submission.account, tagBudgets: open.tagBudgets),
            key: open.key, submissionKey: open.submission.key, sentAt: min(open.sentAt, now), output: open.output,
            state: .submitting, reserved: open.reserved, holdsSlot: false)
        flight.estimate = open.estimate
        flight.cancelReason = open.cancelReason
        flight.isReplayed = open.isReplayed
        // Tasks of another key cannot be queried: they wait for a run with that key. A clip with a known URL can still
        // be downloaded, since that needs no key.
        let canAsk = accounts.contains(flight.account)
        if case .sent = open.standing {} else { accounts.proveRoute() }
        if !canAsk, Self.needsItsKey(open.standing) { recovery.noteMissingKey(flight.account) }
        switch open.standing {
        case .sent(let isMarked):
            resumeSent(flight, open, isMarked: isMarked, canAsk: canAsk, now)
        case .accepted(let remote, let isRunning):
            flight.state = isRunning ? .running(remote) : .accepted(remote)
            flight.isMarkedLost = open.lostAt != nil
            guard canAsk else { return park(flight, .otherAccount) }
            flight.holdsSlot = open.lostAt == nil
            if pollTimes.isPastWindow(flight, now) { becomeUnresolved(&flight, now) }
            flight.notFoundSince = open.lostAt.map { min($0, now) }
            guardRecovered(&flight, now)
            resumeAccepted(flight, now)
        case .completed(let remote, let asset, let cost, let hasNoAsset):
            flight.state = .completed(remote)
            let isClipSettled = !settings.downloads
            // The age of the URL is unknown; it cannot be older than the submit.
            flight.completion = ActiveAttempt.Completion(
                remote: remote, asset: asset, expiresAt: min(open.submittedAt, now) + assetLifetime(of: flight),
                cost: canAsk || cost != .awaited ? cost : .unknown, queriesLeft: settings.completionQueries,
                isSaved: false, isClipSettled: isClipSettled, needsAsset: hasNoAsset)
            put(flight)
            if isRequested { return cost == .known || !canAsk ? remove(flight) : () }
            if isClipSettled {
                return canAsk && recovery.mayAsk(for: cost, limit: settings.lateCostQueries)
                    ? askForCost(flight.attempt, now) : remove(flight)
            }
            if asset != nil { queueDownload(flight, now) } else if !canAsk { park(flight, .unsaved) }
            if canAsk, asset == nil || cost != .known { askForCompletion(flight.attempt, now) }
        case .missingCost(let remote, let end, let cost):
            guard canAsk else { return }
            flight.state = end == .completed ? .saved(remote) : end == .failed ? .failed : .cancelled
            flight.completion = ActiveAttempt.Completion(
                remote: remote, expiresAt: now, cost: cost,
                queriesLeft: cost == .awaited && end == .completed ? settings.completionQueries : 1,
                isSaved: end == .completed, isClipSettled: true)
            put(flight)
            if !isRequested { askForCost(flight.attempt, now) }
        }
    }

    /// Only the cost is missing: an unknown one is queried once per run.
    private mutating func askForCost(_ attempt: AttemptID, _ now: Instant) {
        askForCompletion(attempt, now)
        closeIfDone(attempt)
    }

    /// It was being submitted when the last run ended, or already uncertain.
    private mutating func resumeSent(
        _ flight: ActiveAttempt, _ open: OpenAttempt, isMarked: Bool, canAsk: Bool, _ now: Instant
    ) {
        var flight = flight
        advance(&flight, .outcomeUnknown)
        if !isMarked {
            let fault = ProviderError(kind: .broken, message: "the run ended while its submission was in flight")
            commit([.uncertain(flight.attempt, fault)], now)
        }
        flight.pending = ActiveAttempt.PendingSubmission(
            submission: open.submission, task: nil, isAgeUnknown: open.sentAt > now, sends: 1,
            isConflict: open.isConflict, unsettledSince: now)
        flight.pending?.modelForbidden = open.isHandedOver
        guard canAsk else { return park(flight, .otherAccount) }
        flight.holdsSlot = true
        put(flight)
        recovery.queryLater(flight.attempt)
    }

    /// Polls stay on the grid of the submission; a missed poll is made up for immediately.
    private mutating func resumeAccepted(_ flight: ActiveAttempt, _ now: Instant) {
        put(flight)
        // The reply to the cancel will show its state.
        if flight.isCancelInFlight { return }
        if flight.isUnresolved || flight.notFoundSince != nil || pollTimes.isPastCadence(flight, now) {
            ask(flight.attempt, .poll, now)
        } else {
            schedulePoll(flight, now)
        }
    }

    func assetLifetime(of flight: ActiveAttempt) -> Duration {
        catalogue[flight.shape.model]?.urlLifetime?.divided(bySpeed: settings.speed) ?? settings.assetLifetime
    }
}
