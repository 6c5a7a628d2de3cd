extension Scheduler {
    /// Recovery: every attempt that the last run left open is taken up where the store says it stands.
    mutating func start(from recovered: SchedulerSnapshot, _ now: Instant) {
        precondition(!hasStarted, "a scheduler starts once")
        hasStarted = true
        budgets = Budgets(batches: recovered.budgets, tags: recovered.tagBudgets)
        prices = recovered.prices
        trust = recovered.trust
        accounts = recovered.accounts
        scope = recovered.scope
        learn(recovered.durations)
        for lane in recovered.lanes {
            lanes.add(lane)
            if accounts.account(for: lane.model) == nil {
                lanes.block { $0 == lane }
                ending.keyRefused = true
                ending.reasons.append("no API key for \(lane.model); set one with --api-key-file")
            }
        }
        recovery.commands = recovered.commands
        resume(recovered.open, isLast: !recovered.hasMoreOpen, now)
    }

    /// A page of the attempts that the last run left open.
    mutating func resume(_ page: [OpenAttempt], isLast: Bool, _ now: Instant) {
        precondition(!recovery.isWhole, "a page after the last")
        recovery.isLoading = false
        recovery.isWhole = isLast || page.isEmpty
        recovery.place = page.last?.place
        // What this run has settled since its page was read may be listed again for its cost.
        for open in page.sorted(by: { $0.sentAt < $1.sentAt }) where flight(open.attempt) == nil {
            resume(open, now)
        }
        guard recovery.isWhole else { return }
        warnOfFuture()
        warnOfOtherAccounts()
        let unknown = recovery.unknown
        recovery.unknown = []
        for attempt in unknown { ask(attempt, .resolveSubmission, now) }
        let commands = recovery.commands
        recovery.commands = []
        for command in commands { commanded(command, now) }
    }

    /// Asks for the next page once less than a page of questions is in the air.
    mutating func recoverMore() {
        guard hasStarted, !recovery.isWhole, !recovery.isLoading, !isStopping, !isFinished,
            let place = recovery.place, tally.asking < settings.recoveryPageSize
        else { return }
        recovery.isLoading = true
        effects.append(.loadOpen(after: place, limit: settings.recoveryPageSize))
    }

    /// A clock that was ahead once has left times in the future. They count as now, or their tasks would not be asked for
    /// until then.
    private mutating func warnOfFuture() {
        guard recovery.fromFuture > 0 else { return }
        let attempts =
            recovery.fromFuture == 1 ? "1 unfinished attempt has" : "\(recovery.fromFuture) unfinished attempts have"
        let reason = "the clock was ahead when they were recorded, or is behind now"
        effects.append(.tell(.warning("\(attempts) times in the future, treated as now: \(reason)")))
    }

    /// One warning for each key, however many clips it sent.
    private mutating func warnOfOtherAccounts() {
        for (account, clips) in recovery.otherAccounts.sorted(by: { $0.key.text < $1.key.text }) {
            effects.append(.tell(.warning(MissingKey(account: account, clips: clips).words)))
        }
        recovery.otherAccounts = [:]
    }

    /// Whether anything of an attempt is left to ask for.
    private static func needsItsKey(_ standing: OpenAttempt.Progress) -> Bool {
        switch standing {
        case .sent, .accepted: true
        case .completed(_, let asset, let cost, _): asset == nil || cost == .awaited
        case .missingCost(_, _, let cost): cost == .awaited
        }
    }

    private mutating func resume(_ open: OpenAttempt, _ now: Instant) {
        if max(open.sentAt, open.submittedAt, open.lostAt ?? .distantPast) > now { recovery.fromFuture += 1 }
        var flight = ActiveAttempt(
            attempt: open.attempt,
            kind: kinds.kind(
                batch: open.batch, shape: open.shape, account: open.submission.account, tagBudgets: open.tagBudgets),
            key: open.key, submissionKey: open.submission.key, sentAt: min(open.sentAt, now), output: open.output,
            state: .submitting, reserved: open.reserved, holdsSlot: false)
        flight.estimate = open.estimate
        flight.cancelReason = open.cancelReason
        flight.isReplayed = open.isReplayed
        // Nobody can ask for another key's tasks: they wait for a run that has that key. A clip whose URL is known can
        // still be fetched, since that takes no key.
        let canAsk = accounts.contains(flight.account)
        if case .sent = open.standing {} else { isRouteProven = true }
        if !canAsk, Self.needsItsKey(open.standing) { recovery.otherAccounts[flight.account, default: 0] += 1 }
        switch open.standing {
        case .sent(let isMarked):
            takeUpSent(flight, open, isMarked: isMarked, canAsk: canAsk, now)
        case .accepted(let remote, let isRunning):
            flight.state = isRunning ? .running(remote) : .accepted(remote)
            flight.isMarkedLost = open.lostAt != nil
            guard canAsk else { return park(flight, .otherAccount) }
            flight.holdsSlot = open.lostAt == nil
            if isPastWindow(flight, now) { becomeUnresolved(&flight, now) }
            flight.notFoundSince = open.lostAt.map { min($0, now) }
            guardRecovered(&flight, now)
            takeUpAccepted(flight, now)
        case .completed(let remote, let asset, let cost, let hasNoAsset):
            flight.state = .completed(remote)
            let isClipSettled = !settings.downloads
            // When its URL was made is not known; it cannot have been before the submit.
            flight.completion = ActiveAttempt.Completion(
                remote: remote, asset: asset, expiresAt: min(open.submittedAt, now) + assetLifetime(of: flight),
                cost: canAsk || cost != .awaited ? cost : .unknown, questionsLeft: settings.completionQuestions,
                isSaved: false, isClipSettled: isClipSettled, needsAsset: hasNoAsset)
            put(flight)
            if isClipSettled { return canAsk && mayAsk(for: cost) ? askForCost(flight.attempt, now) : remove(flight) }
            if asset != nil { queueDownload(flight, now) } else if !canAsk { park(flight, .unsaved) }
            if canAsk, asset == nil || cost != .known { askForCompletion(flight.attempt, now) }
        case .missingCost(let remote, let end, let cost):
            guard canAsk else { return }
            flight.state = end == .completed ? .saved(remote) : end == .failed ? .failed : .cancelled
            flight.completion = ActiveAttempt.Completion(
                remote: remote, expiresAt: now, cost: cost,
                questionsLeft: cost == .awaited && end == .completed ? settings.completionQuestions : 1,
                isSaved: end == .completed, isClipSettled: true)
            put(flight)
            askForCost(flight.attempt, now)
        }
    }

    /// Clips that are left at the provider may be many: of their unknown costs some are asked for, all by `reconcile`.
    private mutating func mayAsk(for cost: OpenAttempt.Cost) -> Bool {
        switch cost {
        case .known: return false
        case .awaited: return true
        case .unknown:
            lateCostsAsked += 1
            return lateCostsAsked <= settings.lateCostQuestions
        }
    }

    /// Only a cost is missing: one that counts as unknown is asked for once in each run.
    private mutating func askForCost(_ attempt: AttemptID, _ now: Instant) {
        askForCompletion(attempt, now)
        closeIfDone(attempt)
    }

    /// It was in the air when the last run ended, or uncertain already.
    private mutating func takeUpSent(
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
        recovery.unknown.append(flight.attempt)
    }

    /// A poll of this flight lies on the grid of its submission; one that was missed is made up for at once.
    private mutating func takeUpAccepted(_ flight: ActiveAttempt, _ now: Instant) {
        put(flight)
        // The answer to the cancel says where it stands.
        if flight.isCancelling { return }
        if flight.isUnresolved || flight.notFoundSince != nil || isPastCadence(flight, now) {
            ask(flight.attempt, .poll, now)
        } else {
            schedulePoll(flight, now)
        }
    }

    func assetLifetime(of flight: ActiveAttempt) -> Duration {
        catalogue[flight.shape.model]?.urlLifetime?.divided(bySpeed: settings.speed) ?? settings.assetLifetime
    }
}
