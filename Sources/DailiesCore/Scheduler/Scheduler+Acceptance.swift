/// Accepting a task that the provider has, and what its reply shows about key support.
extension Scheduler {
    /// The provider has the task: it replied to a submit, or the task was found by key. Nothing takes effect before the
    /// store has checked that the task does not belong to another attempt.
    mutating func accept(
        _ attempt: ActiveAttempt, _ report: RemoteTask, as remote: RemoteTaskID?, from source: Acceptance.Source,
        _ now: Instant
    ) {
        guard let remote, let pending = attempt.pending else {
            preconditionFailure("attempt \(attempt.id) was accepted without a name or a submission")
        }
        var attempt = attempt
        // The attempt as it will be if the task belongs to it.
        var accepted = attempt
        accepted.isReplayed =
            source == .reply && pending.sends == 1 && isReplay(report, sentAt: attempt.sentAt, now)
        accepted.estimate = report.estimate?.credits
        let isTrusted = budgets.trustsEstimates(of: attempt.shape.model)
        let (reserved, refusing) = budgets.reservation(byEstimateOf: accepted, isTrusted: isTrusted)
        let acceptance = Acceptance(
            of: report, as: remote, reserved: reserved, source: accepted.isReplayed ? .replayed : source)
        advance(&accepted, acceptance.isRunning ? .started(remote) : .accepted(remote))
        let verdicts = budgets.verdicts(on: accepted, refusedBy: refusing)
        // One commit, so that a crash cannot separate the acceptance from the guards' decision.
        var steps: [Mutation.Kind] = [.accepted(attempt.id, acceptance)]
        let guarded = Self.cancelVerdict(verdicts, on: accepted.state)
        if let guarded { steps.append(.cancelWanted(attempt.id, guarded.reason)) }
        let evidence = accounts.evidence(in: report, of: pending.submission, source)
        if let evidence, !accounts.isHonoring(attempt.account) {
            steps.append(.keyTrust(accounts.record(.honored, of: attempt.account, evidence: evidence)))
        }
        // A report of the end is booked first, and a guard's cancel is answered first: the command's outcome tells both.
        let isFinal = [.completed, .failed, .cancelled].contains(report.phase)
        let command = isFinal || guarded != nil ? nil : attempt.command.flatMap { $0.action.isLookup ? $0 : nil }
        if let command { steps.append(Self.lookupEnd(of: command, as: remote)) }
        let claim = AccountStates.Claim(
            account: attempt.account, report: report, acceptance: acceptance, source: source, evidence: evidence,
            reserved: attempt.reserved, verdicts: verdicts, command: command?.id)
        accounts.claim(attempt.id, claim)
        // Until the store has answered, the larger amount is reserved.
        if (reserved ?? .zero) > (attempt.reserved ?? .zero) { budgets.replaceReservation(of: &attempt, by: reserved) }
        put(attempt)
        effects.append(.claim(attempt.id, steps.map { Mutation(at: now, $0) }))
    }

    /// The store has decided who owns the task.
    mutating func claimed(_ id: AttemptID, by owner: TaskOwner?, _ now: Instant) {
        guard let claim = accounts.takeClaim(of: id), var attempt = attempts[id],
            let submission = attempt.pending?.submission
        else { preconditionFailure("attempt \(id) has claimed no task") }
        if let owner { return reject(claim, of: attempt, ownedBy: owner, now) }
        let (report, acceptance) = (claim.report, claim.acceptance)
        let remote = acceptance.remoteID
        attempt.isReplayed = acceptance.source == .replayed
        attempt.estimate = report.estimate?.credits
        budgets.reserve(acceptance.reserved, byEstimateOf: &attempt)
        advance(&attempt, acceptance.isRunning ? .started(remote) : .accepted(remote))
        if claim.evidence != nil { accounts.honored(attempt.account) }
        let needsKeyCheck =
            accounts.isUnproven(attempt.account) && submission.dialect == accounts.dialect
            && acceptance.source != .adopted
        if claim.command == attempt.command?.id { attempt.command = nil }
        attempt.pending = nil
        attempt.holdsSlot = true
        attempt.parking = nil
        attempt.faults = 0
        emit(.accepted(attempt.name, remote, estimate: attempt.estimate))
        stopSubmission(for: claim.verdicts, on: attempt)
        if let verdict = Self.cancelVerdict(claim.verdicts, on: attempt.state) {
            // The claim already made the reason durable.
            if let action = markCancelled(&attempt, verdict).action { effects.append(.act(action)) }
            reportCancel(of: attempt, verdict.detail)
        } else if let verdict = Self.cancelVerdict(budgets.spentVerdicts(on: attempt), on: attempt.state) {
            // A bill has spent the budget since the claim.
            cancel(&attempt, verdict, now)
        }
        put(attempt)
        if needsKeyCheck { verifyKeySupport(attempt, remote) }
        update(attempt.id, report, now)
        endLookup(of: attempt.id, now)
    }

    /// The task belongs to another attempt: the outcome of this one stays unknown, and this run does not resubmit it.
    private mutating func reject(
        _ claim: AccountStates.Claim, of attempt: ActiveAttempt, ownedBy owner: TaskOwner, _ now: Instant
    ) {
        var attempt = attempt
        budgets.replaceReservation(of: &attempt, by: claim.reserved)
        if claim.source == .adopted {
            return refuseAdoption(attempt, "the task \(claim.acceptance.remoteID) belongs to \(owner)", now)
        }
        attempt.pending?.isConflict = true
        let task = "the task \(claim.acceptance.remoteID), which belongs to \(owner)"
        switch claim.source {
        case .query: leaveMismatched(attempt, TaskOwner.faultCode, task, now)
        case .reply, .replayed, .adopted:
            let fault = ProviderError(kind: .unreadable, code: TaskOwner.faultCode, message: "the reply names \(task)")
            becomeUncertain(attempt, fault, now)
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
