/// What follows when the provider has a task: its name, and what that says of keys.
extension Scheduler {
    /// The provider has it: by the reply to a submit, or found by its key. The store says whether that task is another
    /// attempt's, and nothing is believed before.
    mutating func accept(_ flight: ActiveAttempt, _ report: RemoteTask, from source: Acceptance.Source, _ now: Instant)
    {
        guard let remote = report.remoteID, let pending = flight.pending, let submission = pending.submission else {
            preconditionFailure("attempt \(flight.attempt) was accepted without a name or a submission")
        }
        var flight = flight
        // As it will be if the task is its own.
        var accepted = flight
        accepted.isReplayed =
            source == .reply && pending.sends == 1 && isReplay(report, sentAt: flight.sentAt, now)
        accepted.estimate = report.estimate?.credits
        let isTrusted = prices.trustsEstimates(of: flight.shape.model)
        let (reserved, refusing) = reservation(byEstimateOf: accepted, isTrusted: isTrusted)
        let acceptance = Acceptance(
            of: report, as: remote, reserved: reserved, source: accepted.isReplayed ? .replayed : source)
        advance(&accepted, acceptance.isRunning ? .started(remote) : .accepted(remote))
        let verdicts = guardVerdicts(on: accepted, refusedBy: refusing)
        // In one commit, so that no crash parts what is accepted from what is to become of it.
        var steps: [Mutation.Kind] = [.accepted(flight.attempt, acceptance)]
        if let verdict = Self.cancelVerdict(verdicts, on: accepted.state) {
            steps.append(.cancelWanted(flight.attempt, verdict.reason))
        }
        let evidence = keyEvidence(report, submission, source)
        if let evidence, trust[flight.account] != .honoured {
            steps.append(.keyTrust(trustRecord(flight.account, .honoured, evidence: evidence)))
        }
        claims[flight.attempt] = Claim(
            report: report, acceptance: acceptance, source: source, evidence: evidence, reserved: flight.reserved,
            verdicts: verdicts)
        // Until the store has answered, the larger of both is held.
        if (reserved ?? .zero) > (flight.reserved ?? .zero) { hold(reserved, for: &flight) }
        put(flight)
        effects.append(.claim(flight.attempt, steps.map { Mutation(at: now, $0) }))
    }

    /// The store has said whose task it is.
    mutating func claimed(_ attempt: AttemptID, by owner: TaskOwner?, _ now: Instant) {
        guard let claim = claims.removeValue(forKey: attempt), var flight = flight(attempt),
            let submission = flight.pending?.submission
        else { preconditionFailure("attempt \(attempt) has claimed no task") }
        if let owner { return reject(claim, of: flight, ownedBy: owner, now) }
        let (report, acceptance) = (claim.report, claim.acceptance)
        let remote = acceptance.remoteID
        flight.isReplayed = acceptance.source == .replayed
        flight.estimate = report.estimate?.credits
        reserve(acceptance.reserved, byEstimateOf: &flight)
        advance(&flight, acceptance.isRunning ? .started(remote) : .accepted(remote))
        if claim.evidence != nil { trust[flight.account] = .honoured }
        let mustProve = (trust[flight.account] ?? .unknown) == .unknown && submission.dialect == dialect
        flight.pending = nil
        flight.holdsSlot = true
        flight.parking = nil
        flight.faults = 0
        effects.append(.tell(.accepted(flight.key, remote, estimate: flight.estimate)))
        stopSubmission(for: claim.verdicts, on: flight)
        if let verdict = Self.cancelVerdict(claim.verdicts, on: flight.state) {
            // What makes it durable is.
            if let action = wantCancelled(&flight, verdict).action { effects.append(.act(action)) }
            tellCancel(of: flight, verdict.detail)
        } else if let verdict = Self.cancelVerdict(spentBudgetVerdicts(on: flight), on: flight.state) {
            // A bill has spent the budget since the store was asked.
            cancel(&flight, verdict, now)
        }
        put(flight)
        if mustProve { prove(flight, remote) }
        update(flight.attempt, report, now)
    }

    /// The task is another attempt's: what became of this one is as unknown as before, and this run does not repeat it.
    private mutating func reject(
        _ claim: Claim, of flight: ActiveAttempt, ownedBy owner: TaskOwner, _ now: Instant
    ) {
        var flight = flight
        hold(claim.reserved, for: &flight)
        flight.pending?.isConflict = true
        let task = "the task \(claim.acceptance.remoteID), which belongs to \(owner)"
        switch claim.source {
        case .query: leaveMismatched(flight, TaskOwner.faultCode, task, now)
        case .reply, .replayed, .adopted:
            let fault = ProviderError(kind: .unreadable, code: TaskOwner.faultCode, message: "the reply names \(task)")
            becomeUncertain(flight, fault, now)
        }
    }

    /// A first submit that met a render which existed before: another store's, or one that a lost store paid for. What it
    /// shows is when that render was made, never how far it is: a service may start at once.
    private func isReplay(_ report: RemoteTask, sentAt: Instant, _ now: Instant) -> Bool {
        guard let replied = report.repliedAt else { return false }
        // Each difference is taken on one clock, the provider's or ours. Two seconds are allowed for its rounding to whole seconds.
        let oldest = (now - sentAt) + .seconds(2)
        return [report.submittedAt, report.completedAt].contains { $0.map { replied - $0 > oldest } ?? false }
    }

    /// What a submission in another dialect shows says nothing of this run's.
    private func keyEvidence(
        _ report: RemoteTask, _ submission: Submission, _ source: Acceptance.Source
    ) -> String? {
        guard submission.dialect == dialect else { return nil }
        if source == .query { return "query_found" }
        return report.submissionKey == submission.key ? "echo" : nil
    }

    func trustRecord(_ account: KeyFingerprint, _ trust: KeySupport, evidence: String) -> KeySupportRecord {
        KeySupportRecord(baseURL: baseURL, account: account, dialect: dialect, trust: trust, evidence: evidence)
    }
}
