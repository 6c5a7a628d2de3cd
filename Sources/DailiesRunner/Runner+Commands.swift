import DailiesCore
import DailiesStore

/// A run's position in the user's commands. Only used on the runner's queue.
struct CommandCursor: Sendable {
    /// The last command that was picked up.
    var last: CommandID?
    /// The last command given before the run started; its limits are superseded by the run's options.
    var lastAtStart: CommandID?
    /// A poll is in progress.
    var isPolling = false
    /// The controls in effect, as far as this run knows.
    var controls = RunControls()
    /// Controls in effect that are not yet acknowledged in the store.
    var unacknowledged: [CommandID] = []
}

/// Commands that users give to an active run through its store.
extension Runner {
    /// Picks up new commands. Cheap when there are none. Call about twice a second, from any thread; polls do not
    /// overlap.
    public func pollCommands() {
        queue.async {
            guard self.done != nil, !self.commandCursor.isPolling else { return }
            self.commandCursor.isPolling = true
            let (last, lastAtStart) = (self.commandCursor.last, self.commandCursor.lastAtStart)
            self.readingQueue.async {
                do {
                    let pending = try self.store.pendingCommands(after: last, isForced: false)
                    let controls = pending.lasting.isEmpty ? nil : try self.store.runControls(limitsAfter: lastAtStart)
                    self.queue.async { self.applyCommands(pending, controls) }
                } catch {
                    self.queue.async { self.fail("\(error)") }
                }
            }
        }
    }

    /// Called on the runner's queue during recovery.
    func loadPendingCommands() throws -> [UserCommand] {
        let pending = try store.pendingCommands(after: nil, isForced: true)
        commandCursor.last = pending.last
        commandCursor.unacknowledged = pending.lasting
        commandCursor.lastAtStart = try store.latestCommandID()
        commandCursor.controls = try store.runControls(limitsAfter: commandCursor.lastAtStart)
        return pending.commands
    }

    /// A pause from before the run remains in effect.
    func applyStoredPauses() {
        for scope in commandCursor.controls.pauses { handle(.pauseRequested(scope)) }
        acknowledgeControls()
    }

    private func applyCommands(_ pending: PendingCommands, _ controls: RunControls?) {
        guard done != nil else { return }
        commandCursor.isPolling = false
        commandCursor.last = pending.last ?? commandCursor.last
        if let controls { apply(controls) }
        for command in pending.commands { handle(.commanded(command)) }
        commandCursor.unacknowledged = pending.lasting
        acknowledgeControls()
        if pending.isMore { pollCommands() }
    }

    private func apply(_ controls: RunControls) {
        for scope in commandCursor.controls.pauses.subtracting(controls.pauses) { handle(.unpauseRequested(scope)) }
        for scope in controls.pauses.subtracting(commandCursor.controls.pauses) { handle(.pauseRequested(scope)) }
        var limits = scheduler.limits
        if controls.concurrency != commandCursor.controls.concurrency {
            limits.concurrency = controls.concurrency ?? plan.settings.concurrency
        }
        for model in Set(controls.modelConcurrency.keys).union(commandCursor.controls.modelConcurrency.keys)
        where controls.modelConcurrency[model] != commandCursor.controls.modelConcurrency[model] {
            limits.byModel[model] = controls.modelConcurrency[model] ?? plan.settings.modelConcurrency[model]
        }
        commandCursor.controls = controls
        if limits != scheduler.limits { handle(.limitsChanged(limits)) }
    }

    /// A control needs no further work once it is in effect.
    private func acknowledgeControls() {
        guard !commandCursor.unacknowledged.isEmpty, done != nil else { return }
        let now = timers.now
        commit(
            commandCursor.unacknowledged.map { Mutation(at: now, .commandEnded($0, .holds, message: nil)) }, then: [])
        commandCursor.unacknowledged = []
    }

    /// Reports outcomes that only the store knows. Called on the store's queue after the commit.
    func reportCommandOutcomes(in changes: [Mutation]) {
        for change in changes {
            let (command, task): (CommandID, TaskID)
            switch change.step {
            case .withdrawnByCommand(let id, let attempt): (command, task) = (id, attempt.task)
            case .retriedByCommand(let id, let attempt, _, _): (command, task) = (id, attempt.task)
            default: continue
            }
            do {
                let outcome = try store.outcomes(of: [command])[command]?.outcome
                guard let name = try store.name(of: task) else { continue }
                queue.async { self.report(outcome, name) }
            } catch {
                queue.async { self.fail("\(error)") }
            }
        }
    }

    private func report(_ outcome: CommandOutcome?, _ name: TaskName) {
        switch outcome {
        case .withdrawn: observer(.withdrawn(name), timers.now)
        case .waits: observer(.retried(name), timers.now)
        default: break
        }
    }
}
