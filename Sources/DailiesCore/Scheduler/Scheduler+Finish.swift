extension Scheduler {
    /// Ends the run once it has nothing left to do.
    mutating func finishIfDone(_ now: Instant) {
        guard recovery.hasStarted, !run.isFinished, isDone else { return }
        // Attempts that this run could not settle in time are as uncertain as parked ones. Counted once, at the end.
        let unsettled = attempts.values.count { $0.parking == nil && $0.pending != nil || $0.isUncertainForOtherKey }
        run.finish(
            uncertain: tally.uncertain + tally.lost + unsettled, unsaved: settings.downloads ? tally.toSave : 0)
        for (model, message) in models.withdrawals where queues.waits(for: model) {
            run.addReason("no more \(model) clips were submitted: \(message)")
        }
        if tally.active > 0 || tally.otherAccount > 0 || queues.hasWaiting || !recovery.isWhole {
            run.leaveWork()
        }
        effects.append(.finish(run.result))
    }

    private var isDone: Bool {
        guard accounts.totalSubmitsInFlight == 0, !accounts.hasClaims else { return false }
        if run.isStopping { return tally.asking == 0 && !recovery.isLoading }
        if settings.servesCommandsOnly || commandsBeingRead > 0 || !backlog.isEmpty { return false }
        guard recovery.isWhole else { return false }
        if run.areQueriesOver { return tally.asking == 0 && tally.saving == 0 }
        guard tally.active == tally.idleUnresolved else { return false }
        return run.isSubmissionOver || !canEverSubmit
    }

    /// Whether tasks are waiting that this run may still submit.
    private var canEverSubmit: Bool {
        guard !queues.isDone(ignoring: { models.isWithdrawn($0.model) }) else { return false }
        // Uncertain tasks block submission until a user settles them; unsaved ones until the next run.
        return tally.uncertain < settings.uncertainLimit && tally.awaitingDownload < settings.unsavedLimit
    }
}
