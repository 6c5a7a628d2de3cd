/// Users' commands on single tasks. Each ends in the commit that makes its effect durable; the next run carries out
/// those that have not ended.
extension Scheduler {
    /// Maximum cancels without an answer before giving up.
    private static let cancelFaultLimit = 3

    mutating func commanded(_ command: UserCommand, _ now: Instant) {
        guard recovery.isWhole else { return recovery.deferUntilWhole(command) }
        if command.isRead {
            commandsBeingRead -= 1
        } else if command.order.needsAttempt, attempts[command.attempt] == nil {
            commandsBeingRead += 1
            return effects.append(.readAttempt(command))
        }
        if attempts[command.attempt]?.command != nil { return backlog.add(command) }
        switch command.order {
        case .cancel:
            guard let attempt = attempt(of: command, now) else {
                if command.isElsewhere, settings.submitsNothing { return }
                queues.withdraw(command.attempt, from: command.queue)
                return commit([.withdrawnByCommand(command.id, command.attempt)], now)
            }
            cancel(attempt, command, now)
        case .retry(let again, let newSeed):
            // The store decides by what is durable: an unsettled attempt is never followed by another.
            commit([.retriedByCommand(command.id, command.attempt, again: again, newSeed: newSeed)], now)
            reopen(command.queue)
        case .reconcile, .adopt, .assumeLost:
            guard let attempt = attempt(of: command, now) else {
                guard command.isElsewhere else {
                    return commit([.commandEnded(command.id, .alreadyOver, message: nil)], now)
                }
                // A run with its provider carries it out.
                if settings.submitsNothing { return }
                let message = "it is at a provider that the active run does not use"
                return commit([.commandEnded(command.id, .notLookedUp, message: message)], now)
            }
            lookUp(attempt, command, now)
        }
    }

    /// Carries out commands whose attempts have ended an earlier one.
    mutating func serveBacklog(_ now: Instant) {
        guard !run.isStopping else { return }
        while let command = backlog.next(isBusy: { attempts[$0]?.command != nil }) {
            commanded(command, now)
            dropServed()
        }
    }

    /// The attempt of a command. One that only the store has is resumed from it.
    private mutating func attempt(of command: UserCommand, _ now: Instant) -> ActiveAttempt? {
        if let known = attempts[command.attempt] { return known }
        guard let open = command.open else { return nil }
        switch open.progress {
        // A run that follows all tasks has these in flight, so what was read is out of date.
        case .sent, .accepted: if !settings.submitsNothing { return nil }
        case .completed, .missingCost: if !command.order.isLookup { return nil }
        }
        resume(open, isRequested: true, now)
        // The command decides which query to send.
        recovery.dropQueries()
        servedAttempts.insert(command.attempt)
        return attempts[command.attempt]
    }

    /// Whether this run leaves a command to another run, which has the attempt's API key.
    private func isForAnotherKey(_ attempt: ActiveAttempt) -> Bool {
        settings.servesCommandsOnly && !accounts.contains(attempt.account)
    }

    private func begin(_ command: UserCommand, on attempt: inout ActiveAttempt) {
        attempt.command = ActiveAttempt.PendingCommand(id: command.id, action: command.order)
    }

    // MARK: Cancelling

    private mutating func cancel(_ attempt: ActiveAttempt, _ command: UserCommand, _ now: Instant) {
        if isForAnotherKey(attempt) { return }
        var attempt = attempt
        if let outcome = refusal(of: attempt)
            ?? cancelObstacle(attempt, evenIfCharged: command.order.cancelsEvenIfCharged)
        {
            commit([.commandEnded(command.id, outcome.outcome, message: outcome.message)], now)
            return
        }
        begin(command, on: &attempt)
        // The stored state may be old if no run has followed it.
        if case .running = attempt.state, !settings.servesCommandsOnly { cancel(&attempt) }
        put(attempt)
        // A query shows whether it is rendering by now, which decides whether a missing cost is zero. A submit in flight
        // is cancelled once its outcome is known. The reply to a guard's cancel shows the state too.
        if attempt.state.remoteID != nil, !attempt.isCancelInFlight { ask(attempt.id, .poll, now) }
        if attempt.state == .uncertain, settings.servesCommandsOnly { ask(attempt.id, .resolveSubmission, now) }
    }

    /// The reason why an attempt cannot be cancelled in this run; nil: it can.
    private func cancelObstacle(_ attempt: ActiveAttempt, evenIfCharged: Bool) -> CommandRefusal? {
        switch attempt.parking {
        case .uncertain: return (.uncertain, "it was sent, but the provider does not recognize its submission key")
        case .otherAccount:
            return (
                attempt.isUncertainForOtherKey ? .uncertain : .notCancelled, "it needs the API key \(attempt.account)"
            )
        case .lost: return (.lost, "the provider does not know it")
        case .unsaved: return (.completed, nil)
        case nil: break
        }
        if attempt.completion != nil { return (.completed, nil) }
        if case .running = attempt.state, !evenIfCharged, !settings.servesCommandsOnly { return (.alreadyRunning, nil) }
        return run.areQueriesOver ? (.notCancelled, "this run can no longer query the provider") : nil
    }

    /// Handles a task to be cancelled that is already rendering, which may be charged.
    mutating func cancelRunning(_ attempt: inout ActiveAttempt, _ now: Instant) {
        guard let command = attempt.command, command.isCancel, case .running = attempt.state else { return }
        if command.cancelsEvenIfCharged {
            cancel(&attempt)
        } else {
            commit(endCommand(of: &attempt, .alreadyRunning), now)
        }
        put(attempt)
    }

    /// Handles a task to be cancelled whose state is unknown: it may be rendering.
    mutating func cancelUnknown(_ attempt: inout ActiveAttempt, _ now: Instant) {
        guard let command = attempt.command, command.isCancel else { return }
        if command.cancelsEvenIfCharged {
            cancel(&attempt)
        } else {
            commit(endCommand(of: &attempt, .alreadyRunning), now)
        }
        put(attempt)
    }

    /// The reply to a user's cancel. The reported state is booked; if the task continues, polls will find its end.
    mutating func userCancelAnswered(_ attempt: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var attempt = attempt
        switch answer {
        case .found(let report):
            switch report.phase {
            case .completed, .failed, .cancelled: break
            case .queued, .running, .unknown: commit(endCommand(of: &attempt, .requested), now)
            }
            put(attempt)
            update(attempt.id, report, now)
        case .stopped(let fault, let stop) where settings.servesCommandsOnly: queryRefused(attempt, fault, stop, now)
        case .notFound(let fault), .stopped(let fault, _):
            commit(endCommand(of: &attempt, .notCancelled, fault.message), now)
            schedulePoll(attempt, now)
        case .fault(let fault):
            attempt.command?.faults += 1
            if let faults = attempt.command?.faults, faults >= Self.cancelFaultLimit {
                commit(endCommand(of: &attempt, .noAnswer, fault.summary), now)
            }
            // The next poll that finds it queued cancels it again.
            schedulePoll(attempt, now)
        }
    }

    // MARK: Looking up

    private mutating func lookUp(_ attempt: ActiveAttempt, _ command: UserCommand, _ now: Instant) {
        var attempt = attempt
        let isSubmitInFlight = attempt.pending?.isSubmitInFlight == true || accounts.isClaiming(attempt.id)
        let isUncertain = attempt.state == .uncertain && !isSubmitInFlight
        let isLost = attempt.isMarkedLost || attempt.parking == .lost
        if command.order == .assumeLost(afterLookup: false), isUncertain || isLost, !attempt.isCancelRequested {
            begin(command, on: &attempt)
            return giveUp(attempt, "provider not queried", now)
        }
        if isForAnotherKey(attempt) { return }
        if let remote = attempt.state.remoteID, command.order == .adopt(remote) {
            // A run ended between the adoption and the end of its command.
            return commit([.commandEnded(command.id, .adopted, message: nil)], now)
        }
        if let refusal = refusal(of: attempt) ?? lookupObstacle(attempt, command.order, isUncertain: isUncertain) {
            commit([.commandEnded(command.id, refusal.outcome, message: refusal.message)], now)
            return
        }
        if isSubmitInFlight, command.order == .reconcile {
            // The reply decides.
            begin(command, on: &attempt)
            return put(attempt)
        }
        guard isUncertain || isLost || attempt.completion.map({ $0.cost != .known }) == true else {
            commit([.commandEnded(command.id, .found, message: nil)], now)
            return
        }
        begin(command, on: &attempt)
        let wasParked = attempt.parking != nil
        attempt.command?.wasParked = wasParked
        attempt.faults = 0
        if attempt.completion == nil { attempt.parking = nil }
        if isUncertain { attempt.pending?.unsettledSince = now }
        if isLost { attempt.isMarkedLost = true }
        put(attempt)
        ask(attempt.id, attempt.completion != nil ? .complete : isLost ? .poll : purpose(of: attempt), now)
    }

    /// The reason why an attempt cannot be looked up in this run; nil: it can.
    private func lookupObstacle(
        _ attempt: ActiveAttempt, _ action: UserCommand.Action, isUncertain: Bool
    ) -> CommandRefusal? {
        if !accounts.contains(attempt.account) { return (.notLookedUp, "it needs the API key \(attempt.account)") }
        if run.areQueriesOver { return (.notLookedUp, "this run can no longer query the provider") }
        if attempt.isCancelRequested { return (.notLookedUp, "it is being cancelled") }
        switch action {
        case .adopt where !isUncertain: return (.notLookedUp, "it is not uncertain")
        case .assumeLost where attempt.pending != nil && !isUncertain: return (.notLookedUp, "it is being submitted")
        case .adopt, .assumeLost, .reconcile, .cancel, .retry: return nil
        }
    }

    /// Handles an answer that did not find the attempt of a command.
    ///
    /// - Returns: whether nothing more is to be done for this answer.
    mutating func commandAnswered(_ attempt: inout ActiveAttempt, _ answer: QueryResult, _ now: Instant) -> Bool {
        guard let command = attempt.command else { return false }
        if command.adopted != nil {
            // An answer to an earlier query, by key.
            if case .found = answer { return false }
            put(attempt)
            ask(attempt.id, purpose(of: attempt), now)
            return true
        }
        switch answer {
        case .found, .stopped: return false
        case .notFound(let fault): return notFoundForCommand(&attempt, command, fault, now)
        case .fault(let fault):
            commandUnanswered(&attempt, fault, now)
            return false
        }
    }

    /// A command ends after a few faults.
    private mutating func commandUnanswered(
        _ attempt: inout ActiveAttempt, _ fault: ProviderError, _ now: Instant
    ) {
        guard attempt.faults + 1 >= settings.retry.attempts else { return }
        commit(endCommand(of: &attempt, .noAnswer, fault.summary), now)
        put(attempt)
        // The next one would only wait again.
        refuseCommands(.noAnswer, fault, ofAccount: nil, now)
    }

    /// The answer to a query for the task that a user adopts.
    mutating func adoptionAnswered(
        _ attempt: ActiveAttempt, _ remote: RemoteTaskID, _ answer: QueryResult, _ now: Instant
    ) {
        var attempt = attempt
        guard let command = attempt.command, command.adopted == remote else {
            // That command has ended. The answer shows nothing about the submission key.
            if attempt.parking == nil || attempt.command != nil { ask(attempt.id, purpose(of: attempt), now) }
            return
        }
        switch answer {
        case .found(let report):
            if let another = report.mismatch(with: remote, attempt.submissionKey) {
                return refuseAdoption(attempt, "the provider answers with \(another)", now)
            }
            accept(attempt, report, as: remote, from: .adopted, now)
        case .notFound(let fault): _ = notFoundForCommand(&attempt, command, fault, now)
        case .stopped(let fault, let stop): queryRefused(attempt, fault, stop, now)
        case .fault(let fault):
            commandUnanswered(&attempt, fault, now)
            resolutionFailed(attempt, fault, now)
        }
    }

    private mutating func notFoundForCommand(
        _ attempt: inout ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ fault: ProviderError, _ now: Instant
    ) -> Bool {
        let isUncertain = attempt.state == .uncertain
        switch command.action {
        case .retry: return false
        case .cancel where isUncertain:
            parkUncertain(attempt, "not found by its submission key (\(fault.summary))", now)
            return true
        case .cancel:
            commit(endCommand(of: &attempt, .lost, fault.summary), now)
            put(attempt)
            return false
        case .reconcile:
            let steps = [note(of: attempt, command, "not found (\(fault.summary))")]
            commit(steps + endCommand(of: &attempt, .notFound, fault.summary), now)
            put(attempt)
            // A run may be able to resubmit it.
            return settings.submitsNothing
        case .adopt(let remote):
            let steps = [note(of: attempt, command, "not found (\(fault.summary))")]
            commit(steps + endCommand(of: &attempt, .refused, "the provider does not know \(remote)"), now)
            adoptionFailed(attempt, command, now)
            return true
        case .assumeLost:
            commit([note(of: attempt, command, "not found (\(fault.summary))")], now)
            giveUp(attempt, "queried again and not found", now)
            return true
        }
    }

    /// The task that the user named belongs to another attempt: this one stays uncertain.
    mutating func refuseAdoption(_ attempt: ActiveAttempt, _ reason: String, _ now: Instant) {
        var attempt = attempt
        guard let command = attempt.command else { return }
        let steps = [note(of: attempt, command, reason)]
        commit(steps + endCommand(of: &attempt, .otherTask, reason), now)
        adoptionFailed(attempt, command, now)
    }

    /// The attempt is as uncertain as before.
    private mutating func adoptionFailed(
        _ attempt: ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ now: Instant
    ) {
        if command.wasParked || settings.submitsNothing { return park(attempt, .uncertain) }
        put(attempt)
        ask(attempt.id, purpose(of: attempt), now)
    }

    private func note(
        of attempt: ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ finding: String
    ) -> Mutation.Kind {
        let subject =
            command.adopted.map { "by the task id \($0)" }
            ?? (attempt.state == .uncertain ? "by its submission key" : "by its task id")
        return .note(attempt.id, kind: "asked", text: "\(subject): \(finding)")
    }

    /// The user gives it up. It may have been billed, so its cost is unknown and its reservation stays.
    private mutating func giveUp(_ attempt: ActiveAttempt, _ reason: String, _ now: Instant) {
        var attempt = attempt
        let settlement = Settlement.assumedLost(
            reason: "given up by the user (\(reason)); it may have been rendered and billed")
        let end = endCommand(of: &attempt, .assumedLost)
        advance(&attempt, .failed)
        remove(attempt)
        commit([.settled(attempt.id, settlement)] + end, now)
        recordCanary(attempt, isCompleted: false)
        emit(
            .failed(
                attempt.name, code: settlement.failureCode, message: settlement.failureMessage, charged: nil))
    }

    /// Whether a query for a cost is repeated, since it got no answer.
    func mayRepeatCommand(_ attempt: ActiveAttempt, _ answer: QueryResult) -> Bool {
        guard attempt.command != nil, case .fault = answer else { return false }
        return attempt.faults + 1 < settings.retry.attempts
    }

    /// The mutation that ends a lookup of a cost; empty if there is none.
    mutating func endCostLookup(
        of attempt: inout ActiveAttempt, _ answer: QueryResult, isLearned: Bool
    ) -> [Mutation.Kind] {
        if isLearned { return endCommand(of: &attempt, .costLearned) }
        switch answer {
        case .found(let report):
            let other = report.mismatch(with: attempt.remoteID, attempt.submissionKey)
            return endCommand(of: &attempt, .costUnknown, other.map { "the provider answers with \($0)" })
        case .notFound(let fault): return endCommand(of: &attempt, .costUnknown, "not found (\(fault.summary))")
        case .fault(let fault), .stopped(let fault, _): return endCommand(of: &attempt, .noAnswer, fault.summary)
        }
    }

    /// Ends a lookup whose attempt was found and continues.
    mutating func endLookup(of id: AttemptID, _ now: Instant) {
        guard var attempt = attempts[id], let command = attempt.command, !command.isCancel,
            !attempt.isCancelInFlight, !attempt.isCancelledWithoutCost, attempt.completion == nil
        else { return }
        attempt.command = nil
        commit([Self.lookupEnd(of: command, as: attempt.remoteID)], now)
        put(attempt)
    }

    /// The end of a lookup that found the attempt under this ID.
    static func lookupEnd(of command: ActiveAttempt.PendingCommand, as remote: RemoteTaskID?) -> Mutation.Kind {
        .commandEnded(command.id, lookupOutcome(command, remote), message: lookupMessage(command.action))
    }

    /// The outcome of a command on an attempt that has ended.
    ///
    /// - Parameter isGuarded: whether a guard cancelled it, so that its task waits again.
    static func outcome(
        of command: ActiveAttempt.PendingCommand?, as remote: RemoteTaskID, at end: Settlement.End, isGuarded: Bool
    ) -> (CommandOutcome, String?) {
        guard let command, !command.isCancel else {
            switch end {
            case .completed: return (.completed, nil)
            case .failed: return (.failed, nil)
            case .cancelled: return (.cancelled, nil)
            }
        }
        if isGuarded, command.action == .reconcile { return (.overBudget, nil) }
        return (lookupOutcome(command, remote), lookupMessage(command.action))
    }

    private static func lookupOutcome(
        _ command: ActiveAttempt.PendingCommand, _ remote: RemoteTaskID?
    ) -> CommandOutcome {
        switch command.action {
        // An answer by its key may come first, with another task.
        case .adopt(let named): named == remote ? .adopted : .found
        case .assumeLost: .refused
        case .cancel, .retry, .reconcile: .found
        }
    }

    private static func lookupMessage(_ action: UserCommand.Action) -> String? {
        if case .assumeLost = action { "the provider has this task" } else { nil }
    }

    // MARK: Outcomes

    /// An outcome without an answer about the attempt.
    typealias CommandRefusal = (outcome: CommandOutcome, message: String?)

    /// Why commands on an attempt cannot be carried out any more; nil: they can.
    private func refusal(of attempt: ActiveAttempt) -> CommandRefusal? {
        commandRefusal ?? refusedAccounts[attempt.account]
    }

    /// Ends the command on an attempt if the provider's answer is about another task.
    mutating func endMismatched(_ attempt: inout ActiveAttempt, _ report: RemoteTask, _ now: Instant) {
        guard let command = attempt.command,
            let other = report.mismatch(with: attempt.remoteID, attempt.submissionKey)
        else { return }
        let message = "the provider answers with \(other)"
        commit(endCommand(of: &attempt, command.isCancel ? .notCancelled : .otherTask, message), now)
        put(attempt)
    }

    /// The mutation that ends a user's command on an attempt; empty if there is none.
    mutating func endCommand(
        of attempt: inout ActiveAttempt, _ outcome: CommandOutcome, _ message: String? = nil
    ) -> [Mutation.Kind] {
        guard let command = attempt.command else { return [] }
        attempt.command = nil
        return [.commandEnded(command.id, outcome, message: message)]
    }

    /// A run that serves commands only ends them all if the provider does not answer, or those of an API key that it
    /// refuses.
    ///
    /// - Parameter account: nil: all.
    mutating func refuseCommands(
        _ outcome: CommandOutcome, _ fault: ProviderError, ofAccount account: KeyFingerprint?, _ now: Instant
    ) {
        guard settings.servesCommandsOnly else { return }
        if let account {
            refusedAccounts[account] = (outcome, fault.summary)
        } else {
            commandRefusal = (outcome, fault.summary)
        }
        let open = attempts.values.filter { attempt in
            attempt.command != nil && !accounts.isClaiming(attempt.id) && account.map { attempt.account == $0 } ?? true
        }
        for var attempt in open.sorted(by: { $0.id < $1.id }) {
            commit(endCommand(of: &attempt, outcome, fault.summary), now)
            put(attempt)
        }
    }

    /// Attempts that were resumed for a command are followed no longer than the command.
    mutating func dropServed() {
        for id in servedAttempts {
            guard let attempt = attempts[id] else {
                servedAttempts.remove(id)
                continue
            }
            guard attempt.command == nil, !accounts.isClaiming(id), attempt.pending?.isSubmitInFlight != true else {
                continue
            }
            servedAttempts.remove(id)
            remove(attempt)
        }
    }
}

extension UserCommand.Action {
    /// Whether it looks up an attempt.
    var isLookup: Bool {
        switch self {
        case .reconcile, .adopt, .assumeLost: true
        case .cancel, .retry: false
        }
    }

    /// Whether it needs its attempt. A retry is decided by the store.
    var needsAttempt: Bool { if case .retry = self { false } else { true } }

    /// Whether it cancels a task that is already rendering.
    var cancelsEvenIfCharged: Bool { self == .cancel(evenIfCharged: true) }
}
