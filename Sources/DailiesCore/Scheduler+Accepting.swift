/// What follows when the provider has a task: its name, and what that says of keys.
extension Scheduler {
    /// The provider has it: by the reply to a submit, or found by its key.
    mutating func accept(_ flight: Flight, _ report: RemoteReport, from source: Acceptance.Source, _ now: Instant) {
        guard let remote = report.remoteID, let pending = flight.pending, let submission = pending.submission else {
            preconditionFailure("attempt \(flight.attempt) was accepted without a name or a submission")
        }
        var flight = flight
        let isReplayed = source == .reply && pending.sends == 1 && isReplay(report, sentAt: flight.intentAt, now)
        flight.isReplayed = isReplayed
        flight.estimate = report.estimate?.credits
        let refusing = reserveEstimate(of: &flight, isTrusted: prices.trustsEstimates(of: flight.shape.model))
        let acceptance = Acceptance(
            of: report, as: remote, reserved: flight.reserved, source: isReplayed ? .replayed : source)
        advance(&flight, acceptance.isRunning ? .started(remote) : .accepted(remote))
        var steps: [Change.Step] = [.accepted(flight.attempt, acceptance)]
        let evidence = keyEvidence(report, submission, source)
        if let evidence, trust[flight.account] != .honoured {
            trust[flight.account] = .honoured
            steps.append(.keyTrust(trustRecord(flight.account, .honoured, evidence: evidence)))
        }
        let mustProve =
            (trust[flight.account] ?? .unknown) == .unknown && evidence == nil && submission.dialect == dialect
        flight.pending = nil
        flight.holdsSlot = true
        flight.parking = nil
        flight.faults = 0
        let verdict = guardVerdict(on: flight, refusedBy: refusing)
        var actions: [Action] = []
        if let verdict {
            // In one commit, so that no crash parts what is accepted from what is to become of it.
            let (step, action) = wantCancelled(&flight, verdict)
            steps.append(step)
            actions = [action].compactMap { $0 }
        }
        put(flight)
        commit(steps, then: actions, now)
        effects.append(.tell(.accepted(flight.key, remote, estimate: flight.estimate)))
        if let verdict { tellCancel(of: flight, verdict.detail) }
        if mustProve { prove(flight, remote) }
        absorb(flight.attempt, report, now)
    }

    /// A first submit that met a render which existed before: another store's, or one that a lost store paid for.
    private func isReplay(_ report: RemoteReport, sentAt: Instant, _ now: Instant) -> Bool {
        if report.phase != .queued { return true }
        guard let submitted = report.submittedAt, let replied = report.repliedAt else { return false }
        // Both times are the provider's own. Two seconds are allowed for its rounding to whole seconds.
        return replied - submitted > (now - sentAt) + .seconds(2)
    }

    /// What a submission in another dialect shows says nothing of this run's.
    private func keyEvidence(
        _ report: RemoteReport, _ submission: Submission, _ source: Acceptance.Source
    ) -> String? {
        guard submission.dialect == dialect else { return nil }
        if source == .query { return "query_found" }
        return report.submissionKey == submission.key ? "echo" : nil
    }

    func trustRecord(_ account: KeyFingerprint, _ trust: KeyTrust, evidence: String) -> KeyTrustRecord {
        KeyTrustRecord(baseURL: baseURL, account: account, dialect: dialect, trust: trust, evidence: evidence)
    }
}
