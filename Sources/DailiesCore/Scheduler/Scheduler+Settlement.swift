extension Scheduler {
    /// Books the provider's final state immediately. The clip, and a missing cost or URL, follow.
    ///
    /// - Parameter isCostDenied: whether the provider no longer knows the task, so that it cannot be assumed to be
    ///   free.
    mutating func settle(
        _ flight: ActiveAttempt, _ remote: RemoteTaskID, _ report: RemoteTask, isCostDenied: Bool = false,
        _ now: Instant
    ) {
        var flight = flight
        var wasRunning = isCostDenied
        if case .running = flight.state { wasRunning = true }
        let settlement = Settlement(
            of: report, wasRunning: wasRunning, isReplayed: flight.isReplayed,
            isConfirmed: flight.isCancelledWithoutCost)
        guard let settlement else { preconditionFailure("the phase \(report.phase) is not final") }
        // A task that a user also wants cancelled does not wait again.
        let guarded = settlement.end == .cancelled && !flight.isCancelRequested ? flight.cancelReason : nil
        let (outcome, message) = Self.outcome(of: flight.command, at: settlement.end, isGuarded: guarded != nil)
        switch settlement.end {
        case .completed: advance(&flight, .completed(remote))
        case .failed: advance(&flight, .failed)
        case .cancelled: advance(&flight, .cancelled)
        }
        flight.holdsSlot = false
        flight.parking = nil
        flight.isUnresolved = false
        recordCharge(&flight, settlement.charges)
        var steps = settlement.steps(for: flight.attempt, cancelledFor: guarded)
        let failure = RetryRules.Failure(
            status: nil, code: settlement.failureCode, message: settlement.failureMessage)
        let following = settlement.end == .failed ? retrySteps(flight, settlement, failure) : []
        steps += endCommand(of: &flight, outcome, message)
        steps += following
        commit(steps, now)
        cancelBeyondBudgets(of: flight, now)
        if let guarded {
            remove(flight)
            return endGuardedCancel(of: flight, guarded, charged: settlement.charges.first?.credits)
        }
        budgets.endCancel(of: flight.attempt)
        emit(settlement, of: flight)
        awaitCompletion(flight, remote, settlement, now)
        recordOutcome(of: flight, settlement, failure, now)
        if !following.isEmpty { tryAgain(flight) }
    }

    /// Waits for the missing parts of a settled attempt, or removes it.
    private mutating func awaitCompletion(
        _ flight: ActiveAttempt, _ remote: RemoteTaskID, _ settlement: Settlement, _ now: Instant
    ) {
        let isSaving = settings.downloads && settlement.end == .completed
        guard isSaving || settlement.isCostAwaited else { return remove(flight) }
        var flight = flight
        flight.completion = ActiveAttempt.Completion(
            remote: remote, asset: settlement.asset, expiresAt: now + assetLifetime(of: flight),
            cost: settlement.isCostAwaited ? .awaited : .known,
            queriesLeft: settings.completionQueries, isSaved: false,
            isClipSettled: !isSaving)
        if settlement.isCostAwaited || (isSaving && settlement.asset == nil) {
            wake(&flight, at: now + settings.completionInterval)
        }
        put(flight)
        if isSaving, settlement.asset != nil { queueDownload(flight, now) }
    }

    private mutating func emit(_ settlement: Settlement, of flight: ActiveAttempt) {
        let charged = settlement.charges.first?.credits
        switch settlement.end {
        case .completed: emit(.completed(flight.name, charged: charged))
        case .failed:
            let (code, message) = (settlement.failureCode, settlement.failureMessage)
            emit(.failed(flight.name, code: code, message: message, charged: charged))
        case .cancelled: emit(.cancelled(flight.name, charged: charged))
        }
    }

    /// The mutations that open a new attempt. They are empty, and the task stays failed, unless the failure was free,
    /// the rules allow it, and this run may submit it.
    func retrySteps(
        _ flight: ActiveAttempt, _ settlement: Settlement, _ failure: RetryRules.Failure
    ) -> [Mutation.Kind] {
        // A task that a user wants cancelled is not retried by rule.
        guard !flight.isCancelRequested, flight.attempt.number <= settings.retries,
            settlement.charges.first?.credits == .zero,
            isInScope(TaskQueueID(batch: flight.batch, model: flight.shape.model))
        else { return [] }
        let task = flight.attempt.task
        switch settings.retryRules.action(for: failure) {
        case .skip, .pause: return []
        case .retry: return [.retried(task)]
        case .newSeed:
            guard catalogue[flight.shape.model]?.extraFields[CanonicalRequest.seedField] != nil else {
                return [.retried(task)]
            }
            let seed = CanonicalRequest.seed(after: flight.submissionKey)
            return [.retried(task), .reseeded(task, seed, isByRule: true)]
        }
    }

    /// A new attempt waits in the store.
    mutating func tryAgain(_ flight: ActiveAttempt) {
        emit(.retried(flight.name))
        reopen(TaskQueueID(batch: flight.batch, model: flight.shape.model))
    }

    /// Books a cost in budgets and price book. While it is unknown, the reservation counts instead.
    private mutating func recordCharge(_ flight: inout ActiveAttempt, _ charges: [Amount]) {
        guard let charge = charges.first else { return }
        if charge.credits > .zero { guardBill(of: flight, charge) }
        let reserved = flight.reserved
        let broken = budgets.settle(charge.credits, of: &flight)
        if !broken.isEmpty {
            let detail =
                "\(flight.key) was billed \(charge.text) credits, more than the "
                + "\(reserved.map { "\($0)" } ?? "nothing") reserved for it"
            // A tag's broken budget blocks only tasks with that tag.
            if broken.contains(.batch(flight.batch)) { lanes.block { $0.batch == flight.batch } }
            run.reachBudget()
            run.result.reasons.append(detail)
            emit(.paused(.budget(flight.batch), detail: detail, until: nil))
        }
    }

    // MARK: Missing parts of completed tasks

    mutating func askForCompletion(_ attempt: AttemptID, _ now: Instant) { ask(attempt, .complete, now) }

    mutating func completionAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        var steps: [Mutation.Kind] = []
        let (hadCost, isRepeated) = (completion.cost == .known, mayRepeatCommand(flight, answer))
        switch answer {
        case .found(let report):
            guard !isMismatched(report, of: &flight) else {
                // The reply says nothing about this task.
                completion.queriesLeft -= 1
                break
            }
            flight.faults = 0
            flight.notFoundSince = nil
            if report.phase != .completed { warnStateRegressed(&flight, report.phase) }
            if let asset = report.asset, !completion.isClipSettled, completion.asset == nil || completion.needsAsset {
                completion.asset = asset
                completion.expiresAt = now + assetLifetime(of: flight)
                completion.needsAsset = false
                steps.append(.assetFound(flight.attempt, asset))
            }
            if completion.cost != .known, !report.charges.isEmpty {
                completion.cost = .known
                recordCharge(&flight, report.charges)
                steps.append(.costLearned(flight.attempt, report.charges))
                recordCanary(flight, isCompleted: true, credits: report.charges.first?.credits)
            }
            completion.queriesLeft -= 1
        case .notFound:
            // It was completed a moment ago, so the 404 may be temporary; it is not an answer.
            let since = flight.notFoundSince ?? now
            flight.notFoundSince = since
            flight.faults += 1
            if flight.isStillNotFound(since: since, for: settings.lostAfter) { completion.queriesLeft = 0 }
        case .fault: flight.faults += 1
        case .stopped(let fault, let stop):
            queryRefused(flight, fault, stop, now)
            return stopAsking(flight, now)
        }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        if completion.queriesLeft <= 0 {
            if completion.cost == .awaited {
                completion.cost = .unknown
                steps.append(.costUnknown(flight.attempt))
                recordCanary(flight, isCompleted: true)
            }
            if lacksAsset, completion.asset == nil { steps.append(.noAsset(flight.attempt)) }
        }
        if !isRepeated { steps += endCostLookup(of: &flight, answer, isLearned: !hadCost && completion.cost == .known) }
        if !steps.isEmpty {
            commit(steps, now)
            cancelBeyondBudgets(of: flight, now)
        }
        let isLacking = completion.cost == .awaited || lacksAsset
        if isRepeated || isLacking && completion.queriesLeft > 0 {
            let wait =
                flight.faults > 0
                ? settings.retry.wait(afterFailures: flight.faults, using: &random) : settings.completionInterval
            wake(&flight, at: now + wait)
        }
        flight.completion = completion
        put(flight)
        if lacksAsset, flight.parking == nil {
            let isAnswered = if case .found = answer { completion.queriesLeft > 0 } else { false }
            if !isAnswered, retryRefusedAsset(flight, now) { return }
        }
        if lacksAsset, completion.queriesLeft <= 0, flight.parking == nil {
            return closeUnsaved(flight, "the provider returned no URL for it", now)
        }
        guard flight.parking == nil else { return }
        if !completion.isClipSettled, completion.asset != nil, !completion.needsAsset, !completion.isDownloading {
            queueDownload(flight, now)
        }
        closeIfDone(flight.attempt)
    }

    /// A poll that was sent before the end has returned. The query for missing parts may have come due in the meantime.
    mutating func resumeCompletion(_ flight: ActiveAttempt, _ now: Instant) {
        guard let completion = flight.completion, flight.parking == nil else { return }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        guard completion.cost == .awaited || lacksAsset else { return closeIfDone(flight.attempt) }
        var flight = flight
        wake(&flight, at: now + settings.completionInterval)
        put(flight)
    }

    /// This run can query nothing more. A clip with a known URL is still downloaded.
    private mutating func stopAsking(_ flight: ActiveAttempt, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        // It stays awaited in the store: the next run queries it again.
        if completion.cost == .awaited { completion.cost = .unknown }
        flight.completion = completion
        put(flight)
        recordCanary(flight, isCompleted: true)
        if !completion.isClipSettled, !completion.isDownloading {
            return closeUnsaved(flight, "the provider denied access", now)
        }
        closeIfDone(flight.attempt)
    }

    /// Removes a completed attempt once nothing of it is missing.
    mutating func closeIfDone(_ attempt: AttemptID) {
        guard let flight = flight(attempt), let completion = flight.completion, flight.parking == nil else { return }
        if completion.isClipSettled, completion.cost != .awaited, flight.command == nil, !flight.isQueryInFlight {
            remove(flight)
        }
    }

    /// Gives a clip up for this run; the next one tries again.
    mutating func closeUnsaved(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        park(flight, .unsaved)
        // If its cost is still unknown, it is not queried any more.
        recordCanary(flight, isCompleted: true)
        emit(.downloadFailed(flight.name, reason: reason))
    }
}
