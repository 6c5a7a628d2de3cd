extension Scheduler {
    /// The provider's last word, booked at once. A clip, and a cost or a URL that the reply lacks, follow.
    ///
    /// - Parameter isCostDenied: the provider does not know the task any more, so that nobody can say that it was free.
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
        guard let settlement else { preconditionFailure("the phase \(report.phase) is no end") }
        // What a user wants cancelled as well does not wait again.
        let guarded = settlement.end == .cancelled && flight.cancellation == nil ? flight.cancelReason : nil
        let outcome: CommandOutcome
        switch settlement.end {
        case .completed:
            advance(&flight, .completed(remote))
            outcome = .completed
        case .failed:
            advance(&flight, .failed)
            outcome = .failed
        case .cancelled:
            advance(&flight, .cancelled)
            outcome = .cancelled
        }
        flight.holdsSlot = false
        flight.parking = nil
        flight.isUnresolved = false
        book(&flight, settlement.charges)
        var steps = settlement.steps(for: flight.attempt, cancelledFor: guarded)
        let failure = RetryRules.Failure(
            status: nil, code: settlement.failureCode, message: settlement.failureMessage)
        let following = settlement.end == .failed ? retrySteps(flight, settlement, failure) : []
        steps += endCancellation(of: &flight, outcome)
        steps += following
        commit(steps, now)
        cancelBeyondBudgets(of: flight, now)
        if let guarded {
            remove(flight)
            return endGuardedCancel(of: flight, guarded, charged: settlement.charges.first?.credits)
        }
        cancelDetails[flight.attempt] = nil
        tell(settlement, of: flight)
        awaitCompletion(flight, remote, settlement, now)
        recordOutcome(of: flight, settlement, failure, now)
        if !following.isEmpty { tryAgain(flight) }
    }

    /// What is still to come of one that is over; nothing, and it is forgotten.
    private mutating func awaitCompletion(
        _ flight: ActiveAttempt, _ remote: RemoteTaskID, _ settlement: Settlement, _ now: Instant
    ) {
        let isSaving = settings.downloads && settlement.end == .completed
        guard isSaving || settlement.isCostAwaited else { return remove(flight) }
        var flight = flight
        flight.completion = ActiveAttempt.Completion(
            remote: remote, asset: settlement.asset, expiresAt: now + assetLifetime(of: flight),
            cost: settlement.isCostAwaited ? .awaited : .known,
            questionsLeft: settings.completionQuestions, isSaved: false,
            isClipSettled: !isSaving)
        if settlement.isCostAwaited || (isSaving && settlement.asset == nil) {
            wake(&flight, at: now + settings.completionInterval)
        }
        put(flight)
        if isSaving, settlement.asset != nil { queueDownload(flight, now) }
    }

    private mutating func tell(_ settlement: Settlement, of flight: ActiveAttempt) {
        let charged = settlement.charges.first?.credits
        switch settlement.end {
        case .completed: effects.append(.tell(.completed(flight.key, charged: charged)))
        case .failed:
            let (code, message) = (settlement.failureCode, settlement.failureMessage)
            effects.append(.tell(.failed(flight.key, code: code, message: message, charged: charged)))
        case .cancelled: effects.append(.tell(.cancelled(flight.key, charged: charged)))
        }
    }

    /// What opens a new attempt: only where the failed one was free, its kind can change by the rules, and this run may
    /// submit it. Empty: the task stays failed.
    func retrySteps(
        _ flight: ActiveAttempt, _ settlement: Settlement, _ failure: RetryRules.Failure
    ) -> [Mutation.Kind] {
        // What a user wants cancelled is not tried again by rule.
        guard flight.cancellation == nil, flight.attempt.number <= settings.retries,
            settlement.charges.first?.credits == .zero,
            isInScope(TaskQueueID(batch: flight.batch, model: flight.shape.model))
        else { return [] }
        let task = flight.attempt.task
        switch settings.retryRules.action(for: failure) {
        case .skip, .pause: return []
        case .retry: return [.retried(task)]
        case .newSeed:
            guard catalogue[flight.shape.model]?.extraFields[CanonicalRequest.seedField] != nil,
                let key = flight.submissionKey
            else { return [.retried(task)] }
            return [.retried(task), .reseeded(task, CanonicalRequest.seed(after: key), isByRule: true)]
        }
    }

    /// A new attempt of it waits in the store.
    mutating func tryAgain(_ flight: ActiveAttempt) {
        effects.append(.tell(.retried(flight.key)))
        reopen(TaskQueueID(batch: flight.batch, model: flight.shape.model))
    }

    /// Takes an amount into the budget and the price book. While it is unknown, its reservation stands for it.
    private mutating func book(_ flight: inout ActiveAttempt, _ charges: [Amount]) {
        guard let charge = charges.first else { return }
        if charge.credits > .zero { guardBill(of: flight, charge) }
        if flight.state.word == .completed {
            prices.learn(charge.credits, estimate: flight.estimate, for: flight.shape)
        }
        let broken = budgets.settle(charge.credits, reserved: flight.reserved, for: flight.budgets)
        if !broken.isEmpty {
            let detail =
                "\(flight.key) was billed \(charge.text) credits, more than the "
                + "\(flight.reserved.map { "\($0)" } ?? "nothing") reserved for it"
            // The budget of a tag that is broken grants nothing more to its tasks, and holds up no other.
            if broken.contains(.batch(flight.batch)) { lanes.block { $0.batch == flight.batch } }
            ending.budgetReached = true
            ending.reasons.append(detail)
            effects.append(.tell(.paused(.budget(flight.batch), detail: detail, until: nil)))
        }
        flight.reserved = nil
    }

    // MARK: What a completed task lacks

    mutating func askForCompletion(_ attempt: AttemptID, _ now: Instant) { ask(attempt, .complete, now) }

    mutating func completionAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        var steps: [Mutation.Kind] = []
        switch answer {
        case .found(let report):
            guard !isMismatched(report, of: &flight) else {
                // Of ours nothing was learned.
                completion.questionsLeft -= 1
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
                book(&flight, report.charges)
                steps.append(.costLearned(flight.attempt, report.charges))
                recordCanary(flight, isCompleted: true, credits: report.charges.first?.credits)
            }
            completion.questionsLeft -= 1
        case .notFound:
            // It was completed a moment ago: a lapse of the provider's memory, up to a point, and no answer.
            let since = flight.notFoundSince ?? now
            flight.notFoundSince = since
            flight.faults += 1
            if flight.isStillNotFound(since: since, for: settings.lostAfter) { completion.questionsLeft = 0 }
        case .fault: flight.faults += 1
        case .stopped(let fault, let stop):
            questionRefused(flight, fault, stop)
            return stopAsking(flight, now)
        }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        if completion.questionsLeft <= 0 {
            if completion.cost == .awaited {
                completion.cost = .unknown
                steps.append(.costUnknown(flight.attempt))
                recordCanary(flight, isCompleted: true)
            }
            if lacksAsset, completion.asset == nil { steps.append(.noAsset(flight.attempt)) }
        }
        if !steps.isEmpty {
            commit(steps, now)
            cancelBeyondBudgets(of: flight, now)
        }
        let isLacking = completion.cost == .awaited || lacksAsset
        if isLacking, completion.questionsLeft > 0 {
            let wait =
                flight.faults > 0
                ? settings.retry.wait(afterFailures: flight.faults, using: &random) : settings.completionInterval
            wake(&flight, at: now + wait)
        }
        flight.completion = completion
        put(flight)
        if lacksAsset, flight.parking == nil {
            let isAnswered = if case .found = answer { completion.questionsLeft > 0 } else { false }
            if !isAnswered, retryRefusedAsset(flight, now) { return }
        }
        if lacksAsset, completion.questionsLeft <= 0, flight.parking == nil {
            return closeUnsaved(flight, "the provider returned no URL for it", now)
        }
        guard flight.parking == nil else { return }
        if !completion.isClipSettled, completion.asset != nil, !completion.needsAsset, !completion.isDownloading {
            queueDownload(flight, now)
        }
        closeIfDone(flight.attempt)
    }

    /// A poll that was sent before the end has landed. The question for what is missing may have come due meanwhile, and
    /// waits for nothing any more.
    mutating func resumeCompletion(_ flight: ActiveAttempt, _ now: Instant) {
        guard let completion = flight.completion, flight.parking == nil else { return }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        guard completion.cost == .awaited || lacksAsset else { return closeIfDone(flight.attempt) }
        var flight = flight
        wake(&flight, at: now + settings.completionInterval)
        put(flight)
    }

    /// Nothing more can be asked in this run. A clip whose URL is known is fetched all the same.
    private mutating func stopAsking(_ flight: ActiveAttempt, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        // It stays awaited in the store: the next run goes on asking.
        if completion.cost == .awaited { completion.cost = .unknown }
        flight.completion = completion
        put(flight)
        recordCanary(flight, isCompleted: true)
        if !completion.isClipSettled, !completion.isDownloading {
            return closeUnsaved(flight, "the provider denied access", now)
        }
        closeIfDone(flight.attempt)
    }

    /// Removes a completed flight once nothing of it is open.
    mutating func closeIfDone(_ attempt: AttemptID) {
        guard let flight = flight(attempt), let completion = flight.completion, flight.parking == nil else { return }
        if completion.isClipSettled, completion.cost != .awaited, !flight.isAsking { remove(flight) }
    }

    /// Gives a clip up for this run; the next one tries again.
    mutating func closeUnsaved(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        park(flight, .unsaved)
        // Its cost, if it is not known yet, is not asked for any more.
        recordCanary(flight, isCompleted: true)
        effects.append(.tell(.downloadFailed(flight.key, reason: reason)))
    }
}
