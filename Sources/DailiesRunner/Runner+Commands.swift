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
    /// Commands whose attempts are read once the present event is handled.
    var unread: [UserCommand] = []
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
                    let pending = try self.store.pendingCommands(
                        after: last, isForced: isForced, at: self.timers.now)
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
        let pending = try store.pendingCommands(after: nil, isForced: true, at: timers.now)
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
        commandCursor.last = pending.last ?? commandCursor.last
        if let controls { apply(controls) }
        for command in pending.commands { handle(.commanded(command)) }
        commandCursor.unacknowledged = pending.lasting
        acknowledgeControls()
        let isRequested = commandCursor.isPollRequested
        commandCursor.isPolling = false
        commandCursor.isPollRequested = false
        if pending.isMore || isRequested { readCommands() }
    }

    /// Reads the attempts of the commands that wait for theirs, together. A read reflects every commit requested before
    /// it.
    func readAttemptsOfCommands() {
        guard !commandCursor.unread.isEmpty else { return }
        let commands = commandCursor.unread
        commandCursor.unread = []
        readingQueue.async {
            do {
                let read = try self.withAttempts(commands)
                self.queue.async { for command in read { self.handle(.commanded(command)) } }
            } catch {
                self.queue.async { self.fail("\(error)") }
            }
        }
    }

    private func withAttempts(_ commands: [UserCommand]) throws(StoreError) -> [UserCommand] {
        let own = Service(provider: provider.name, baseURL: provider.baseURL)
        let isForAny = configuration.mode == .serveCommands(anyProvider: true)
        let services = Dictionary(
            uniqueKeysWithValues: try store.batches().map {
                ($0.id, Service(provider: $0.provider, baseURL: $0.baseURL))
            })
        let found = try store.openAttempts(commands.map(\.attempt))
        return commands.map { command in
            var command = command
            command.isRead = true
            guard let open = found[command.attempt] else { return command }
            command.isElsewhere = !isForAny && services[open.batch] != own
            if !command.isElsewhere { command.open = open }
            return command
        }
    }

    private func apply(_ controls: RunControls) {
        for scope in commandCursor.controls.pauses.subtracting(controls.pauses) { handle(.unpauseRequested(scope)) }
        for scope in controls.pauses.subtracting(commandCursor.controls.pauses) { handle(.pauseRequested(scope)) }
        var limits = scheduler.limits
        if controls.concurrency != commandCursor.controls.concurrency {
            limits.concurrency = controls.concurrency ?? configuration.settings.concurrency
        }
        for model in Set(controls.modelConcurrency.keys).union(commandCursor.controls.modelConcurrency.keys)
        where controls.modelConcurrency[model] != commandCursor.controls.modelConcurrency[model] {
            limits.byModel[model] = controls.modelConcurrency[model] ?? configuration.settings.modelConcurrency[model]
        }
        commandCursor.controls = controls
        if limits != scheduler.limits { handle(.limitsChanged(limits)) }
    }

    /// A control needs no further work once it is in effect.
    private func acknowledgeControls() {
        guard !commandCursor.unacknowledged.isEmpty, done != nil else { return }
        if case .serveCommands = configuration.mode { return }
        let now = timers.now
        commit(
            commandCursor.unacknowledged.map { Mutation(at: now, .commandEnded($0, .applied, message: nil)) }, then: [])
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
