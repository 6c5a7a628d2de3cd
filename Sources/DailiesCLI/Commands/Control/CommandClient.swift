import DailiesCore
import DailiesRunner
import DailiesStore

/// The runner that was told something has ended without listening. What it was told is taken back.
struct RunnerEnded: Error {}

/// Commands told to a living runner, and what it makes of them.
struct CommandClient {
    typealias Answers = [CommandID: (outcome: CommandOutcome, message: String?)]

    /// How long an answer is waited for. What needs only the store is done within a second; a cancel at a provider that
    /// does not answer is carried out when it does.
    private static let patience = Duration.seconds(10)
    private static let interval = Duration.milliseconds(50)

    let store: Store
    private let timers = DispatchClock()

    init(_ store: Store) { self.store = store }

    /// Tells cancels and retries, and waits for what becomes of them.
    ///
    /// - Returns: in the order of `orders`; nil where it is not known in time.
    /// - Throws: ``RunnerEnded``; then nothing of it will happen.
    func answers(to orders: [NewCommand]) async throws -> [(outcome: CommandOutcome, message: String?)?] {
        let ids = try store.tell(orders, at: timers.now)
        let answers = try await wait(for: ids)
        if answers.count < ids.count, try Store.runner(of: store.path) == nil {
            try store.takeBack(ids, at: timers.now)
            throw RunnerEnded()
        }
        return ids.map { answers[$0] }
    }

    /// Tells what holds from now on. Without a runner, the next one finds it.
    ///
    /// - Returns: a runner has taken it up.
    func isTakenUp(_ order: ControlChange) async throws -> Bool {
        let id = try store.tell(order, at: timers.now)
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
