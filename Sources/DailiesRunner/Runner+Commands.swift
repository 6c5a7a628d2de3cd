import DailiesCore
import DailiesStore

/// How far a run has listened to what users tell it. On the runner's queue only.
struct CommandCursor: Sendable {
    /// The last command that was taken up.
    var last: CommandID?
    /// The last one that was given before the run began: its limits are those of the run's options.
    var lastAtStart: CommandID?
    /// A look for more is under way.
    var isLooking = false
    /// What was told to hold and holds, as far as this run was told.
    var orders = RunControls()
    /// Told to hold, and not marked as taken up.
    var lasting: [CommandID] = []
}

/// What users tell a run through its store while it goes on.
extension Runner {
    /// Takes up what was told since the last look; while that is nothing, a look costs next to nothing. To be called about
    /// twice a second, from any thread; one look is under way at a time.
    public func pollCommands() {
        queue.async {
            guard self.done != nil, !self.commandCursor.isLooking else { return }
            self.commandCursor.isLooking = true
            let (last, lastAtStart) = (self.commandCursor.last, self.commandCursor.lastAtStart)
            self.readingQueue.async {
                do {
                    let told = try self.store.pendingCommands(after: last, isForced: false)
                    let orders = told.lasting.isEmpty ? nil : try self.store.runControls(limitsAfter: lastAtStart)
                    self.queue.async { self.takeUp(told, orders) }
                } catch {
                    self.queue.async { self.fail("\(error)") }
                }
            }
        }
    }

    /// On the runner's queue, while the store is read for the first time.
    func loadPendingCommands() throws -> [UserCommand] {
        let told = try store.pendingCommands(after: nil, isForced: true)
        commandCursor.last = told.last
        commandCursor.lasting = told.lasting
        commandCursor.lastAtStart = try store.latestCommandID()
        commandCursor.orders = try store.runControls(limitsAfter: commandCursor.lastAtStart)
        return told.commands
    }

    /// What was paused before the run began stays paused in it.
    func applyStoredPauses() {
        for scope in commandCursor.orders.pauses { handle(.pauseRequested(scope)) }
        acknowledgeControls()
    }

    private func takeUp(_ told: PendingCommands, _ orders: RunControls?) {
        guard done != nil else { return }
        commandCursor.isLooking = false
        commandCursor.last = told.last ?? commandCursor.last
        if let orders { apply(orders) }
        for command in told.commands { handle(.commanded(command)) }
        commandCursor.lasting = told.lasting
        acknowledgeControls()
        if told.isMore { pollCommands() }
    }

    private func apply(_ orders: RunControls) {
        for scope in commandCursor.orders.pauses.subtracting(orders.pauses) { handle(.unpauseRequested(scope)) }
        for scope in orders.pauses.subtracting(commandCursor.orders.pauses) { handle(.pauseRequested(scope)) }
        var limits = scheduler.limits
        if orders.concurrency != commandCursor.orders.concurrency {
            limits.concurrency = orders.concurrency ?? plan.settings.concurrency
        }
        for model in Set(orders.modelConcurrency.keys).union(commandCursor.orders.modelConcurrency.keys)
        where orders.modelConcurrency[model] != commandCursor.orders.modelConcurrency[model] {
            limits.byModel[model] = orders.modelConcurrency[model] ?? plan.settings.modelConcurrency[model]
        }
        commandCursor.orders = orders
        if limits != scheduler.limits { handle(.limitsChanged(limits)) }
    }

    /// What holds needs nothing but to be known: its command has done its work.
    private func acknowledgeControls() {
        guard !commandCursor.lasting.isEmpty, done != nil else { return }
        let now = timers.now
        commit(commandCursor.lasting.map { Mutation(at: now, .commandEnded($0, .holds, message: nil)) }, then: [])
        commandCursor.lasting = []
    }

    /// Tells what came of commands whose effect only the store knows. On the store's queue, after their commit.
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
                queue.async { self.tell(outcome, name) }
            } catch {
                queue.async { self.fail("\(error)") }
            }
        }
    }

    private func tell(_ outcome: CommandOutcome?, _ name: TaskName) {
        switch outcome {
        case .withdrawn: observer(.withdrawn(name), timers.now)
        case .waits: observer(.retried(name), timers.now)
        default: break
        }
    }
}
