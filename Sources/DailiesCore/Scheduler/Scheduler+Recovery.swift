extension Scheduler {
    /// Recovery: resumes every attempt that the last run left open, in its stored state.
    mutating func start(from recovered: SchedulerSnapshot, _ now: Instant) {
        recovery.start(recovered.commands)
        if settings.submitsNothing { run.submitNothing() }
        budgets.start(Budgets(batches: recovered.budgets, tags: recovered.tagBudgets), recovered.prices)
        accounts.start(recovered.accounts, support: recovered.trust)
        queues.scope = recovered.scope
        pollTimes.learn(recovered.durations, using: &random)
        for queue in recovered.queues {
            queues.add(queue)
            if accounts.account(for: queue.model) == nil {
                queues.block { $0 == queue }
                run.deny(.keyRefused)
                run.result.reasons.append("no API key for \(queue.model); set one with --api-key-file")
            }
        }
        resume(recovered.open, isLast: !recovered.hasMoreOpen, now)
    }

    /// Resumes a page of attempts that the last run left open.
    mutating func resume(_ page: [OpenAttempt], isLast: Bool, _ now: Instant) {
        recovery.received(page, isLast: isLast)
        // Attempts that this run settled since the page was read may be listed again for their cost.
        for open in page.sorted(by: { $0.sentAt < $1.sentAt }) where attempts[open.attempt] == nil {
            resume(open, now)
        }
        guard recovery.isWhole else { return }
        let (warnings, unknown, commands) = recovery.takeDeferred()
        for warning in warnings { emit(.warning(warning)) }
        for id in unknown { ask(id, .resolveSubmission, now) }
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
    private static func needsItsKey(_ progress: OpenAttempt.Progress) -> Bool {
        switch progress {
        case .sent, .accepted: true
        case .completed(_, let asset, let cost, _): asset == nil || cost == .awaited
        case .missingCost(_, _, let cost): cost == .awaited
        }
    }

    /// - Parameter isRequested: whether a user's command needs it, and asks for what is unknown.
    mutating func resume(_ open: OpenAttempt, isRequested: Bool = false, _ now: Instant) {
        if max(open.sentAt, open.submittedAt, open.lostAt ?? .distantPast) > now { recovery.noteFutureTime() }
        var attempt = ActiveAttempt(
            id: open.attempt,
            kind: attempts.kind(
                batch: open.batch, shape: open.shape, account: open.submission.account, tagBudgets: open.tagBudgets),
            key: open.key, submissionKey: open.submission.key, sentAt: min(open.sentAt, now), output: open.output,
            state: .submitting, reserved: open.reserved, holdsSlot: false)
        attempt.estimate = open.estimate
        attempt.cancelReason = open.cancelReason
        attempt.isReplayed = open.isReplayed
        // Tasks of another key cannot be queried: they wait for a run with that key. A clip with a known URL can still
        // be downloaded, since that needs no key.
        let canAsk = accounts.contains(attempt.account)
        if case .sent = open.progress {} else { accounts.proveRoute() }
        if !canAsk, Self.needsItsKey(open.progress) { recovery.noteMissingKey(attempt.account) }
        switch open.progress {
        case .sent(let isMarked):
            resumeSent(attempt, open, isMarked: isMarked, canAsk: canAsk, now)
        case .accepted(let remote, let isRunning):
            attempt.state = isRunning ? .running(remote) : .accepted(remote)
            attempt.isMarkedLost = open.lostAt != nil
            guard canAsk else { return park(attempt, .otherAccount) }
            attempt.holdsSlot = open.lostAt == nil
            if pollTimes.isPastWindow(attempt, now) { becomeUnresolved(&attempt, now) }
            attempt.notFoundSince = open.lostAt.map { min($0, now) }
            guardRecovered(&attempt, now)
            resumeAccepted(attempt, now)
        case .completed(let remote, let asset, let cost, let hasNoAsset):
            attempt.state = .completed(remote)
            let isClipSettled = !settings.downloads
            // The age of the URL is unknown; it cannot be older than the submit.
            attempt.completion = ActiveAttempt.Completion(
                remote: remote, asset: asset, expiresAt: min(open.submittedAt, now) + assetLifetime(of: attempt),
                cost: canAsk || cost != .awaited ? cost : .unknown, queriesLeft: settings.completionQueries,
                isSaved: false, isClipSettled: isClipSettled, needsAsset: hasNoAsset)
            put(attempt)
            if isRequested { return cost == .known || !canAsk ? remove(attempt) : () }
            if isClipSettled {
                return canAsk && recovery.mayAsk(for: cost, limit: settings.lateCostQueries)
                    ? askForCost(attempt.id, now) : remove(attempt)
            }
            if asset != nil { queueDownload(attempt, now) } else if !canAsk { park(attempt, .unsaved) }
            if canAsk, asset == nil || cost != .known { askForCompletion(attempt.id, now) }
        case .missingCost(let remote, let end, let cost):
            guard canAsk else { return }
            attempt.state = end == .completed ? .saved(remote) : end == .failed ? .failed : .cancelled
            attempt.completion = ActiveAttempt.Completion(
                remote: remote, expiresAt: now, cost: cost,
                queriesLeft: cost == .awaited && end == .completed ? settings.completionQueries : 1,
                isSaved: end == .completed, isClipSettled: true)
            put(attempt)
            if !isRequested { askForCost(attempt.id, now) }
        }
    }

    /// Only the cost is missing: an unknown one is queried once per run.
    private mutating func askForCost(_ id: AttemptID, _ now: Instant) {
        askForCompletion(id, now)
        closeIfDone(id)
    }

    /// It was being submitted when the last run ended, or already uncertain.
    private mutating func resumeSent(
        _ attempt: ActiveAttempt, _ open: OpenAttempt, isMarked: Bool, canAsk: Bool, _ now: Instant
    ) {
        var attempt = attempt
        advance(&attempt, .outcomeUnknown)
        if !isMarked {
            let fault = ProviderError(kind: .broken, message: "the run ended while its submission was in flight")
            commit([.uncertain(attempt.id, fault)], now)
        }
        attempt.pending = ActiveAttempt.PendingSubmission(
            submission: open.submission, task: nil, isAgeUnknown: open.sentAt > now, sends: 1,
            isConflict: open.isConflict, unsettledSince: now)
        attempt.pending?.modelForbidden = open.isTransferred
        guard canAsk else { return park(attempt, .otherAccount) }
        attempt.holdsSlot = true
        put(attempt)
        recovery.queryLater(attempt.id)
    }

    /// Polls stay on the grid of the submission; a missed poll is made up for immediately.
    private mutating func resumeAccepted(_ attempt: ActiveAttempt, _ now: Instant) {
        put(attempt)
        // The reply to the cancel will show its state.
        if attempt.isCancelInFlight { return }
        if attempt.isUnresolved || attempt.notFoundSince != nil || pollTimes.isPastCadence(attempt, now) {
            ask(attempt.id, .poll, now)
        } else {
            schedulePoll(attempt, now)
        }
    }

    func assetLifetime(of attempt: ActiveAttempt) -> Duration {
        catalog[attempt.shape.model]?.urlLifetime?.divided(bySpeed: settings.speed) ?? settings.assetLifetime
    }
}
