/// Users' commands on single tasks. Each ends in the commit that makes its effect durable; the next run carries out
/// those that have not ended.
extension Scheduler {
    /// Maximum cancels without an answer before giving up.
    private static let cancelFaultLimit = 3

    /// Whether a command needs its attempt from the store.
    package func needsAttempt(of command: UserCommand) -> Bool {
        if case .retry = command.order { return false }
        return flight(command.attempt) == nil
    }

    mutating func commanded(_ command: UserCommand, _ now: Instant) {
        guard recovery.isWhole else { return recovery.deferUntilWhole(command) }
        switch command.order {
        case .cancel:
            guard let flight = attempt(of: command, now) else {
                lanes.withdraw(command.attempt, from: command.lane)
                return commit([.withdrawnByCommand(command.id, command.attempt)], now)
            }
            cancel(flight, command, now)
        case .retry(let again, let newSeed):
            // The store decides by what is durable: an unsettled attempt is never followed by another.
            commit([.retriedByCommand(command.id, command.attempt, again: again, newSeed: newSeed)], now)
            reopen(command.lane)
        case .reconcile, .adopt, .assumeLost:
            guard let flight = attempt(of: command, now) else {
                return commit([.commandEnded(command.id, .alreadyOver, message: nil)], now)
            }
            lookUp(flight, command, now)
        }
    }

    /// The attempt of a command. One that only the store has is resumed from it.
    private mutating func attempt(of command: UserCommand, _ now: Instant) -> ActiveAttempt? {
        if let known = flight(command.attempt) { return known }
        guard let open = command.open else { return nil }
        if !command.order.isLookup, case .completed = open.standing { return nil }
        if !command.order.isLookup, case .missingCost = open.standing { return nil }
        resume(open, isRequested: true, now)
        // The command decides which query to send.
        recovery.dropQueries()
        servedAttempts.insert(command.attempt)
        return flight(command.attempt)
    }

    /// Whether this run leaves a command to another run, which has the attempt's API key.
    private func isForAnotherKey(_ flight: ActiveAttempt) -> Bool {
        settings.servesCommandsOnly && !accounts.contains(flight.account)
    }

    private mutating func begin(_ command: UserCommand, on flight: inout ActiveAttempt, _ now: Instant) {
        if let earlier = flight.command { commit([.commandEnded(earlier.id, .asked, message: nil)], now) }
        flight.command = ActiveAttempt.PendingCommand(id: command.id, action: command.order)
    }

    // MARK: Cancelling

    private mutating func cancel(_ flight: ActiveAttempt, _ command: UserCommand, _ now: Instant) {
        if isForAnotherKey(flight) { return }
        var flight = flight
        if let outcome = commandRefusal ?? cancelObstacle(flight, evenIfCharged: command.order.cancelsEvenIfCharged) {
            commit([.commandEnded(command.id, outcome.outcome, message: outcome.message)], now)
            return
        }
        begin(command, on: &flight, now)
        if case .running = flight.state { cancel(&flight) }
        put(flight)
        // A query shows whether it is rendering by now, which decides whether a missing cost is zero. A submit in flight
        // is cancelled once its outcome is known. The reply to a guard's cancel shows the state too.
        if case .accepted = flight.state, !flight.isCancelInFlight { ask(flight.attempt, .poll, now) }
        if flight.state == .uncertain, settings.servesCommandsOnly { ask(flight.attempt, .resolveSubmission, now) }
    }

    /// The reason why an attempt cannot be cancelled in this run; nil: it can.
    private func cancelObstacle(_ flight: ActiveAttempt, evenIfCharged: Bool) -> CommandRefusal? {
        switch flight.parking {
        case .uncertain: return (.uncertain, "it was sent, but the provider does not recognize its submission key")
        case .otherAccount:
            return (
                flight.isUncertainForOtherKey ? .uncertain : .notCancelled, "it needs the API key \(flight.account)"
            )
        case .lost: return (.lost, "the provider does not know it")
        case .unsaved: return (.completed, nil)
        case nil: break
        }
        if flight.completion != nil { return (.completed, nil) }
        if case .running = flight.state, !evenIfCharged { return (.renders, nil) }
        return run.areQueriesOver ? (.notCancelled, "this run can no longer query the provider") : nil
    }

    /// Handles a task to be cancelled that is already rendering, which may be charged.
    mutating func cancelRunning(_ flight: inout ActiveAttempt, _ now: Instant) {
        guard let command = flight.command, command.isCancel, case .running = flight.state else { return }
        if command.cancelsEvenIfCharged {
            cancel(&flight)
        } else {
            commit(endCommand(of: &flight, .renders), now)
        }
        put(flight)
    }

    /// The reply to a user's cancel. The reported state is booked; if the task continues, polls will find its end.
    mutating func userCancelAnswered(_ flight: ActiveAttempt, _ answer: QueryResult, _ now: Instant) {
        var flight = flight
        switch answer {
        case .found(let report):
            switch report.phase {
            case .completed, .failed, .cancelled: break
            case .queued, .running, .unknown: commit(endCommand(of: &flight, .asked), now)
            }
            put(flight)
            update(flight.attempt, report, now)
        case .stopped(let fault, let stop) where settings.servesCommandsOnly: queryRefused(flight, fault, stop, now)
        case .notFound(let fault), .stopped(let fault, _):
            commit(endCommand(of: &flight, .notCancelled, fault.message), now)
            schedulePoll(flight, now)
        case .fault(let fault):
            flight.command?.faults += 1
            if let faults = flight.command?.faults, faults >= Self.cancelFaultLimit {
                commit(endCommand(of: &flight, .noAnswer, fault.summary), now)
            }
            // The next poll that finds it queued cancels it again.
            schedulePoll(flight, now)
        }
    }

    // MARK: Looking up

    private mutating func lookUp(_ flight: ActiveAttempt, _ command: UserCommand, _ now: Instant) {
        var flight = flight
        let isSubmitInFlight = flight.pending?.isSubmitInFlight == true || accounts.isClaiming(flight.attempt)
        let isUncertain = flight.state == .uncertain && !isSubmitInFlight
        let isLost = flight.isMarkedLost || flight.parking == .lost
        if command.order == .assumeLost(afterLookup: false), isUncertain || isLost {
            begin(command, on: &flight, now)
            return giveUp(flight, "provider not queried", now)
        }
        if isForAnotherKey(flight) { return }
        if let refusal = commandRefusal ?? lookupObstacle(flight, command.order, isUncertain: isUncertain) {
            commit([.commandEnded(command.id, refusal.outcome, message: refusal.message)], now)
            return
        }
        if isSubmitInFlight, command.order == .reconcile {
            // The reply decides.
            begin(command, on: &flight, now)
            return put(flight)
        }
        guard isUncertain || isLost || flight.completion.map({ $0.cost != .known }) == true else {
            commit([.commandEnded(command.id, .found, message: nil)], now)
            return
        }
        begin(command, on: &flight, now)
        let wasParked = flight.parking != nil
        flight.command?.wasParked = wasParked
        flight.faults = 0
        if flight.completion == nil { flight.parking = nil }
        if isUncertain { flight.pending?.unsettledSince = now }
        if isLost { flight.isMarkedLost = true }
        put(flight)
        ask(flight.attempt, flight.completion != nil ? .complete : isLost ? .poll : .resolveSubmission, now)
    }

    /// The reason why an attempt cannot be looked up in this run; nil: it can.
    private func lookupObstacle(
        _ flight: ActiveAttempt, _ action: UserCommand.Action, isUncertain: Bool
    ) -> CommandRefusal? {
        if !accounts.contains(flight.account) { return (.refused, "it needs the API key \(flight.account)") }
        if run.areQueriesOver { return (.noAnswer, "this run can no longer query the provider") }
        switch action {
        case .adopt where !isUncertain: return (.refused, "it is not uncertain")
        case .assumeLost where flight.pending != nil && !isUncertain: return (.refused, "it is being submitted")
        case .adopt, .assumeLost, .reconcile, .cancel, .retry: return nil
        }
    }

    /// Handles an answer that did not find the attempt of a command.
    ///
    /// - Returns: whether nothing more is to be done for this answer.
    mutating func commandAnswered(_ flight: inout ActiveAttempt, _ answer: QueryResult, _ now: Instant) -> Bool {
        guard let command = flight.command else { return false }
        if command.adopted != nil, !command.isAdoptionAsked {
            // An answer to an earlier query, by key.
            if case .found = answer { return false }
            put(flight)
            ask(flight.attempt, .resolveSubmission, now)
            return true
        }
        switch answer {
        case .found, .stopped: return false
        case .notFound(let fault): return notFoundForCommand(&flight, command, fault, now)
        case .fault(let fault):
            if flight.faults + 1 >= settings.retry.attempts {
                commit(endCommand(of: &flight, .noAnswer, fault.summary), now)
                put(flight)
            }
            return false
        }
    }

    private mutating func notFoundForCommand(
        _ flight: inout ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ fault: ProviderError, _ now: Instant
    ) -> Bool {
        let isUncertain = flight.state == .uncertain
        switch command.action {
        case .retry: return false
        case .cancel where isUncertain:
            parkUncertain(flight, "not found by its submission key (\(fault.summary))", now)
            return true
        case .cancel:
            commit(endCommand(of: &flight, .lost, fault.summary), now)
            put(flight)
            return false
        case .reconcile:
            let steps = [note(of: flight, command, "not found (\(fault.summary))")]
            commit(steps + endCommand(of: &flight, .notFound, fault.summary), now)
            put(flight)
            // A run may be able to resubmit it.
            return settings.servesCommandsOnly
        case .adopt(let remote):
            let steps = [note(of: flight, command, "not found (\(fault.summary))")]
            commit(steps + endCommand(of: &flight, .refused, "the provider does not know \(remote)"), now)
            leaveUncertain(flight, command, now)
            return true
        case .assumeLost:
            commit([note(of: flight, command, "not found (\(fault.summary))")], now)
            giveUp(flight, "queried again and not found", now)
            return true
        }
    }

    /// The task that the user named belongs to another attempt: this one stays uncertain.
    mutating func refuseAdoption(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        guard let command = flight.command else { return }
        let steps = [note(of: flight, command, reason)]
        commit(steps + endCommand(of: &flight, .otherTask, reason), now)
        leaveUncertain(flight, command, now)
    }

    /// An adoption failed: the attempt is as uncertain as before.
    private mutating func leaveUncertain(
        _ flight: ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ now: Instant
    ) {
        if command.wasParked || settings.servesCommandsOnly { return park(flight, .uncertain) }
        put(flight)
        ask(flight.attempt, .resolveSubmission, now)
    }

    private func note(
        of flight: ActiveAttempt, _ command: ActiveAttempt.PendingCommand, _ finding: String
    ) -> Mutation.Kind {
        let subject =
            command.adopted.map { "by the task id \($0)" }
            ?? (flight.state == .uncertain ? "by its submission key" : "by its task id")
        return .note(flight.attempt, kind: "asked", text: "\(subject): \(finding)")
    }

    /// The user gives it up. It may have been billed, so its cost is unknown and its reservation stays.
    private mutating func giveUp(_ flight: ActiveAttempt, _ reason: String, _ now: Instant) {
        var flight = flight
        let settlement = Settlement.assumedLost(
            because: "given up by the user (\(reason)); it may have been rendered and billed")
        let end = endCommand(of: &flight, .assumedLost)
        advance(&flight, .failed)
        remove(flight)
        commit([.settled(flight.attempt, settlement)] + end, now)
        recordCanary(flight, isCompleted: false)
        emit(
            .failed(
                flight.name, code: settlement.failureCode, message: settlement.failureMessage, charged: nil))
    }

    /// Whether a query for a cost is repeated, since it got no answer.
    func mayRepeatCommand(_ flight: ActiveAttempt, _ answer: QueryResult) -> Bool {
        guard flight.command != nil, case .fault = answer else { return false }
        return flight.faults + 1 < settings.retry.attempts
    }

    /// The mutation that ends a lookup of a cost; empty if there is none.
    mutating func endCostLookup(
        of flight: inout ActiveAttempt, _ answer: QueryResult, isLearned: Bool
    ) -> [Mutation.Kind] {
        if isLearned { return endCommand(of: &flight, .costLearned) }
        switch answer {
        case .found(let report):
            let other = report.mismatch(with: flight.remoteID, flight.submissionKey)
            return endCommand(of: &flight, .costUnknown, other.map { "the provider answers with \($0)" })
        case .notFound(let fault): return endCommand(of: &flight, .costUnknown, "not found (\(fault.summary))")
        case .fault(let fault), .stopped(let fault, _): return endCommand(of: &flight, .noAnswer, fault.summary)
        }
    }

    /// Ends a lookup whose attempt was found and continues.
    mutating func endLookup(of attempt: AttemptID, _ now: Instant) {
        guard var flight = flight(attempt), let command = flight.command, !command.isCancel,
            !flight.isCancelInFlight, !flight.isCancelledWithoutCost, flight.completion == nil
        else { return }
        commit(endCommand(of: &flight, Self.lookupOutcome(command.action), Self.lookupMessage(command.action)), now)
        put(flight)
    }

    /// The outcome of a command on an attempt that has ended.
    ///
    /// - Parameter isGuarded: whether a guard cancelled it, so that its task waits again.
    static func outcome(
        of command: ActiveAttempt.PendingCommand?, at end: Settlement.End, isGuarded: Bool
    ) -> (CommandOutcome, String?) {
        guard let command, !command.isCancel else {
            switch end {
            case .completed: return (.completed, nil)
            case .failed: return (.failed, nil)
            case .cancelled: return (.cancelled, nil)
            }
        }
        if isGuarded, command.action == .reconcile { return (.overBudget, nil) }
        return (lookupOutcome(command.action), lookupMessage(command.action))
    }

    private static func lookupOutcome(_ action: UserCommand.Action) -> CommandOutcome {
        switch action {
        case .adopt: .adopted
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

    /// The mutation that ends a user's command on an attempt; empty if there is none.
    mutating func endCommand(
        of flight: inout ActiveAttempt, _ outcome: CommandOutcome, _ message: String? = nil
    ) -> [Mutation.Kind] {
        guard let command = flight.command else { return [] }
        flight.command = nil
        return [.commandEnded(command.id, outcome, message: message)]
    }

    /// A run that serves commands only ends them all if the provider does not answer or refuses to.
    mutating func refuseCommands(_ outcome: CommandOutcome, _ fault: ProviderError, _ now: Instant) {
        guard settings.servesCommandsOnly else { return }
        commandRefusal = (outcome, fault.summary)
        let open = flights.values.filter { $0.command != nil && !accounts.isClaiming($0.attempt) }
        for var flight in open.sorted(by: { $0.attempt < $1.attempt }) {
            commit(endCommand(of: &flight, outcome, fault.summary), now)
            put(flight)
        }
    }

    /// Attempts that were resumed for a command are followed no longer than the command.
    mutating func dropServed() {
        for attempt in servedAttempts {
            guard let flight = flight(attempt) else {
                servedAttempts.remove(attempt)
                continue
            }
            guard flight.command == nil, !accounts.isClaiming(attempt) else { continue }
            servedAttempts.remove(attempt)
            remove(flight)
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

    /// Whether it cancels a task that is already rendering.
    var cancelsEvenIfCharged: Bool { self == .cancel(evenIfCharged: true) }
}
