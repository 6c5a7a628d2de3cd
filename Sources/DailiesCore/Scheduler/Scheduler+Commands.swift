/// What users want of single tasks while the run goes on. Each command ends in the commit that makes its effect durable;
/// one that has not ended when the run does is carried out by the next.
extension Scheduler {
    /// Cancels without an answer after which one is given up.
    private static let cancelFaultLimit = 3

    mutating func commanded(_ command: UserCommand, _ now: Instant) {
        guard recovery.isWhole else { return recovery.commands.append(command) }
        switch command.order {
        case .cancel(let evenIfCharged): cancel(command, evenIfCharged: evenIfCharged, now)
        case .retry(let again, let newSeed):
            // The store decides, by what is durable: an attempt that is not settled is never followed by another.
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
        // Whether it renders by now is known by asking; what is in the air is cancelled when its fate is known. The reply to
        // a cancel that a guard has sent says it as well.
        if flight.state.remoteID != nil, !evenIfCharged, !flight.isCancelling { ask(flight.attempt, .poll, now) }
    }

    /// What keeps a flight from being cancelled in this run; nil: nothing.
    private func cancelObstacle(
        _ flight: ActiveAttempt, evenIfCharged: Bool
    ) -> (outcome: CommandOutcome, message: String?)? {
        switch flight.parking {
        case .uncertain: return (.uncertain, "it was sent, but the provider does not recognize its submission key")
        case .otherAccount:
            return (flight.isInDoubtElsewhere ? .uncertain : .notCancelled, "it needs the API key \(flight.account)")
        case .lost: return (.lost, "the provider does not know it")
        case .unsaved: return (.completed, nil)
        case nil: break
        }
        if flight.completion != nil { return (.completed, nil) }
        if case .running = flight.state, !evenIfCharged { return (.renders, nil) }
        return areQuestionsOver ? (.notCancelled, "this run can no longer query the provider") : nil
    }

    /// The step that ends the user's cancel of a flight, if there is one.
    mutating func endCancellation(
        of flight: inout ActiveAttempt, _ outcome: CommandOutcome, _ message: String? = nil
    ) -> [Mutation.Kind] {
        guard let cancellation = flight.cancellation else { return [] }
        flight.cancellation = nil
        return [.commandEnded(cancellation.command, outcome, message: message)]
    }

    /// A task that a user wants cancelled renders, and rendering may be charged.
    mutating func cancelRunning(_ flight: inout ActiveAttempt, _ now: Instant) {
        guard let cancellation = flight.cancellation, case .running = flight.state else { return }
        if cancellation.evenIfCharged {
            cancel(&flight)
        } else {
            commit(endCancellation(of: &flight, .renders), now)
        }
        put(flight)
    }

    /// The reply to a user's cancel. Its word on the task is booked; if that goes on, the polls will tell its end.
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
            // The next poll that finds it cancels it once more.
            schedulePoll(flight, now)
        }
    }
}
