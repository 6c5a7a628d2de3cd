import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore

/// Records users' commands and waits for their outcomes. The active run carries them out; without one, this process does,
/// with a runner that serves only commands.
final class CommandSession {
    /// A command, and what a runner needs to carry it out.
    struct Request {
        let command: NewCommand
        let batch: BatchID
        /// The API key that sent the attempt; nil: it was never sent.
        let account: KeyFingerprint?

        init(_ action: UserCommand.Action, of attempt: AttemptID, in batch: BatchID, account: KeyFingerprint?) {
            command = NewCommand(action, of: attempt)
            self.batch = batch
            self.account = account
        }
    }

    enum Answer {
        case ended(CommandOutcome, message: String?)
        /// The command was not given, because this process lacks this setting to query the provider.
        case missing(String)
        /// The active run did not carry it out in time.
        case queued
    }

    /// How this process carries out commands if no run is active.
    enum Connection {
        /// Only those that the store alone can carry out.
        case offline
        case provider(ProviderOptions, keys: KeyMemoryOptions? = nil)
        /// Offline if the API key is missing; see ``missingKey``.
        case providerIfKeyed(ProviderOptions)
    }

    let store: Store
    private let path: String
    private let advice: String
    private let client: CommandClient
    private let batches: [BatchID: StoredBatch]
    /// Held before the connection, for a command that changes the store itself.
    private var lock: RunnerLock?
    private var connection = Connection.offline
    private var local: LocalRunner?
    /// The connected provider; nil: none, or a run is active.
    private(set) var configuration: ProviderConfiguration?
    /// Why tasks that were sent are left alone; nil: they are not.
    private(set) var missingKey: Stop?

    private init(_ store: Store, _ path: String, _ advice: String, _ lock: RunnerLock?) throws {
        self.store = store
        self.path = path
        self.advice = advice
        self.lock = lock
        client = CommandClient(store)
        batches = Dictionary(uniqueKeysWithValues: try store.batches().map { ($0.id, $0) })
    }

    /// Whether another process runs on the store and carries out the commands, once connected.
    var hasActiveRun: Bool { local == nil }

    /// Runs `body` in a session. The store is locked only once this process carries out commands.
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
        let path = options.path
        let lock = needsLock ? try ExclusiveStore.lock(path, advice) : nil
        return try await ExclusiveStore.closing(open(path, advice, under: lock), path) { store in
            let session = try CommandSession(store, path, advice, lock)
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

    /// Opens the store. An older one is migrated first.
    private static func open(_ path: String, _ advice: String, under held: RunnerLock?) throws -> Store {
        do throws(StoreError) {
            return try Store.open(path, for: .sendingCommands)
        } catch {
            guard case .olderThanProgram = error.kind else {
                throw Stop(.unexpected, "cannot open the store \(SafeText.escaped(path)): \(error)")
            }
        }
        let lock = try held ?? ExclusiveStore.lock(path, advice)
        defer { withExtendedLifetime(lock) {} }
        try ExclusiveStore.open(path, .running).close()
        return try ExclusiveStore.open(path, .sendingCommands)
    }

    // MARK: Runner of this process

    /// Prepares to carry out commands, at once or as soon as the active run has ended.
    ///
    /// - Throws: 64 or 77 for unusable options, unless a run is active.
    func connect(_ connection: Connection) throws {
        self.connection = connection
        try connect()
    }

    private func connect() throws {
        guard local == nil, let lock = try lockUnlessInUse() else { return }
        lock.noteCommandsOnly()
        let settings = try providerSettings()
        let runnerStore = try ExclusiveStore.open(path, .running)
        let service = configuration.map(Composition.provider)
        var run = Runner.Configuration(
            settings: settings, catalog: Composition.catalog, batches: [],
            accounts: configuration.map(APIKeyRouting.init) ?? APIKeyRouting(byPrefix: [:]),
            seed: UInt64(bitPattern: DispatchClock().now.nanoseconds))
        run.mode = .serveCommands(anyProvider: service == nil)
        let runner = Composition.runner(
            store: runnerStore, lock: lock, provider: service ?? OfflineProvider(), configuration: run, isQuiet: true)
        local = LocalRunner(runner, runnerStore, service)
        self.lock = nil
    }

    /// Sets ``configuration``; it stays nil offline.
    private func providerSettings() throws -> SchedulerSettings {
        var settings = SchedulerSettings()
        switch connection {
        case .offline: return settings
        case .provider(let options, let keys):
            try OpenFiles.refuseIfTooFew()
            configuration = try options.configuration()
            settings.keyMemory = keys?.keyMemory?.duration
            return settings.divided(bySpeed: options.speed)
        case .providerIfKeyed(let options):
            do {
                connection = .provider(options)
                return try providerSettings()
            } catch let stop as Stop where stop.code == .keyRefused {
                connection = .offline
                missingKey = stop
                return settings
            }
        }
    }

    /// - Returns: nil if a run is active.
    private func lockUnlessInUse() throws -> RunnerLock? {
        if let lock { return lock }
        do {
            return try ExclusiveStore.lock(path, advice)
        } catch let stop as Stop where stop.code == .storeLocked {
            if try Store.lockOwner(of: path) != nil { return nil }
            // The run has just ended, or cannot be told anything because its lock file was removed.
            return try ExclusiveStore.lock(path, advice)
        }
    }

    private func end() async throws {
        guard let local else { return }
        if let failure = try await local.end() {
            throw Stop(.unexpected, "the store \(SafeText.escaped(path)) cannot be used: \(failure)")
        }
    }

    // MARK: Commands

    /// Records commands and waits for their outcomes. This process carries out those that the active run leaves undone
    /// when it ends.
    ///
    /// - Returns: the answers in the order of `requests`.
    func answers(to requests: [Request]) async throws -> [Answer] {
        var answers: [Int: Answer] = [:]
        while true {
            for (index, request) in requests.enumerated() where answers[index] == nil {
                if let setting = missingSetting(for: request) { answers[index] = .missing(setting) }
            }
            let open = requests.indices.filter { answers[$0] == nil }
            if open.isEmpty { break }
            let ids = try store.enqueue(open.map { requests[$0].command }, at: client.now)
            func add(_ outcomes: [CommandID: CommandClient.Outcome]) {
                for (index, id) in zip(open, ids) {
                    if let ended = outcomes[id] { answers[index] = .ended(ended.outcome, message: ended.message) }
                }
            }
            add(try await client.outcomes(of: ids, from: local))
            let isRunnerGone = try local != nil || Store.lockOwner(of: path) == nil
            guard answers.count < requests.count, isRunnerGone || client.signal != nil else { break }
            let started = try store.revoke(ids, evenIfStarted: local == nil && isRunnerGone, at: client.now)
            if let code = client.signal {
                throw Stop(
                    code,
                    started == 0
                        ? "stopped; commands that were not carried out are withdrawn"
                        : "stopped; \(started) of the commands may still take effect, since they are being carried out; "
                            + "the others are withdrawn")
            }
            // ``end()`` reports its failure.
            if local != nil { throw Stop(.unexpected, "the commands were not carried out") }
            // A run that has just started may have been first.
            add(try store.outcomes(of: ids).filter { $0.value.outcome != .revoked })
            try connect()
        }
        return requests.indices.map { answers[$0] ?? .queued }
    }

    /// The setting that is missing to query a task; nil: none, or a run is active, which decides.
    private func missingSetting(for request: Request) -> String? {
        guard let account = request.account else { return nil }
        if let missingKey { return missingKey.message }
        guard let configuration else { return nil }
        guard let batch = batches[request.batch] else { return "its batch is not in the store" }
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
}

/// A runner of this process that serves only commands.
final class LocalRunner: Sendable {
    private let runner: Runner
    /// Other processes take this for a run and send it commands too.
    private let poller: CommandPoller
    private let store: Store
    private let provider: ByteSpikeProvider?
    private let outcome = Locked<Runner.Outcome?>(nil)

    fileprivate init(_ runner: Runner, _ store: Store, _ provider: ByteSpikeProvider?) {
        self.runner = runner
        self.store = store
        self.provider = provider
        poller = CommandPoller(runner)
        runner.start { [outcome] ended in outcome.withLock { $0 = ended } }
    }

    var hasEnded: Bool { outcome.withLock { $0 != nil } }

    func readCommands() { runner.readCommands() }

    /// - Returns: the message of a store error that ended the runner; nil: none did.
    fileprivate func end() async throws -> String? {
        poller.stop()
        runner.stop()
        while !hasEnded { await Pause.now(for: .milliseconds(2)) }
        await provider?.shutdown()
        try store.close()
        guard case .storeFailed(let message) = outcome.withLock({ $0 }) else { return nil }
        return message
    }
}

/// Waits for the outcomes of commands in the store.
struct CommandClient {
    typealias Outcome = (outcome: CommandOutcome, message: String?)

    /// Maximum wait for an active run; another command is waited for until it ends. Commands that need only the store
    /// take less than a second; a cancel at a provider that does not respond is carried out later.
    private static let patience = Duration.seconds(10)
    private static let maximumInterval = Duration.milliseconds(50)

    let store: Store
    private let timers = DispatchClock()
    private let signals = StopSignals {}

    init(_ store: Store) { self.store = store }

    var now: Instant { timers.now }
    /// The exit code of the first signal; nil if none has arrived.
    var signal: ExitCode? { signals.received }

    /// Queues a control change. Without an active run, the next run applies it.
    ///
    /// - Returns: whether an active run has applied it.
    func apply(_ change: ControlChange) async throws -> Bool {
        let id = try store.enqueue(change, at: now)
        return try await !outcomes(of: [id], from: nil).isEmpty
    }

    /// Waits until all commands have ended, the runner has ended, time is up, or a signal arrives.
    ///
    /// - Parameter local: carries the commands out; nil: the active run does.
    func outcomes(of ids: [CommandID], from local: LocalRunner?) async throws -> [CommandID: Outcome] {
        local?.readCommands()
        var deadline = local == nil ? now + Self.patience : .distantFuture
        var interval = Duration.milliseconds(1)
        while true {
            let owner = local == nil ? try Store.lockOwner(of: store.path) : nil
            let isEnded = local.map(\.hasEnded) ?? (owner == nil)
            if owner?.hasSuffix(Store.carriesOutCommands) == true { deadline = now + Self.patience }
            let isLast = isEnded || signal != nil
            let outcomes = try store.outcomes(of: ids)
            if outcomes.count == ids.count || isLast || now >= deadline { return outcomes }
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
