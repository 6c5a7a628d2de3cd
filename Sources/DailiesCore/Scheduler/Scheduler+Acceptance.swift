/// Accepting a task that the provider has, and what its reply shows about key support.
extension Scheduler {
    /// The provider has the task: it replied to a submit, or the task was found by key. Nothing takes effect before the
    /// store has checked that the task does not belong to another attempt.
    mutating func accept(
        _ flight: ActiveAttempt, _ report: RemoteTask, as remote: RemoteTaskID?, from source: Acceptance.Source,
        _ now: Instant
    ) {
        guard let remote, let pending = flight.pending else {
            preconditionFailure("attempt \(flight.attempt) was accepted without a name or a submission")
        }
        var flight = flight
        // The attempt as it will be if the task belongs to it.
        var accepted = flight
        accepted.isReplayed =
            source == .reply && pending.sends == 1 && isReplay(report, sentAt: flight.sentAt, now)
        accepted.estimate = report.estimate?.credits
        let isTrusted = budgets.trustsEstimates(of: flight.shape.model)
        let (reserved, refusing) = budgets.reservation(byEstimateOf: accepted, isTrusted: isTrusted)
        let acceptance = Acceptance(
            of: report, as: remote, reserved: reserved, source: accepted.isReplayed ? .replayed : source)
        advance(&accepted, acceptance.isRunning ? .started(remote) : .accepted(remote))
        let verdicts = budgets.verdicts(on: accepted, refusedBy: refusing)
        // One commit, so that a crash cannot separate the acceptance from the guards' decision.
        var steps: [Mutation.Kind] = [.accepted(flight.attempt, acceptance)]
        if let verdict = Self.cancelVerdict(verdicts, on: accepted.state) {
            steps.append(.cancelWanted(flight.attempt, verdict.reason))
        }
        let evidence = accounts.evidence(in: report, of: pending.submission, source)
        if let evidence, !accounts.isHonoring(flight.account) {
            steps.append(.keyTrust(accounts.record(.honoured, of: flight.account, evidence: evidence)))
        }
        let claim = AccountStates.Claim(
            account: flight.account, report: report, acceptance: acceptance, source: source, evidence: evidence,
            reserved: flight.reserved, verdicts: verdicts)
        accounts.claim(flight.attempt, claim)
        // Until the store has answered, the larger amount is reserved.
        if (reserved ?? .zero) > (flight.reserved ?? .zero) { budgets.replaceReservation(of: &flight, by: reserved) }
        put(flight)
        effects.append(.claim(flight.attempt, steps.map { Mutation(at: now, $0) }))
    }

    /// The store has decided who owns the task.
    mutating func claimed(_ attempt: AttemptID, by owner: TaskOwner?, _ now: Instant) {
        guard let claim = accounts.takeClaim(of: attempt), var flight = flight(attempt),
            let submission = flight.pending?.submission
        else { preconditionFailure("attempt \(attempt) has claimed no task") }
        if let owner { return reject(claim, of: flight, ownedBy: owner, now) }
        let (report, acceptance) = (claim.report, claim.acceptance)
        let remote = acceptance.remoteID
        flight.isReplayed = acceptance.source == .replayed
        flight.estimate = report.estimate?.credits
        budgets.reserve(acceptance.reserved, byEstimateOf: &flight)
        advance(&flight, acceptance.isRunning ? .started(remote) : .accepted(remote))
        if claim.evidence != nil { accounts.honored(flight.account) }
        let needsKeyCheck =
            accounts.isUnproven(flight.account) && submission.dialect == accounts.dialect
            && acceptance.source != .adopted
        flight.pending = nil
        flight.holdsSlot = true
        flight.parking = nil
        flight.faults = 0
        emit(.accepted(flight.name, remote, estimate: flight.estimate))
        stopSubmission(for: claim.verdicts, on: flight)
        if let verdict = Self.cancelVerdict(claim.verdicts, on: flight.state) {
            // The claim already made the reason durable.
            if let action = markCancelled(&flight, verdict).action { effects.append(.act(action)) }
            reportCancel(of: flight, verdict.detail)
        } else if let verdict = Self.cancelVerdict(budgets.spentVerdicts(on: flight), on: flight.state) {
            // A bill has spent the budget since the claim.
            cancel(&flight, verdict, now)
        }
        put(flight)
        if needsKeyCheck { verifyKeySupport(flight, remote) }
        update(flight.attempt, report, now)
        endLookup(of: flight.attempt, now)
    }

    /// The task belongs to another attempt: the outcome of this one stays unknown, and this run does not resubmit it.
    private mutating func reject(
        _ claim: AccountStates.Claim, of flight: ActiveAttempt, ownedBy owner: TaskOwner, _ now: Instant
    ) {
        var flight = flight
        budgets.replaceReservation(of: &flight, by: claim.reserved)
        if claim.source == .adopted {
            return refuseAdoption(flight, "the task \(claim.acceptance.remoteID) belongs to \(owner)", now)
        }
        flight.pending?.isConflict = true
        let task = "the task \(claim.acceptance.remoteID), which belongs to \(owner)"
        switch claim.source {
        case .query: leaveMismatched(flight, TaskOwner.faultCode, task, now)
        case .reply, .replayed, .adopted:
            let fault = ProviderError(kind: .unreadable, code: TaskOwner.faultCode, message: "the reply names \(task)")
            becomeUncertain(flight, fault, now)
        }
    }

    /// Whether a first submit returned an existing render: another store's, or one that a lost store paid for. The
    /// render's time decides, not its progress, since a service may start at once.
    private func isReplay(_ report: RemoteTask, sentAt: Instant, _ now: Instant) -> Bool {
        guard let replied = report.repliedAt else { return false }
        // Each difference is taken on one clock, the provider's or the local one. Two seconds allow for rounding to
        // whole seconds.
        let oldest = (now - sentAt) + .seconds(2)
        return [report.submittedAt, report.completedAt].contains { $0.map { replied - $0 > oldest } ?? false }
    }
}
