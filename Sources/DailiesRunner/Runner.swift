import DailiesCore
import DailiesStore
import Dispatch
import Logging

/// Performs the scheduler's effects. A serial Dispatch queue owns the scheduler, one timer serves the next deadline of
/// a heap, and effects run elsewhere and return to the queue as events. No thread is blocked by a render.
package final class Runner: @unchecked Sendable {
    // Unchecked because every `var` is accessed only on `queue`, which `handle(_:)` asserts.

    /// What a run does.
    package enum Mode: Hashable, Sendable {
        /// Submits waiting tasks, follows those in flight and saves clips.
        case render
        /// Only downloads clips that are paid for and not saved.
        case saveClips
        /// Only carries out users' commands, until it is stopped. `anyProvider`: those that need no provider too, for
        /// tasks of all providers.
        case serveCommands(anyProvider: Bool)
    }

    /// The configuration of a run, fixed while it runs.
    package struct Configuration: Sendable {
        /// Already divided by the speed.
        package var settings: SchedulerSettings
        /// Published model limits and prices.
        package var catalog: ModelCatalog
        /// Batches whose waiting tasks are submitted.
        package var batches: [BatchID]
        /// The API key account for each model.
        package var accounts: APIKeyRouting
        /// The user's rates, by model.
        package var rates: [ModelID: PriceBook.Rate]
        /// The user's maximum price of a task; nil for none.
        package var maximumPerTask: Credits?
        /// Seed of the jitter.
        package var seed: UInt64
        /// What the run does. Default `render`.
        package var mode = Mode.render

        /// Creates a configuration; parameters are stored unchanged.
        package init(
            settings: SchedulerSettings, catalog: ModelCatalog, batches: [BatchID], accounts: APIKeyRouting,
            rates: [ModelID: PriceBook.Rate] = [:], maximumPerTask: Credits? = nil, seed: UInt64
        ) {
            self.settings = settings
            self.catalog = catalog
            self.batches = batches
            self.accounts = accounts
            self.rates = rates
            self.maximumPerTask = maximumPerTask
            self.seed = seed
        }
    }

    /// The outcome of a run.
    package enum Outcome: Sendable {
        /// The run is complete; all results are durable.
        case ended(RunResult)
        /// The store could not be read or written. Everything committed before is safe.
        case storeFailed(String)
    }

    let queue = DispatchQueue(label: "dailies.runner", qos: .userInitiated)
    /// Reads pages of waiting tasks, so that the scheduler never waits for the disk.
    let readingQueue = DispatchQueue(label: "dailies.runner.reading", qos: .userInitiated)
    let store: Store
    let provider: any RenderProvider
    let timers: any RunnerClock
    let configuration: Configuration
    private let logger: Logger
    let observer: @Sendable (RunEvent, Instant) -> Void
    /// Where the clips of a batch go.
    private let output: @Sendable (StoredBatch) -> any ClipOutput

    private(set) var scheduler: Scheduler
    private let submissions: SubmissionFactory
    private var deadlines = TimerQueue()
    /// The pending wake-up of the clock.
    private var armedFor: Instant?
    private var batches: [BatchID: StoredBatch] = [:]
    private(set) var downloads: [AttemptID: ClipDownload] = [:]
    /// Target queue of downloads, to control their order in tests; nil for none. Set before ``start(done:)``.
    var downloadTarget: DispatchQueue?
    private(set) var done: (@Sendable (Outcome) -> Void)?
    /// Progress in the commands from users.
    var commandCursor = CommandCursor()
    private let hasStarted = Locked(false)
    /// ``stop()`` may be called before the first event.
    private var isStopRequested = false
    /// Kept until the runner is released; nil only in tests.
    private var lock: RunnerLock?

    /// - Parameters:
    ///   - lock: the lock of this store; it serves one runner.
    ///   - observer: called on the runner's queue for every event; it must not block.
    /// - Precondition: the store is open for running, `lock` belongs to it, and no other runner has used `lock`.
    package convenience init(
        store: Store, lock: RunnerLock, provider: any RenderProvider, timers: any RunnerClock,
        configuration: Configuration,
        logger: Logger, observer: @escaping @Sendable (RunEvent, Instant) -> Void
    ) {
        lock.markUsed(for: store)
        self.init(
            store: store, provider: provider, timers: timers, configuration: configuration, logger: logger,
            observer: observer)
        self.lock = lock
    }

    /// Without a lock, for tests with separate stores.
    package init(
        store: Store, provider: any RenderProvider, timers: any RunnerClock, configuration: Configuration,
        logger: Logger,
        output: @escaping @Sendable (StoredBatch) -> any ClipOutput = {
            FolderOutput(folder: $0.outputDirectory, batchName: $0.name)
        }, observer: @escaping @Sendable (RunEvent, Instant) -> Void
    ) {
        self.store = store
        self.output = output
        self.provider = provider
        self.timers = timers
        self.configuration = configuration
        self.logger = logger
        self.observer = observer
        var settings = configuration.settings
        settings.submitsNothing = configuration.mode != .render
        if case .serveCommands = configuration.mode {
            settings.servesCommandsOnly = true
            settings.downloads = false
        }
        settings.keyMemory = settings.keyMemory ?? provider.keyMemory.divided(bySpeed: settings.speed)
        let submissions = SubmissionFactory(store: store, provider: provider)
        self.submissions = submissions
        scheduler = Scheduler(
            settings: settings, catalog: configuration.catalog, baseURL: provider.baseURL, dialect: provider.dialect,
            seed: configuration.seed, makeSubmission: submissions.submission(of:account:))
    }

    /// Starts the run. `done` is called once, on the runner's queue, after all results are durable. The caller keeps
    /// the runner alive until then.
    ///
    /// - Precondition: not called before; a runner runs only once.
    package func start(done: @escaping @Sendable (Outcome) -> Void) {
        let isAgain = hasStarted.withLock { hasStarted in
            defer { hasStarted = true }
            return hasStarted
        }
        precondition(!isAgain, "a runner runs only once; claim the lock again and create another one")
        timers.start { [weak self] in
            guard let self else { return }
            self.queue.async { self.serveDeadlines() }
        }
        queue.async {
            self.done = done
            if self.isStopRequested { self.handle(.stopRequested) }
            do {
                let recovered = try self.recover()
                // A separate step, so that all reads are done before the first change.
                self.queue.async {
                    self.handle(.started(recovered))
                    if case .serveCommands = self.configuration.mode {
                        self.readCommands()
                    } else {
                        self.applyStoredPauses()
                    }
                }
            } catch {
                self.fail("\(error)")
            }
        }
    }

    /// Requests a clean stop: nothing more is submitted, requests in flight finish. Callable from any thread, also
    /// before ``start(done:)``, which then submits nothing.
    package func stop() {
        queue.async {
            self.isStopRequested = true
            self.handle(.stopRequested)
        }
    }

    /// Changes the submission limits immediately; each must be at least 1. Lower limits do not cancel anything.
    /// Callable from any thread, any number of times; `change` is called once, on the runner's queue.
    package func setLimits(_ change: @escaping @Sendable (inout SubmissionLimits) -> Void) {
        queue.async {
            var limits = self.scheduler.limits
            change(&limits)
            if limits != self.scheduler.limits { self.handle(.limitsChanged(limits)) }
        }
    }

    /// Sets the maximum number of tasks in flight, at least 1.
    package func setConcurrency(_ limit: Int) { setLimits { $0.concurrency = limit } }

    /// Pauses submission of everything, a batch or a model, until ``unpause(_:)`` with the same scope. Tasks in flight
    /// continue. A paused run ends only after it is unpaused or stopped. Callable from any thread.
    package func pause(_ scope: PauseScope = .everything) { queue.async { self.handle(.pauseRequested(scope)) } }

    /// Resumes submission after ``pause(_:)`` with the same scope.
    package func unpause(_ scope: PauseScope = .everything) {
        queue.async { self.handle(.unpauseRequested(scope)) }
    }

    /// What a run knows about itself at one time.
    package struct Snapshot: Sendable {
        /// Its attempts.
        package let counts: Scheduler.Counts
        /// The maximum number of tasks in flight.
        package let concurrencyLimit: Int
        /// The credits of its batches over all runs; nil before they are read.
        package let credits: (settled: CreditTotal, reserved: CreditTotal)?
    }

    /// Calls `body` with a snapshot of this run, on the runner's queue.
    package func inspect(_ body: @escaping @Sendable (Snapshot) -> Void) {
        queue.async {
            body(
                Snapshot(
                    counts: self.scheduler.tally, concurrencyLimit: self.scheduler.concurrencyLimit,
                    credits: self.credits))
        }
    }

    private var credits: (settled: CreditTotal, reserved: CreditTotal)? {
        var sums = (settled: CreditTotal.zero, reserved: CreditTotal.zero)
        for batch in configuration.batches {
            guard let usage = scheduler.budgetUsage(of: batch) else { return nil }
            sums.settled += usage.settled
            sums.reserved += usage.reserved
        }
        return sums
    }

    /// Lets another run use the store. Only after the end, once the store is closed.
    package func releaseLock() {
        queue.sync {
            precondition(done == nil && isStarted, "the lock is released during a run")
            lock = nil
        }
    }

    private var isStarted: Bool { hasStarted.withLock { $0 } }

    /// Simulates a crash in tests: nothing more is decided, sent or reported. Only while ``queue`` is suspended.
    func simulateCrash() { done = nil }

    private func recover() throws -> SchedulerSnapshot {
        for batch in try store.batches() { batches[batch.id] = batch }
        submissions.batchNames = batches.mapValues(\.name)
        let open = try firstOpenAttempts()
        let queues = try store.taskQueues(batches: configuration.batches)
        var budgets: [BatchID: BudgetUsage] = [:]
        // Any batch of this provider may have open attempts, on a page that is not read yet.
        let followed = batches.values.filter { $0.provider == provider.name && $0.baseURL == provider.baseURL }
        for batch in Set(configuration.batches + followed.map(\.id)) {
            budgets[batch] = try store.budgetPosition(batch)
        }
        let tagBudgets = try budgets.keys.sorted().flatMap { try store.tagBudgets($0) }
        let prices = PriceBook(
            catalog: configuration.catalog, rates: configuration.rates, maximumPerTask: configuration.maximumPerTask,
            observed: try store.observedPrices(of: Service(provider: provider.name, baseURL: provider.baseURL)))
        var trust: [KeyFingerprint: KeySupport] = [:]
        for account in configuration.accounts.all {
            trust[account] = try store.keyTrust(
                baseURL: provider.baseURL, account: account, dialect: provider.dialect)
        }
        // Commands left over from an earlier run come before any submission.
        let commands = try configuration.mode.followsTasks ? loadPendingCommands() : []
        return SchedulerSnapshot(
            open: open.page, queues: queues, budgets: budgets, prices: prices, trust: trust,
            accounts: configuration.accounts,
            scope: Set(configuration.batches), tagBudgets: tagBudgets, commands: commands,
            durations: try observedDurations(),
            hasMoreOpen: !open.isLast)
    }

    /// A run that serves commands only reads the attempts that they name.
    private func firstOpenAttempts() throws(StoreError) -> (page: [OpenAttempt], isLast: Bool) {
        guard configuration.mode.followsTasks else { return ([], true) }
        return try openAttempts(after: nil, limit: configuration.settings.recoveryPageSize)
    }

    private func openAttempts(
        after place: OpenAttempt.Cursor?, limit: Int
    ) throws(StoreError) -> (page: [OpenAttempt], isLast: Bool) {
        try store.openAttempts(
            provider: provider.name, baseURL: provider.baseURL, after: place, limit: limit,
            onlyUnsaved: configuration.mode == .saveClips)
    }

    /// For the adaptive poll schedule. Durations measured at another clock speed are not comparable.
    private func observedDurations() throws -> [ObservedDuration] {
        guard case .adaptive = configuration.settings.cadence else { return [] }
        let matching = batches.values.filter { $0.provider == provider.name && $0.baseURL == provider.baseURL }
        return try store.observedDurations(
            batches: Set(matching.map(\.id)), usesProviderTimes: configuration.settings.speed == 1)
    }

    // MARK: Events

    func handle(_ event: SchedulerEvent) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard done != nil else { return }
        let now = timers.now
        for effect in scheduler.handle(event, at: now) { perform(effect, now) }
        readAttemptsOfCommands()
        if let error = submissions.error { fail(error) }
        arm()
    }

    private func serveDeadlines() {
        armedFor = .distantPast
        while done != nil, let wake = deadlines.popDue(at: timers.now) { handle(event(of: wake)) }
        armedFor = nil
        arm()
    }

    private func event(of wake: TimerID) -> SchedulerEvent {
        guard case .downloadSpeed(let attempt, let serial) = wake else { return .timerFired(wake) }
        return .measured(attempt, serial: serial, bytes: downloads[attempt]?.received ?? 0)
    }

    /// Sets the clock to the next deadline, unless it wakes early enough.
    private func arm() {
        guard let next = deadlines.next, next < armedFor ?? .distantFuture else { return }
        armedFor = next
        timers.wake(at: next)
    }

    // MARK: Effects

    private func perform(_ effect: Effect, _ now: Instant) {
        switch effect {
        case .commit(let changes, let actions): commit(changes, then: actions)
        case .claim(let attempt, let changes): claim(attempt, changes)
        case .act(let action): perform(action)
        case .wake(let wake, let instant): deadlines.insert(wake, at: instant)
        case .load(let id, let place, let limit): load(id, after: place, limit: limit)
        case .loadOpen(let place, let limit): loadOpen(after: place, limit: limit)
        case .readAttempt(let command): commandCursor.unread.append(command)
        case .emit(let event): observer(event, now)
        case .finish(let ending): finish(ending)
        }
    }

    func commit(_ changes: [Mutation], then actions: [Action]) {
        store.write(changes) { result in
            switch result {
            case .success(let outcomes):
                guard !outcomes.isEmpty || !actions.isEmpty else { return }
                self.queue.async {
                    self.report(outcomes)
                    self.perform(actions)
                }
            case .failure(let error): self.queue.async { self.fail(error.description) }
            }
        }
    }

    /// Only the store knows every attempt that owns a task of the provider.
    private func claim(_ attempt: AttemptID, _ changes: [Mutation]) {
        store.write(changes) { result in
            self.queue.async {
                switch result {
                case .success: self.handle(.claimed(attempt, by: nil))
                case .failure(let error):
                    guard case .taskIDTaken(let owner) = error.kind else { return self.fail(error.description) }
                    self.handle(.claimed(attempt, by: owner))
                }
            }
        }
    }

    private func perform(_ actions: [Action]) {
        guard done != nil else { return }
        for action in actions { perform(action) }
    }

    private func perform(_ action: Action) {
        switch action {
        case .submit(let submission):
            provider.submit(submission) { result in
                self.queue.async { self.handle(.submitted(submission, result)) }
            }
        case .ask(let attempt, let purpose, let question):
            provider.query(question) { answer in
                self.queue.async { self.handle(.answered(attempt, purpose, answer)) }
            }
        case .cancel(let attempt, let remote, let account):
            provider.cancel(remote, account: account) { answer in
                self.queue.async { self.handle(.answered(attempt, .cancel, answer)) }
            }
        case .download(let attempt, let key, let asset, let output): download(attempt, key, asset, output)
        case .stopDownload(let attempt): downloads[attempt]?.stop()
        }
    }

    private func download(
        _ attempt: AttemptID, _ key: SubmissionKey, _ asset: AssetLocation, _ output: OutputName
    ) {
        guard let batch = batches[output.batch] else {
            preconditionFailure("attempt \(attempt) is downloading without a batch")
        }
        let target = self.output(batch)
        let download = ClipDownload(target: downloadTarget) { () throws(ClipError) in try target.open(output, key) }
        downloads[attempt] = download
        download.start(asset, from: provider) { result in
            self.queue.async {
                self.downloads[attempt] = nil
                self.handle(.downloaded(attempt, result))
            }
        }
    }

    private func load(_ id: TaskQueueID, after place: WaitingTask.Cursor?, limit: Int) {
        readingQueue.async {
            do {
                let page = try self.store.waiting(batch: id.batch, model: id.model, after: place, limit: limit)
                self.queue.async { self.handle(.loaded(id, page, isLast: page.count < limit)) }
            } catch {
                self.queue.async { self.fail("\(error)") }
            }
        }
    }

    private func loadOpen(after place: OpenAttempt.Cursor, limit: Int) {
        readingQueue.async {
            do {
                let (page, isLast) = try self.openAttempts(after: place, limit: limit)
                self.queue.async { self.handle(.recovered(page, isLast: isLast)) }
            } catch {
                self.queue.async { self.fail("\(error)") }
            }
        }
    }

    // MARK: End

    private func finish(_ ending: RunResult) {
        store.write([]) { result in
            self.queue.async {
                switch result {
                case .success: self.end(.ended(ending))
                case .failure(let error): self.end(.storeFailed(error.description))
                }
            }
        }
    }

    /// The store failed: nothing may build on state that is not durable, so the run ends immediately. The next run
    /// recovers requests in flight as after a crash.
    func fail(_ message: String) {
        guard done != nil else { return }
        logger.error("the run stopped because of a store error", metadata: ["reason": "\(SafeText.escaped(message))"])
        end(.storeFailed(message))
    }

    private func end(_ outcome: Outcome) {
        guard let done else { return }
        self.done = nil
        timers.stop()
        done(outcome)
    }
}

extension Runner.Mode {
    /// Whether it follows all unfinished tasks of its provider.
    fileprivate var followsTasks: Bool { if case .serveCommands = self { false } else { true } }
}
