extension Scheduler {
    /// Completed: booked at once; the clip, and a cost or a URL that the reply lacks, follow.
    mutating func complete(_ flight: Flight, _ remote: RemoteTaskID, _ report: RemoteReport, _ now: Instant) {
        var flight = flight
        advance(&flight, .completed(remote))
        flight.holdsSlot = false
        flight.parking = nil
        flight.isUnresolved = false
        let isCostAwaited = report.charges.isEmpty
        book(&flight, report.charges, keepsReservation: isCostAwaited)
        flight.completion = Flight.Completion(
            asset: report.asset, expiresAt: now + assetLifetime(of: flight), isCostAwaited: isCostAwaited,
            questionsLeft: settings.completionQuestions, isSaved: false, isClipSettled: !settings.downloads)
        let settlement = Settlement(
            end: .completed, charges: report.charges, isCostAwaited: isCostAwaited, isReplayed: flight.isReplayed,
            completedAt: report.completedAt, asset: report.asset, deliveredSeconds: report.deliveredSeconds)
        commit([.settled(flight.attempt, settlement)] + endCancellation(of: &flight, .completed), now)
        effects.append(.tell(.completed(flight.key, charged: report.charges.first?.credits)))
        if isCostAwaited || (settings.downloads && report.asset == nil) {
            wake(&flight, at: now + settings.completionInterval)
        }
        put(flight)
        if settings.downloads, report.asset != nil { queueDownload(flight, now) }
        closeIfDone(flight.attempt)
    }

    /// Failed or cancelled, by the provider's word.
    mutating func end(_ flight: Flight, _ end: Settlement.End, _ report: RemoteReport, _ now: Instant) {
        var flight = flight
        var wasRunning = false
        if case .running = flight.state { wasRunning = true }
        advance(&flight, end == .failed ? .failed : .cancelled)
        // A failed render is not billed, nor is one that was cancelled before it ran; of any other, silence says nothing.
        var charges = report.charges
        if charges.isEmpty, end == .failed || !wasRunning { charges = [.notBilled] }
        book(&flight, charges, keepsReservation: charges.isEmpty)
        let settlement = Settlement(
            end: end, charges: charges, isReplayed: flight.isReplayed, completedAt: report.completedAt,
            failureCode: report.failureCode ?? (end == .failed ? "render_failed" : "cancelled"),
            failureMessage: report.failureMessage)
        var steps: [Change.Step] = [.settled(flight.attempt, settlement)]
        // What a user wants cancelled is not tried again by rule.
        let isRetried = end == .failed && flight.cancellation == nil && mayRetry(flight, settlement)
        steps += endCancellation(of: &flight, end == .cancelled ? .cancelled : .failed)
        if isRetried { steps.append(.retried(flight.attempt.task)) }
        remove(flight)
        commit(steps, now)
        let charged = charges.first?.credits
        let (code, message) = (settlement.failureCode, settlement.failureMessage)
        switch end {
        case .failed, .completed:
            effects.append(.tell(.failed(flight.key, code: code, message: message, charged: charged)))
        case .cancelled: effects.append(.tell(.cancelled(flight.key, charged: charged)))
        }
        if isRetried {
            effects.append(.tell(.retried(flight.key)))
            reopen(Lane(batch: flight.batch, model: flight.shape.model))
        }
    }

    /// A new attempt only where the failed one was free and its kind can change, and where this run may submit it.
    private func mayRetry(_ flight: Flight, _ settlement: Settlement) -> Bool {
        flight.attempt.number <= settings.retries && settlement.charges.first?.credits == .zero
            && settlement.failureCode != "content_policy_violation"
            && isInScope(Lane(batch: flight.batch, model: flight.shape.model))
    }

    /// Takes an amount into the budget and the price book.
    private mutating func book(_ flight: inout Flight, _ charges: [Amount], keepsReservation: Bool) {
        guard let charge = charges.first else {
            if !keepsReservation {
                budgets.release(flight.reserved, for: flight.budgets)
                flight.reserved = nil
            }
            return
        }
        if charge.credits > .zero { prices.learn(charge.credits, for: flight.shape) }
        let broken = budgets.settle(charge.credits, reserved: flight.reserved, for: flight.budgets)
        if !broken.isEmpty {
            let detail =
                "\(flight.key) was billed \(charge.text) credits, above the "
                + "\(flight.reserved.map { "\($0)" } ?? "nothing") reserved for it"
            // The budget of a tag that is broken grants nothing more to its tasks, and holds up no other.
            if broken.contains(.batch(flight.batch)) { lanes.block { $0.batch == flight.batch } }
            ending.budgetReached = true
            ending.reasons.append(detail)
            effects.append(.tell(.paused(.budget(flight.batch), detail: detail, until: nil)))
        }
        flight.reserved = nil
        cancelBeyondBudget(of: flight)
    }

    /// In hard mode: what still waits at the provider under a budget that is spent is cancelled, which is free.
    private mutating func cancelBeyondBudget(of billed: Flight) {
        for scope in billed.budgets where budgets[scope]?.cancelsWaiting == true {
            let waiting = flights.values.filter { flight in
                guard case .accepted = flight.state, flight.attempt != billed.attempt else { return false }
                return flight.budgets.contains(scope)
            }
            if !waiting.isEmpty { ending.budgetReached = true }
            for flight in waiting.sorted(by: { $0.attempt < $1.attempt }) {
                cancelWhileFree(flight.attempt, "\(budgets.name(of: scope)) is spent")
            }
        }
    }

    // MARK: What a completed task lacks

    mutating func askForCompletion(_ attempt: AttemptID, _ now: Instant) { ask(attempt, .complete, now) }

    mutating func completionAnswered(_ flight: Flight, _ answer: QueryAnswer, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        var steps: [Change.Step] = []
        switch answer {
        case .found(let report):
            if let remote = report.remoteID, remote != flight.state.remoteID {
                // It speaks of another task: of ours nothing was learned.
                completion.questionsLeft -= 1
                break
            }
            flight.faults = 0
            flight.notFoundSince = nil
            if report.phase != .completed { tellBackwards(&flight, report.phase) }
            if let asset = report.asset, !completion.isClipSettled, completion.asset == nil || completion.needsAsset {
                completion.asset = asset
                completion.expiresAt = now + assetLifetime(of: flight)
                completion.needsAsset = false
                steps.append(.assetFound(flight.attempt, asset))
            }
            if completion.isCostAwaited, !report.charges.isEmpty {
                completion.isCostAwaited = false
                book(&flight, report.charges, keepsReservation: false)
                steps.append(.costLearned(flight.attempt, report.charges))
            }
            completion.questionsLeft -= 1
        case .notFound:
            // It was completed a moment ago: a lapse of the provider's memory, up to a point, and no answer.
            let since = flight.notFoundSince ?? now
            flight.notFoundSince = since
            flight.faults += 1
            if now - since >= settings.lostAfter { completion.questionsLeft = 0 }
        case .fault: flight.faults += 1
        case .stopped(let fault, let stop):
            questionRefused(flight, fault, stop)
            return stopAsking(flight, now)
        }
        let lacksAsset = !completion.isClipSettled && (completion.asset == nil || completion.needsAsset)
        if completion.questionsLeft <= 0 {
            if completion.isCostAwaited {
                completion.isCostAwaited = false
                steps.append(.costUnknown(flight.attempt))
            }
            if lacksAsset, completion.asset == nil { steps.append(.noAsset(flight.attempt)) }
        }
        if !steps.isEmpty { commit(steps, now) }
        let isLacking = completion.isCostAwaited || lacksAsset
        if isLacking, completion.questionsLeft > 0 {
            let wait =
                flight.faults > 0
                ? settings.retry.wait(afterFailures: flight.faults, using: &random) : settings.completionInterval
            wake(&flight, at: now + wait)
        }
        flight.completion = completion
        put(flight)
        if lacksAsset, completion.questionsLeft <= 0, flight.parking == nil {
            return closeUnsaved(flight, "the provider gives no URL for it", now)
        }
        guard flight.parking == nil else { return }
        if !completion.isClipSettled, completion.asset != nil, !completion.needsAsset, !completion.isDownloading {
            queueDownload(flight, now)
        }
        closeIfDone(flight.attempt)
    }

    /// Nothing more can be asked in this run. A clip whose URL is known is fetched all the same.
    private mutating func stopAsking(_ flight: Flight, _ now: Instant) {
        guard var completion = flight.completion else { return }
        var flight = flight
        completion.isCostAwaited = false
        flight.completion = completion
        put(flight)
        if !completion.isClipSettled, !completion.isDownloading {
            return closeUnsaved(flight, "the account was refused", now)
        }
        closeIfDone(flight.attempt)
    }

    /// Removes a completed flight once nothing of it is open.
    mutating func closeIfDone(_ attempt: AttemptID) {
        guard let flight = flight(attempt), let completion = flight.completion, flight.parking == nil else { return }
        if completion.isClipSettled, !completion.isCostAwaited, !flight.isAsking { remove(flight) }
    }

    /// Gives a clip up for this run; the next one tries again.
    mutating func closeUnsaved(_ flight: Flight, _ reason: String, _ now: Instant) {
        park(flight, .unsaved)
        effects.append(.tell(.notSaved(flight.key, reason: reason)))
    }
}
