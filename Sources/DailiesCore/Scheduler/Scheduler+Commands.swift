/// Users' commands on single tasks during a run. Each ends in the commit that makes its effect durable; the next run
/// carries out those that have not ended.
extension Scheduler {
    /// Maximum cancels without an answer before giving up.
    private static let cancelFaultLimit = 3

    mutating func commanded(_ command: UserCommand, _ now: Instant) {
        guard recovery.isWhole else { return recovery.commands.append(command) }
        switch command.order {
        case .cancel(let evenIfCharged): cancel(command, evenIfCharged: evenIfCharged, now)
        case .retry(let again, let newSeed):
            // The store decides by what is durable: an unsettled attempt is never followed by another.
            commit([.retriedByCommand(command.id, command.attempt, again: again, newSeed: newSeed)], now)
            reopen(command.lane)
        }
    }

    private mutating func cancel(_ command: UserCommand, evenIfCharged: Bool, _ now: Instant) {
        guard var flight = flight(command.attempt) else {
            lanes.withdraw(command.attempt, from: command.lane)
            return commit([.withdrawnByCommand(command.id, command.attempt)], now)
        }
        if let outcome = cancelObstacle(flight, evenIfCharged: evenIfCharged) {
            return commit([.commandEnded(command.id, outcome.outcome, message: outcome.message)], now)
        }
        if let earlier = flight.cancellation {
            commit([.commandEnded(earlier.command, .asked, message: nil)], now)
        }
        flight.cancellation = ActiveAttempt.Cancellation(command: command.id, evenIfCharged: evenIfCharged)
        if flight.state.remoteID != nil, evenIfCharged { cancel(&flight) }
        put(flight)
        // A query shows whether it is rendering by now. A submit in flight is cancelled once its outcome is known. The
        // reply to a guard's cancel shows the state too.
        if flight.state.remoteID != nil, !evenIfCharged, !flight.isCancelInFlight { ask(flight.attempt, .poll, now) }
    }

    /// The reason why an attempt cannot be cancelled in this run; nil: it can.
    private func cancelObstacle(
        _ flight: ActiveAttempt, evenIfCharged: Bool
    ) -> (outcome: CommandOutcome, message: String?)? {
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
        return areQueriesOver ? (.notCancelled, "this run can no longer query the provider") : nil
    }

    /// The mutation that ends a user's cancel of an attempt; empty if there is none.
    mutating func endCancellation(
        of flight: inout ActiveAttempt, _ outcome: CommandOutcome, _ message: String? = nil
    ) -> [Mutation.Kind] {
        guard let cancellation = flight.cancellation else { return [] }
        flight.cancellation = nil
        return [.commandEnded(cancellation.command, outcome, message: message)]
    }

    /// Handles a task to be cancelled that is already rendering, which may be charged.
    mutating func cancelRunning(_ flight: inout ActiveAttempt, _ now: Instant) {
        guard let cancellation = flight.cancellation, case .running = flight.state else { return }
        if cancellation.evenIfCharged {
            cancel(&flight)
        } else {
            commit(endCancellation(of: &flight, .renders), now)
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
            case .queued, .running, .unknown: commit(endCancellation(of: &flight, .asked), now)
            }
            put(flight)
            update(flight.attempt, report, now)
        case .notFound(let fault), .stopped(let fault, _):
            commit(endCancellation(of: &flight, .notCancelled, fault.message), now)
            schedulePoll(flight, now)
        case .fault(let fault):
            flight.cancellation?.faults += 1
            if let faults = flight.cancellation?.faults, faults >= Self.cancelFaultLimit {
                commit(endCancellation(of: &flight, .notCancelled, fault.message), now)
            }
            // The next poll that finds it queued cancels it again.
            schedulePoll(flight, now)
        }
    }
}
