extension Scheduler {
    /// Numbers of attempts by condition.
    package struct Counts: Hashable, Sendable {
        /// Tasks that count against the limit.
        package internal(set) var inFlight = 0
        /// Attempts that this run still works on.
        package internal(set) var active = 0
        /// Parked attempts that only a user or another run can settle.
        package internal(set) var uncertain = 0
        /// Uncertain attempts that are still being resolved.
        package internal(set) var settling = 0
        /// Attempts sent with an API key that this run does not have; they wait for a run with that key.
        package internal(set) var otherAccount = 0
        /// Attempts that the provider has not known for too long.
        package internal(set) var lost = 0
        /// Attempts past the poll window that were queried in this run and have no request in flight: they alone keep
        /// no run alive. One that is not found is followed until it is lost.
        package internal(set) var idleUnresolved = 0
        /// Completed clips that this run gave up saving.
        package internal(set) var unsaved = 0
        /// Queries and cancels in flight.
        package internal(set) var asking = 0
        /// Completed clips that should be saved and are not yet.
        package internal(set) var toSave = 0
        /// Those given up because the provider returns no URL or no length: no download in this run would save them.
        package internal(set) var outOfReach = 0
        /// Clips that wait for their download.
        var awaitingDownload: Int { toSave - outOfReach }
        /// Downloads that wait, run or will be retried.
        package internal(set) var saving = 0
        /// Uncertain attempts that wait to be resubmitted.
        package internal(set) var waitingForTurn = 0

        mutating func count(_ attempt: ActiveAttempt?, _ sign: Int) {
            guard let attempt else { return }
            if attempt.holdsSlot { inFlight += sign }
            if attempt.isQueryInFlight { asking += sign }
            if attempt.isCancelInFlight { asking += sign }
            if attempt.isIdleUnresolved { idleUnresolved += sign }
            if attempt.state == .uncertain, attempt.parking == nil { settling += sign }
            if let completion = attempt.completion {
                if !completion.isClipSettled {
                    toSave += sign
                    if completion.asset == nil || completion.isUnverified, attempt.parking == .unsaved {
                        outOfReach += sign
                    }
                }
                if completion.isDownloading { saving += sign }
            }
            if attempt.pending?.awaitsResubmit == true, attempt.parking == nil { waitingForTurn += sign }
            switch attempt.parking {
            case nil: active += sign
            case .uncertain: uncertain += sign
            case .otherAccount: otherAccount += sign
            case .lost: lost += sign
            case .unsaved: unsaved += sign
            }
        }
    }
}
