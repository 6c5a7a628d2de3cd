extension Scheduler {
    /// Books the provider's final state immediately. The clip, and a missing cost or URL, follow.
    ///
    /// - Parameter isCostDenied: whether the provider no longer knows the task, so that it cannot be assumed to be
    ///   free.
    mutating func settle(
        _ attempt: ActiveAttempt, _ remote: RemoteTaskID, _ report: RemoteTask, isCostDenied: Bool = false,
        _ now: Instant
    ) {
        var attempt = attempt
        var wasRunning = isCostDenied
        if case .running = attempt.state { wasRunning = true }
        let settlement = Settlement(
            of: report, wasRunning: wasRunning, isReplayed: attempt.isReplayed,
            isConfirmed: attempt.isCancelledWithoutCost)
        guard let settlement else { preconditionFailure("the phase \(report.phase) is not final") }
        // A task that a user also wants cancelled does not wait again.
        let guarded = settlement.end == .cancelled && !attempt.isCancelRequested ? attempt.cancelReason : nil
        let (outcome, message) = Self.outcome(
            of: attempt.command, as: remote, at: settlement.end, isGuarded: guarded != nil)
        switch settlement.end {
        case .completed: advance(&attempt, .completed(remote))
        case .failed: advance(&attempt, .failed)
        case .cancelled: advance(&attempt, .cancelled)
        }
        attempt.holdsSlot = false
        attempt.parking = nil
        attempt.isUnresolved = false
        recordCharge(&attempt, settlement.charges)
        var steps = settlement.steps(for: attempt.id, cancelledFor: guarded)
        let failure = RetryRules.Failure(
            status: nil, code: settlement.failureCode, message: settlement.failureMessage)
        let following = settlement.end == .failed ? retrySteps(attempt, settlement, failure) : []
        steps += endCommand(of: &attempt, outcome, message)
        steps += following
        commit(steps, now)
        cancelBeyondBudgets(of: attempt, now)
        if let guarded {
            remove(attempt)
            return endGuardedCancel(of: attempt, guarded, charged: settlement.charges.first?.credits)
        }
        budgets.endCancel(of: attempt.id)
        emit(settlement, of: attempt)
        awaitCompletion(attempt, remote, settlement, now)
        recordOutcome(of: attempt, settlement, failure, now)
        if !following.isEmpty { requeue(attempt) }
    }

    /// Waits for the missing parts of a settled attempt, or removes it.
    private mutating func awaitCompletion(
        _ attempt: ActiveAttempt, _ remote: RemoteTaskID, _ settlement: Settlement, _ now: Instant
    ) {
        let isSaving = settings.downloads && settlement.end == .completed
        guard isSaving || settlement.isCostAwaited else { return remove(attempt) }
        var attempt = attempt
        attempt.completion = ActiveAttempt.Completion(
            remote: remote, asset: settlement.asset, expiresAt: now + assetLifetime(of: attempt),
            cost: settlement.isCostAwaited ? .awaited : .known,
            queriesLeft: settings.completionQueries, isSaved: false,
            isClipSettled: !isSaving)
        if settlement.isCostAwaited || (isSaving && settlement.asset == nil) {
            wake(&attempt, at: now + settings.completionInterval)
        }
        put(attempt)
        if isSaving, settlement.asset != nil { queueDownload(attempt, now) }
    }

    private mutating func emit(_ settlement: Settlement, of attempt: ActiveAttempt) {
        let charged = settlement.charges.first?.credits
        switch settlement.end {
        case .completed: emit(.completed(attempt.name, charged: charged))
        case .failed:
            let (code, message) = (settlement.failureCode, settlement.failureMessage)
            emit(.failed(attempt.name, code: code, message: message, charged: charged))
        case .cancelled: emit(.cancelled(attempt.name, charged: charged))
        }
    }

    /// The mutations that open a new attempt. They are empty, and the task stays failed, unless the failure was free,
    /// the rules allow it, and this run may submit it.
    func retrySteps(
        _ attempt: ActiveAttempt, _ settlement: Settlement, _ failure: RetryRules.Failure
    ) -> [Mutation.Kind] {
        // A task that a user wants cancelled is not retried by rule.
        guard !attempt.isCancelRequested, attempt.id.number <= settings.retries,
            settlement.charges.first?.credits == .zero,
            isInScope(TaskQueueID(batch: attempt.batch, model: attempt.shape.model))
        else { return [] }
        let task = attempt.id.task
        switch settings.retryRules.action(for: failure) {
        case .skip, .pause: return []
        case .retry: return [.retried(task)]
        case .newSeed:
            guard catalog[attempt.shape.model]?.extraFields[CanonicalRequest.seedField] != nil else {
                return [.retried(task)]
            }
            let seed = CanonicalRequest.seed(after: attempt.submissionKey)
            return [.retried(task), .reseeded(task, seed, isByRule: true)]
        }
    }

    /// A new attempt waits in the store.
    mutating func requeue(_ attempt: ActiveAttempt) {
        emit(.retried(attempt.name))
        reopen(TaskQueueID(batch: attempt.batch, model: attempt.shape.model))
    }

    /// Books a cost in budgets and price book. While it is unknown, the reservation counts instead.
    private mutating func recordCharge(_ attempt: inout ActiveAttempt, _ charges: [Amount]) {
        guard let charge = charges.first else { return }
        if charge.credits > .zero { guardBill(of: attempt, charge) }
        let reserved = attempt.reserved
        let broken = budgets.settle(charge.credits, of: &attempt)
        if !broken.isEmpty {
            let detail =
                "\(attempt.key) was billed \(charge.text) credits, more than the "
                + "\(reserved.map { "\($0)" } ?? "nothing") reserved for it"
            // A tag's broken budget blocks only tasks with that tag.
            if broken.contains(.batch(attempt.batch)) { queues.block { $0.batch == attempt.batch } }
            run.reachBudget()
            run.result.reasons.append(detail)
            emit(.paused(.budget(attempt.batch), detail: detail, until: nil))
        }
    }

    // MARK: Missing parts of completed tasks

    mutating func askForCompletion(_ id: AttemptID, _ now: Instant) { ask(id, .complete, now) }

    mutating func completionAnswered(_ attempt: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        guard var completion = attempt.completion else { return }
        var attempt = attempt
        var steps: [Mutation.Kind] = []
        let (hadCost, isRepeated) = (completion.cost == .known, mayRepeatCommand(attempt, answer))
        switch answer {
        case .found(let report):
            guard !isMismatched(report, of: &attempt) else {
                // The reply says nothing about this task.
                completion.queriesLeft -= 1
                break
            }
            attempt.faults = 0
            attempt.notFoundSince = nil
            if report.phase != .completed { warnStateRegressed(&attempt, report.phase) }
            if let asset = report.asset, !completion.isClipSettled, completion.asset == nil || completion.needsAsset {
                completion.asset = asset
                completion.expiresAt = now + assetLifetime(of: attempt)
                completion.needsAsset = false
                steps.append(.assetFound(attempt.id, asset))
            }
            if completion.cost != .known, !report.charges.isEmpty {
                completion.cost = .known
                recordCharge(&attempt, report.charges)
                steps.append(.costLearned(attempt.id, report.charges))
                recordCanary(attempt, isCompleted: true, credits: report.charges.first?.credits)
            }
            completion.queriesLeft -= 1
        case .notFound:
            // It was completed a moment ago, so the 404 may be temporary; it is not an answer.
            let since = attempt.notFoundSince ?? now
            attempt.notFoundSince = since
            attempt.faults += 1
            if attempt.isStillNotFound(since: since, for: settings.lostAfter) { completion.queriesLeft = 0 }
        case .fault: attempt.faults += 1
        case .stopped(let fault, let stop):
            queryRefused(attempt, fault, stop, now)
            return stopAsking(attempt, now)
        }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        if completion.queriesLeft <= 0 {
            if completion.cost == .awaited {
                completion.cost = .unknown
                steps.append(.costUnknown(attempt.id))
                recordCanary(attempt, isCompleted: true)
            }
            if lacksAsset, completion.asset == nil { steps.append(.noAsset(attempt.id)) }
        }
        if !isRepeated {
            steps += endCostLookup(of: &attempt, answer, isLearned: !hadCost && completion.cost == .known)
        }
        if !steps.isEmpty {
            commit(steps, now)
            cancelBeyondBudgets(of: attempt, now)
        }
        let isLacking = completion.cost == .awaited || lacksAsset
        if isRepeated || isLacking && completion.queriesLeft > 0 {
            let wait =
                attempt.faults > 0
                ? settings.retry.wait(afterFailures: attempt.faults, using: &random) : settings.completionInterval
            wake(&attempt, at: now + wait)
        }
        attempt.completion = completion
        put(attempt)
        if lacksAsset, attempt.parking == nil {
            let isAnswered = if case .found = answer { completion.queriesLeft > 0 } else { false }
            if !isAnswered, retryRefusedAsset(attempt, now) { return }
        }
        if lacksAsset, completion.queriesLeft <= 0, attempt.parking == nil {
            return closeUnsaved(attempt, "the provider returned no URL for it", now)
        }
        guard attempt.parking == nil else { return }
        if !completion.isClipSettled, completion.asset != nil, !completion.needsAsset, !completion.isDownloading {
            queueDownload(attempt, now)
        }
        closeIfDone(attempt.id)
    }

    /// A poll that was sent before the end has returned. The query for missing parts may have come due in the meantime.
    mutating func resumeCompletion(_ attempt: ActiveAttempt, _ now: Instant) {
        guard let completion = attempt.completion, attempt.parking == nil else { return }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        guard completion.cost == .awaited || lacksAsset else { return closeIfDone(attempt.id) }
        var attempt = attempt
        wake(&attempt, at: now + settings.completionInterval)
        put(attempt)
    }

    /// This run can query nothing more. A clip with a known URL is still downloaded.
    private mutating func stopAsking(_ attempt: ActiveAttempt, _ now: Instant) {
        guard var completion = attempt.completion else { return }
        var attempt = attempt
        // It stays awaited in the store: the next run queries it again.
        if completion.cost == .awaited { completion.cost = .unknown }
        attempt.completion = completion
        put(attempt)
        recordCanary(attempt, isCompleted: true)
        if !completion.isClipSettled, !completion.isDownloading {
            return closeUnsaved(attempt, "the provider denied access", now)
        }
        closeIfDone(attempt.id)
    }

    /// Removes a completed attempt once nothing of it is missing.
    mutating func closeIfDone(_ id: AttemptID) {
        guard let attempt = attempts[id], let completion = attempt.completion, attempt.parking == nil else { return }
        if completion.isClipSettled, completion.cost != .awaited, attempt.command == nil, !attempt.isQueryInFlight {
            remove(attempt)
        }
    }

    /// Gives a clip up for this run; the next one tries again.
    mutating func closeUnsaved(_ attempt: ActiveAttempt, _ reason: String, _ now: Instant) {
        park(attempt, .unsaved)
        // If its cost is still unknown, it is not queried any more.
        recordCanary(attempt, isCompleted: true)
        emit(.downloadFailed(attempt.name, reason: reason))
    }
}
