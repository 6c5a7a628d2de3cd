extension Scheduler {
    /// Ends the run when nothing is left that it could do.
    mutating func finishIfDone(_ now: Instant) {
        guard hasStarted, !isFinished, isDone else { return }
        isFinished = true
        // What this run could not settle in time is as uncertain as what it gave up. Walked over once, at the end.
        let unsettled = flights.values.count { $0.parking == nil && $0.pending != nil || $0.isInDoubtElsewhere }
        ending.uncertain = tally.uncertain + tally.lost + unsettled
        ending.unsaved = settings.downloads ? tally.toSave : 0
        for (model, paused) in modelPauses.sorted(by: { $0.key < $1.key }) where lanes.waits(for: model) {
            if let words = paused.withdrawal { giveReason("no more \(model) clips were submitted: \(words)") }
        }
        if tally.active > 0 || tally.otherAccount > 0 || lanes.hasWaiting || !recovery.isWhole {
            ending.isWorkOutstanding = true
        }
        effects.append(.finish(ending))
    }

    var totalSubmitsInFlight: Int { submitsInFlight.values.reduce(0, +) }

    private var isDone: Bool {
        guard totalSubmitsInFlight == 0, claims.isEmpty else { return false }
        if isStopping { return tally.asking == 0 && !recovery.isLoading }
        guard recovery.isWhole else { return false }
        if areQuestionsOver { return tally.asking == 0 && tally.saving == 0 }
        guard tally.active == tally.idleUnresolved else { return false }
        return isSubmissionOver || !canEverSubmit
    }

    /// Something waits that this run may still send.
    private var canEverSubmit: Bool {
        guard !lanes.isDone(ignoring: isWithdrawn) else { return false }
        // Uncertain tasks hold submission up until a person has settled them; unsaved ones until the next run.
        return tally.uncertain < settings.uncertainLimit && tally.awaitingDownload < settings.unsavedLimit
    }
}
