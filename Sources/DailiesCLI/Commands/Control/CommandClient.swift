import DailiesCore
import DailiesRunner
import DailiesStore

/// The run ended before it processed the commands; they were withdrawn.
struct RunnerEnded: Error {}

/// Sends commands to the active run through the store, and waits for their outcomes.
struct CommandClient {
    typealias Answers = [CommandID: (outcome: CommandOutcome, message: String?)]

    /// Maximum wait for outcomes. Commands that need only the store take less than a second; a cancel at a provider
    /// that does not respond is carried out later.
    private static let patience = Duration.seconds(10)
    private static let interval = Duration.milliseconds(50)

    let store: Store
    private let timers = DispatchClock()

    init(_ store: Store) { self.store = store }

    /// Queues cancels and retries, and waits for their outcomes.
    ///
    /// - Returns: outcomes in the order of `commands`; nil for those not known in time.
    /// - Throws: ``RunnerEnded``; then none of the commands is carried out.
    func answers(to commands: [NewCommand]) async throws -> [(outcome: CommandOutcome, message: String?)?] {
        let ids = try store.tell(commands, at: timers.now)
        let answers = try await wait(for: ids)
        if answers.count < ids.count, try Store.runner(of: store.path) == nil {
            try store.takeBack(ids, at: timers.now)
            throw RunnerEnded()
        }
        return ids.map { answers[$0] }
    }

    /// Queues a control change. Without an active run, the next run applies it.
    ///
    /// - Returns: whether an active run has applied it.
    func apply(_ change: ControlChange) async throws -> Bool {
        let id = try store.tell(change, at: timers.now)
        return try await !wait(for: [id]).isEmpty
    }

    private func wait(for ids: [CommandID]) async throws -> Answers {
        let deadline = timers.now + Self.patience
        while true {
            let answers = try store.outcomes(of: ids)
            if answers.count == ids.count || timers.now >= deadline { return answers }
            if try Store.runner(of: store.path) == nil { return try store.outcomes(of: ids) }
            await Pause.now(for: Self.interval)
        }
    }
}
