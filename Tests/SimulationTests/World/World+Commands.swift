import DailiesCore

@testable import DailiesStore

/// What the user tells a run from another terminal while it goes on, or tells the store when nobody runs.
extension World {
    /// One act, drawn by the seed, on what the user sees at this moment.
    func tellSomething() throws {
        switch chance.number(0...9) {
        case 0...4: try tellAboutTask()
        case 5...6: try tell(isPaused ? .unpause(.everything) : .pause(drawnScope()))
        case 7: try tell(.unpause(drawnScope()))
        default:
            let limit = chance.number(1...8)
            if chance.happens(0.3) {
                raise(Scenario.firstModel, to: limit)
                try tell(.concurrency(limit, model: Scenario.firstModel))
            } else {
                ceiling = max(ceiling, limit)
                try tell(.concurrency(limit, model: nil))
            }
        }
        life?.runner.pollCommands()
    }

    /// Ends every pause: of a run that waits for that alone, and before the calm.
    func unpauseEverything() throws {
        guard isPaused else { return }
        try tell(.unpause(.everything))
        life?.runner.pollCommands()
    }

    private func drawnScope() -> PauseScope {
        switch chance.number(0...3) {
        case 0: .model(ModelID("cedar"))
        case 1: batchIDs.first.map(PauseScope.batch) ?? .everything
        default: .everything
        }
    }

    private func tellAboutTask() throws {
        guard let inspector else { return }
        let tasks = try inspector.tasks()
        guard !tasks.isEmpty else { return }
        let task = chance.pick(tasks)
        let attempt = AttemptID(task: task.id, number: task.attempt)
        let isOver = task.state == .failed || task.state == .cancelled
        let order: UserCommand.Action =
            userChoices.happens(0.2)
            ? .reconcile
            : isOver || chance.happens(0.1) ? .retry(again: false) : .cancel(evenIfCharged: chance.happens(0.3))
        note("tell \(order) of \(attempt), which is \(task.state)")
        try beside { store in _ = try store.enqueue([NewCommand(order, of: attempt)], at: clientNow) }
        coverage.told += 1
    }

    private func tell(_ order: ControlChange) throws {
        note("tell \(order)")
        isPaused = try beside { store in
            _ = try store.enqueue(order, at: clientNow)
            return try !store.runControls().pauses.isEmpty
        }
        coverage.told += 1
    }

    /// Another process on the same store.
    func beside<T>(_ body: (Store) throws -> T) throws -> T {
        let store = try Store.open(disk.store, for: .sendingCommands)
        let value = try body(store)
        try store.close()
        return value
    }

    /// Every command has ended, and what ended as done is what the books show.
    func auditCommands() throws {
        guard let inspector else { return }
        let open = try inspector.commands().filter { $0.outcome == nil }
        guard open.isEmpty else { throw Violation("commands were never carried out: \(open)") }
        let commands = try inspector.commands()
        coverage.carriedOut += commands.count { [.withdrawn, .cancelled, .requeued].contains($0.outcome) }
        coverage.lookedUp += commands.count {
            [.found, .notFound, .adopted, .assumedLost, .costLearned, .costUnknown].contains($0.outcome)
        }
    }
}
