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
    /// Commands were written since it began.
    var isPollRequested = false
    /// The controls in effect, as far as this run knows.
    var controls = RunControls()
    /// Controls in effect that are not yet acknowledged in the store.
    var unacknowledged: [CommandID] = []
}

/// Commands that users give to an active run through its store.
extension Runner {
    /// Picks up new commands. Cheap when there are none. Call about twice a second, from any thread; polls do not
    /// overlap.
    package func pollCommands() { readCommands(isForced: false) }

    /// Picks up commands that this process has written.
    package func readCommands() { readCommands(isForced: true) }

    private func readCommands(isForced: Bool) {
        queue.async {
            guard self.done != nil else { return }
            guard !self.commandCursor.isPolling else {
                if isForced { self.commandCursor.isPollRequested = true }
                return
            }
            self.commandCursor.isPolling = true
            let (last, lastAtStart) = (self.commandCursor.last, self.commandCursor.lastAtStart)
            self.readingQueue.async {
                do {
                    let pending = try self.store.pendingCommands(after: last, isForced: isForced)
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
        // Recovery brings open attempts, but not all with unknown costs.
        return try withAttempts(pending.commands) { $0.order == .reconcile }
    }

    /// A pause from before the run remains in effect.
    func applyStoredPauses() {
        for scope in commandCursor.controls.pauses { handle(.pauseRequested(scope)) }
        acknowledgeControls()
    }

    private func applyCommands(_ pending: PendingCommands, _ controls: RunControls?) {
        guard done != nil else { return }
        commandCursor.last = pending.last ?? commandCursor.last
        if let controls { apply(controls) }
        commandCursor.unacknowledged = pending.lasting
        acknowledgeControls()
        let needed = Set(pending.commands.filter(scheduler.needsAttempt).map(\.id))
        guard !needed.isEmpty else { return carryOut(pending.commands, isMore: pending.isMore) }
        readingQueue.async {
            do {
                let commands = try self.withAttempts(pending.commands) { needed.contains($0.id) }
                self.queue.async { self.carryOut(commands, isMore: pending.isMore) }
            } catch {
                self.queue.async { self.fail("\(error)") }
            }
        }
    }

    private func carryOut(_ commands: [UserCommand], isMore: Bool) {
        guard done != nil else { return }
        for command in commands { handle(.commanded(command)) }
        let isRequested = commandCursor.isPollRequested
        commandCursor.isPolling = false
        commandCursor.isPollRequested = false
        if isMore || isRequested { readCommands() }
    }

    /// Adds stored attempts to the commands that need them. A read reflects every commit requested before it.
    private func withAttempts(
        _ commands: [UserCommand], where isNeeded: (UserCommand) -> Bool
    ) throws(StoreError) -> [UserCommand] {
        let service = Service(provider: provider.name, baseURL: provider.baseURL)
        let isForAny = plan.mode == .serveCommands(anyProvider: true)
        let attempts = commands.filter(isNeeded).map(\.attempt)
        let open = try store.openAttempts(attempts, of: isForAny ? nil : service)
        return commands.map { command in
            var command = command
            command.open = open[command.attempt]
            return command
        }
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
        if case .serveCommands = plan.mode { return }
        let now = timers.now
        commit(
            commandCursor.unacknowledged.map { Mutation(at: now, .commandEnded($0, .holds, message: nil)) }, then: [])
        commandCursor.unacknowledged = []
    }

    /// Reports what users' commands did to tasks that this run did not have.
    func report(_ outcomes: [MutationOutcome]) {
        for outcome in outcomes {
            switch outcome {
            case .withdrawn(let name): observer(.withdrawn(name), timers.now)
            case .requeued(let name): observer(.retried(name), timers.now)
            }
        }
    }
}
