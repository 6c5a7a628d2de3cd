import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore

/// The active run ended before it processed the commands; they were withdrawn.
struct RunnerEnded: Error {}

/// Records users' commands and waits for their outcomes. The active run carries them out; without one, this process does,
/// with a runner that serves only commands.
final class CommandSession {
    typealias Answer = (outcome: CommandOutcome, message: String?)

    let store: Store
    /// Whether another process runs on the store and carries out the commands.
    let hasActiveRun: Bool
    private let client: CommandClient
    private let lock: RunnerLock?
    private var local: LocalRunner?
    /// The connected provider; nil: none, or a run is active.
    private(set) var configuration: ProviderConfiguration?
    private let batches: [BatchID: StoredBatch]

    private init(_ store: Store, lock: RunnerLock?) throws {
        self.store = store
        self.lock = lock
        hasActiveRun = lock == nil
        client = CommandClient(store)
        batches = Dictionary(uniqueKeysWithValues: try store.batches().map { ($0.id, $0) })
    }

    /// Runs `body` in a session. If the active run ends before it processed the commands, `body` is called again.
    ///
    /// - Parameters:
    ///   - advice: completes the advice "wait for the run or stop it" if the lock is not available.
    ///   - needsLock: whether `body` also changes the store itself, which is refused during a run.
    /// - Throws: ``Stop`` with 64 if there is no store, 1 if it cannot be opened, 11 if a run is active and `body`
    ///   needs the lock.
    static func with<T>(
        _ options: StoreOptions, orElse advice: String, needsLock: Bool = false,
        _ body: (CommandSession) async throws -> T
    ) async throws -> T {
        try options.requireStore()
        while !needsLock, try Store.runner(of: options.path) != nil {
            do {
                return try await ExclusiveStore.closing(ExclusiveStore.open(options.path, .telling), options.path) {
                    try await body(CommandSession($0, lock: nil))
                }
            } catch is RunnerEnded {
                continue
            }
        }
        let lock = try ExclusiveStore.lock(options.path, advice)
        return try await ExclusiveStore.closing(ExclusiveStore.open(options.path, .running), options.path) { store in
            let session = try CommandSession(store, lock: lock)
            let value: T
            do {
                value = try await body(session)
            } catch {
                try await session.end()
                throw error
            }
            try await session.end()
            return value
        }
    }

    /// Prepares for commands that the store alone can carry out. Does nothing during a run.
    func connectWithoutProvider() {
        guard let lock, local == nil else { return }
        start(lock, OfflineProvider(), service: nil, accounts: APIKeyRouting(byPrefix: [:]), SchedulerSettings())
    }

    /// Prepares for commands that need the provider. Does nothing during a run.
    ///
    /// - Throws: 64 or 77 for unusable options.
    func connect(_ options: ProviderOptions, keys: KeyMemoryOptions? = nil) throws {
        guard let lock, local == nil else { return }
        try OpenFiles.refuseIfTooFew()
        let configuration = try options.configuration()
        self.configuration = configuration
        let provider = Composition.provider(configuration)
        var settings = SchedulerSettings()
        settings.keyMemory = keys?.keyMemory?.duration
        start(
            lock, provider, service: provider, accounts: APIKeyRouting(of: configuration),
            settings.divided(bySpeed: options.speed))
    }

    private func start(
        _ lock: RunnerLock, _ provider: any RenderProvider, service: ByteSpikeProvider?, accounts: APIKeyRouting,
        _ settings: SchedulerSettings
    ) {
        var run = Runner.Configuration(
            settings: settings, catalog: Composition.catalog, batches: [], accounts: accounts,
            seed: UInt64(bitPattern: DispatchClock().now.nanoseconds))
        run.mode = .serveCommands(anyProvider: service == nil)
        let runner = Composition.runner(store: store, lock: lock, provider: provider, configuration: run, isQuiet: true)
        local = LocalRunner(runner, service)
    }

    /// Records commands and waits for their outcomes.
    ///
    /// - Returns: outcomes in the order of `commands`; nil for those that the active run did not carry out in time.
    /// - Throws: ``RunnerEnded``; then none of the commands is carried out.
    func answers(to commands: [NewCommand]) async throws -> [Answer?] {
        try await client.answers(to: commands, local)
    }

    /// The setting that is missing to query a task; nil: none, or a run is active, which decides.
    func missingSetting(batch: BatchID, account: KeyFingerprint) -> String? {
        guard let configuration else { return nil }
        guard let batch = batches[batch] else { return "its batch is not in the store" }
        guard batch.provider == configuration.name, batch.baseURL == configuration.baseURL else {
            let options = ShellWord.line(["--provider", batch.provider, "--base-url", batch.baseURL])
            return
                "it belongs to \(SafeText.escaped(batch.provider)) at \(SafeText.escaped(batch.baseURL)); use \(options)"
        }
        guard APIKeyRouting(of: configuration).contains(account) else {
            return
                "it needs the API key \(account), which sent it: use that key with --api-key-file; if another "
                + "key of the same account replaced it, run `dailies reconcile --same-account` to transfer the task"
        }
        return nil
    }

    private func end() async throws {
        guard let local else { return }
        if let failure = await local.end() {
            throw Stop(.unexpected, "the store \(SafeText.escaped(store.path)) cannot be used: \(failure)")
        }
    }
}

/// A runner of this process that serves only commands.
final class LocalRunner: Sendable {
    private let runner: Runner
    /// Other processes take this for a run and send it commands too.
    private let poller: CommandPoller
    private let provider: ByteSpikeProvider?
    private let outcome = Locked<Runner.Outcome?>(nil)

    fileprivate init(_ runner: Runner, _ provider: ByteSpikeProvider?) {
        self.runner = runner
        self.provider = provider
        poller = CommandPoller(runner)
        runner.start { [outcome] ended in outcome.withLock { $0 = ended } }
    }

    var hasEnded: Bool { outcome.withLock { $0 != nil } }

    func readCommands() { runner.readCommands() }

    /// - Returns: the message of a store error that ended the runner; nil: none did.
    fileprivate func end() async -> String? {
        poller.stop()
        runner.stop()
        while !hasEnded { await Pause.now(for: .milliseconds(2)) }
        await provider?.shutdown()
        guard case .storeFailed(let message) = outcome.withLock({ $0 }) else { return nil }
        return message
    }
}

/// Records commands in the store, and waits for their outcomes.
struct CommandClient {
    /// Maximum wait for an active run. Commands that need only the store take less than a second; a cancel at a provider
    /// that does not respond is carried out later.
    private static let patience = Duration.seconds(10)
    private static let maximumInterval = Duration.milliseconds(50)

    let store: Store
    private let timers = DispatchClock()
    private let signals = StopSignals {}

    init(_ store: Store) { self.store = store }

    /// - Parameter local: carries the commands out; nil: the active run does.
    func answers(to commands: [NewCommand], _ local: LocalRunner?) async throws -> [CommandSession.Answer?] {
        let ids = try store.tell(commands, at: timers.now)
        local?.readCommands()
        let answers = try await wait(for: ids, local)
        guard answers.count < ids.count else { return ids.map { answers[$0] } }
        if let code = signals.received {
            try store.takeBack(ids, at: timers.now)
            throw Stop(code, "stopped; commands that were not carried out are withdrawn")
        }
        let isRunnerGone = try local != nil || Store.runner(of: store.path) == nil
        if isRunnerGone {
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
        return try await !wait(for: [id], nil).isEmpty
    }

    private func wait(
        for ids: [CommandID], _ local: LocalRunner?
    ) async throws -> [CommandID: CommandSession.Answer] {
        let deadline = local == nil ? timers.now + Self.patience : .distantFuture
        var interval = Duration.milliseconds(1)
        while true {
            let isEnded = try local.map(\.hasEnded) ?? (Store.runner(of: store.path) == nil)
            let isLast = isEnded || signals.received != nil
            let answers = try store.outcomes(of: ids)
            if answers.count == ids.count || isLast || timers.now >= deadline { return answers }
            await Pause.now(for: interval)
            interval = min(interval * 2, Self.maximumInterval)
        }
    }
}

/// Takes the place of a provider for commands that need none.
private struct OfflineProvider: RenderProvider {
    let name = ""
    let baseURL = ""
    let dialect = Dialect.flat
    private var fault: ProviderError { ProviderError(kind: .unreachable, message: "no provider is connected") }

    func fingerprint(for model: ModelID) -> KeyFingerprint? { nil }
    func body(for request: CanonicalRequest, key: SubmissionKey) -> [UInt8] { [] }
    func submit(_ submission: Submission, reply: @escaping @Sendable (SubmitResult) -> Void) {
        reply(.notAccepted(fault))
    }
    func query(_ question: TaskQuery, reply: @escaping @Sendable (QueryResult) -> Void) { reply(.fault(fault)) }
    func cancel(_ remote: RemoteTaskID, account: KeyFingerprint, reply: @escaping @Sendable (QueryResult) -> Void) {
        reply(.fault(fault))
    }
    func download(
        _ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink,
        reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) { reply(.interrupted(fault)) }
}
