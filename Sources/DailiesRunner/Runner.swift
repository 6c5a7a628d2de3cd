import Crypto
import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Logging

/// Carries out what the scheduler decides: one Dispatch serial queue owns the scheduler, one timer serves the next
/// deadline of a heap, and effects run elsewhere and come back to the queue as events. No thread waits for a render.
public final class Runner: @unchecked Sendable {
    // Unchecked because every `var` is touched on `queue` only, which `handle(_:)` asserts.

    /// What a run needs to know, and may not change while it goes on.
    public struct Plan: Sendable {
        /// Already divided by the speed.
        public var settings: SchedulerSettings
        /// What is published of the models.
        public var catalogue: ModelCatalogue
        /// Batches whose waiting tasks are submitted.
        public var batches: [BatchID]
        /// Which API key goes with which model.
        public var accounts: APIKeyRouting
        /// The user's rates, by model.
        public var rates: [ModelID: PriceBook.Rate]
        /// The user's bound for any task, if given.
        public var maximumPerTask: Credits?
        /// Of the jitter.
        public var seed: UInt64
        /// Nothing is submitted, and of what is open only clips that are paid and not saved are followed. Default false.
        public var savesOnly = false

        /// Takes its properties as they are given.
        public init(
            settings: SchedulerSettings, catalogue: ModelCatalogue, batches: [BatchID], accounts: APIKeyRouting,
            rates: [ModelID: PriceBook.Rate] = [:], maximumPerTask: Credits? = nil, seed: UInt64
        ) {
            self.settings = settings
            self.catalogue = catalogue
            self.batches = batches
            self.accounts = accounts
            self.rates = rates
            self.maximumPerTask = maximumPerTask
            self.seed = seed
        }
    }

    /// How a run ended.
    public enum Outcome: Sendable {
        /// There is nothing left to do in this run; everything that was learned is durable.
        case ended(RunResult)
        /// The store could not be read or written: everything acknowledged before is safe in it.
        case storeFailed(String)
    }

    let queue = DispatchQueue(label: "dailies.runner", qos: .userInitiated)
    /// Reads pages of waiting tasks, so that the scheduler never waits for the disk.
    let readingQueue = DispatchQueue(label: "dailies.runner.reading", qos: .userInitiated)
    let store: Store
    private let provider: any RenderProvider
    let timers: any RunnerClock
    let plan: Plan
    private let logger: Logger
    let observer: @Sendable (RunEvent, Instant) -> Void

    private(set) var scheduler: Scheduler
    private var deadlines = TimerQueue()
    /// The wake-up that the timers were asked for and that has not come yet.
    private var armedFor: Instant?
    private var batches: [BatchID: StoredBatch] = [:]
    private var lastImage: (digest: String, dataURL: String)?
    private(set) var downloads: [AttemptID: ClipDownload] = [:]
    /// Where downloads run, for tests that decide their order; nil: each for itself. Set before ``start(done:)``.
    var downloadTarget: DispatchQueue?
    private(set) var done: (@Sendable (Outcome) -> Void)?
    /// What users tell while the run goes on.
    var commandCursor = CommandCursor()
    private let hasStarted = Locked(false)
    /// ``stop()`` may come before the first event.
    private var isStopRequested = false
    /// Held until the runner is let go of; nil in tests alone.
    private var lock: RunnerLock?

    /// - Parameters:
    ///   - lock: of this store; it serves one runner.
    ///   - observer: called on the runner's queue for everything worth telling; it must not block.
    /// - Precondition: the store is open for running, the lock is its own, and no other runner has had it.
    public convenience init(
        store: Store, lock: RunnerLock, provider: any RenderProvider, timers: any RunnerClock, plan: Plan,
        logger: Logger, observer: @escaping @Sendable (RunEvent, Instant) -> Void
    ) {
        lock.handOver(for: store)
        self.init(
            store: store, provider: provider, timers: timers, plan: plan, logger: logger, observer: observer)
        self.lock = lock
    }

    /// Without the lock: for tests, which have stores of their own.
    package init(
        store: Store, provider: any RenderProvider, timers: any RunnerClock, plan: Plan, logger: Logger,
        observer: @escaping @Sendable (RunEvent, Instant) -> Void
    ) {
        self.store = store
        self.provider = provider
        self.timers = timers
        self.plan = plan
        self.logger = logger
        self.observer = observer
        var settings = plan.settings
        settings.keyMemory = settings.keyMemory ?? provider.keyMemory.divided(bySpeed: settings.speed)
        scheduler = Scheduler(
            settings: settings, catalogue: plan.catalogue, baseURL: provider.baseURL, dialect: provider.dialect,
            seed: plan.seed)
    }

    /// Begins. `done` is called once, on the runner's queue, after everything that was learned is durable. Whoever starts
    /// a runner holds it until then.
    ///
    /// - Precondition: it is the first call: a runner runs once.
    public func start(done: @escaping @Sendable (Outcome) -> Void) {
        let isAgain = hasStarted.withLock { hasStarted in
            defer { hasStarted = true }
            return hasStarted
        }
        precondition(!isAgain, "a runner runs once; take the lock anew and make another one")
        timers.start { [weak self] in
            guard let self else { return }
            self.queue.async { self.serveDeadlines() }
        }
        queue.async {
            self.done = done
            if self.isStopRequested { self.handle(.stopRequested) }
            do {
                let recovered = try self.recover()
                // A step of its own, so that all reading is over before the first change.
                self.queue.async {
                    self.handle(.started(recovered))
                    self.applyStoredPauses()
                }
            } catch {
                self.fail("\(error)")
            }
        }
    }

    /// Asks for a clean end: nothing new is sent, what is in the air may land. May be called from any thread, also before
    /// ``start(done:)``, which then sends nothing.
    public func stop() {
        queue.async {
            self.isStopRequested = true
            self.handle(.stopRequested)
        }
    }

    /// Changes what limits submission, from now on: every limit is at least 1. A lower one recalls nothing. May be called
    /// from any thread, as often as wanted; `change` is called once, on the runner's queue.
    public func setLimits(_ change: @escaping @Sendable (inout SubmissionLimits) -> Void) {
        queue.async {
            var limits = self.scheduler.limits
            change(&limits)
            if limits != self.scheduler.limits { self.handle(.limitsChanged(limits)) }
        }
    }

    /// Changes the limit of tasks in flight, at least 1.
    public func setConcurrency(_ limit: Int) { setLimits { $0.concurrency = limit } }

    /// Holds submission up, of everything or of a batch or a model, until ``unpause(_:)`` for the same scope. What is in
    /// flight goes on, and the run does not end before it was unpaused or stopped. May be called from any thread.
    public func pause(_ scope: PauseScope = .everything) { queue.async { self.handle(.pauseRequested(scope)) } }

    /// Ends a ``pause(_:)``.
    public func unpause(_ scope: PauseScope = .everything) {
        queue.async { self.handle(.unpauseRequested(scope)) }
    }

    /// Calls `body` with the counts of this run, on the runner's queue.
    public func inspect(_ body: @escaping @Sendable (Scheduler.Counts, _ limit: Int) -> Void) {
        queue.async { body(self.scheduler.tally, self.scheduler.concurrencyLimit) }
    }

    /// What a crash does, for tests: from here on nothing is decided, sent or told. Only while ``queue`` is suspended.
    func simulateCrash() { done = nil }

    private func recover() throws -> SchedulerSnapshot {
        for batch in try store.batches() { batches[batch.id] = batch }
        let open = try openAttempts(after: nil, limit: plan.settings.recoveryPageSize)
        let lanes = try store.taskQueues(batches: plan.batches)
        var budgets: [BatchID: BudgetUsage] = [:]
        // Any batch of this provider may have something open, on a page that is not read yet.
        let followed = batches.values.filter { $0.provider == provider.name && $0.baseURL == provider.baseURL }
        for batch in Set(plan.batches + followed.map(\.id)) { budgets[batch] = try store.budgetPosition(batch) }
        let tagBudgets = try budgets.keys.sorted().flatMap { try store.tagBudgets($0) }
        let prices = PriceBook(
            catalogue: plan.catalogue, rates: plan.rates, maximumPerTask: plan.maximumPerTask,
            observed: try store.observedPrices(of: Service(provider: provider.name, baseURL: provider.baseURL)))
        var trust: [KeyFingerprint: KeySupport] = [:]
        for account in plan.accounts.all {
            trust[account] = try store.keyTrust(
                baseURL: provider.baseURL, account: account, dialect: provider.dialect)
        }
        // What was told and not carried out before an earlier run ended comes before anything is submitted.
        let told = try loadPendingCommands()
        return SchedulerSnapshot(
            open: open.page, lanes: lanes, budgets: budgets, prices: prices, trust: trust, accounts: plan.accounts,
            scope: Set(plan.batches), tagBudgets: tagBudgets, commands: told, durations: try observedDurations(),
            hasMoreOpen: !open.isLast)
    }

    private func openAttempts(
        after place: OpenAttempt.Cursor?, limit: Int
    ) throws(StoreError) -> (page: [OpenAttempt], isLast: Bool) {
        try store.openAttempts(
            provider: provider.name, baseURL: provider.baseURL, after: place, limit: limit,
            onlyUnsaved: plan.savesOnly)
    }

    /// For the adaptive cadence. A clock that runs at another speed than ours cannot be compared with it.
    private func observedDurations() throws -> [ObservedDuration] {
        guard case .adaptive = plan.settings.cadence else { return [] }
        let ours = batches.values.filter { $0.provider == provider.name && $0.baseURL == provider.baseURL }
        return try store.observedDurations(
            batches: Set(ours.map(\.id)), usesProviderTimes: plan.settings.speed == 1)
    }

    // MARK: events

    func handle(_ event: SchedulerEvent) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard done != nil else { return }
        let now = timers.now
        for effect in scheduler.handle(event, at: now) { carryOut(effect, now) }
        arm()
    }

    private func serveDeadlines() {
        armedFor = .distantPast
        while done != nil, let wake = deadlines.popDue(at: timers.now) { handle(event(of: wake)) }
        armedFor = nil
        arm()
    }

    private func event(of wake: TimerID) -> SchedulerEvent {
        guard case .downloadSpeed(let attempt, let serial) = wake else { return .woken(wake) }
        return .measured(attempt, serial: serial, bytes: downloads[attempt]?.received ?? 0)
    }

    /// Asks for the next wake-up, unless one that comes soon enough is asked for already.
    private func arm() {
        guard let next = deadlines.next, next < armedFor ?? .distantFuture else { return }
        armedFor = next
        timers.wake(at: next)
    }

    // MARK: effects

    private func carryOut(_ effect: Effect, _ now: Instant) {
        switch effect {
        case .commit(let changes, let actions): commit(changes, then: actions)
        case .claim(let attempt, let changes): claim(attempt, changes)
        case .begin(let task, let reserved): begin(task, reserved: reserved, now)
        case .act(let action): act(action)
        case .wake(let wake, let instant): deadlines.insert(wake, at: instant)
        case .load(let lane, let place, let limit): load(lane, after: place, limit: limit)
        case .loadOpen(let place, let limit): loadOpen(after: place, limit: limit)
        case .tell(let event): observer(event, now)
        case .finish(let ending): finish(ending)
        }
    }

    func commit(_ changes: [Mutation], then actions: [Action]) {
        store.write(changes) { result in
            switch result {
            case .success:
                self.reportCommandOutcomes(in: changes)
                if !actions.isEmpty { self.queue.async { self.perform(actions) } }
            case .failure(let error): self.queue.async { self.fail(error.description) }
            }
        }
    }

    /// The store alone knows every attempt that has a task of the provider.
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
        for action in actions { act(action) }
    }

    /// Intent, then action: the submit leaves only once its bytes and its key are durable. A crash before the commit
    /// leaves a waiting task; after it, one in the air, which the next run settles by asking.
    private func begin(_ task: WaitingTask, reserved: Credits?, _ now: Instant) {
        guard let batch = batches[task.batch], let account = plan.accounts.account(for: task.shape.model) else {
            preconditionFailure("task \(task.id) was begun without a batch or an account")
        }
        guard let request = withImage(task.request) else { return }
        let preimage = SubmissionKey.preimage(
            batchName: batch.name, task: task.key, attempt: task.attempt, request: task.request)
        let key = SubmissionKey(digest: SHA256.hash(data: Data(preimage)))
        let submission = Submission(
            attempt: AttemptID(task: task.id, number: task.attempt), key: key, model: task.shape.model,
            dialect: provider.dialect, account: account, body: provider.body(for: request, key: key))
        commit(
            [Mutation(at: now, .intent(Intent(submission: submission, reserved: reserved)))],
            then: [.submit(submission)])
    }

    /// The image itself in the place of its name; it is the same for many tasks that follow each other. nil: the run ends,
    /// since the store does not give it.
    private func withImage(_ request: CanonicalRequest) -> CanonicalRequest? {
        guard let digest = request.imageDigest else { return request }
        if let lastImage, lastImage.digest == digest { return request.with(imageAs: lastImage.dataURL) }
        do throws(StoreError) {
            guard let dataURL = try store.dataURL(ofImage: digest) else {
                fail("the image \(SafeText.cut(digest)) is gone from the store; restore a copy of it")
                return nil
            }
            lastImage = (digest, dataURL)
            return request.with(imageAs: dataURL)
        } catch {
            fail(error.description)
            return nil
        }
    }

    private func act(_ action: Action) {
        switch action {
        case .submit(let submission):
            provider.submit(submission) { fate in
                self.queue.async { self.handle(.submitted(submission, fate)) }
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
            preconditionFailure("attempt \(attempt) is downloaded without a batch")
        }
        let paths = ClipPaths(
            folder: batch.outputDirectory, batchName: batch.name, output: output, submissionKey: key)
        let download = ClipDownload(paths, target: downloadTarget)
        downloads[attempt] = download
        download.start(asset, from: provider) { result in
            self.queue.async {
                self.downloads[attempt] = nil
                self.handle(.downloaded(attempt, result))
            }
        }
    }

    private func load(_ lane: TaskQueueID, after place: WaitingTask.Cursor?, limit: Int) {
        readingQueue.async {
            do {
                let page = try self.store.waiting(batch: lane.batch, model: lane.model, after: place, limit: limit)
                self.queue.async { self.handle(.loaded(lane, page, isLast: page.count < limit)) }
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

    // MARK: ending

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

    /// The store refuses: nothing that is not durable may be built upon, so the run ends here and now. What is in the
    /// air is found by the next run as it is found after a crash.
    func fail(_ message: String) {
        guard done != nil else { return }
        logger.error("the run ends, since its store failed", metadata: ["reason": "\(SafeText.escaped(message))"])
        end(.storeFailed(message))
    }

    private func end(_ outcome: Outcome) {
        guard let done else { return }
        self.done = nil
        timers.stop()
        done(outcome)
    }
}
