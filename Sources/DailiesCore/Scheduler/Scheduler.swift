/// Makes all decisions of a run: `event + now → effects`. It starts no timer, thread, query or request; the runner
/// does, and reports back.
///
/// Every step that costs money follows intent, action, outcome: `Effect.commit(_:then:)` makes the intent durable
/// before the submit, and an outcome durable before anything builds on it. After a crash the next run finds open attempts
/// as ``OpenAttempt`` and settles them by querying, never by submitting again.
///
/// Each part of the state is a machine of its own: a value type that is told what happened and returns decisions. The
/// scheduler composes them, and turns decisions into effects.
package struct Scheduler: Sendable {
    let settings: SchedulerSettings
    let catalog: ModelCatalog
    /// Prepares the submission of a task with an API key.
    let makeSubmission: @Sendable (WaitingTask, KeyFingerprint) -> Submission?

    var random: SplitMix64
    var queues: TaskQueues
    /// By attempt, since the clip of a paid take may still be downloaded while the next take renders.
    var attempts = ActiveAttemptTable()
    var slots: SubmissionSlots
    var outage: Outage
    var models: ModelPauses
    var earlyStop: EarlyStop
    var downloads: DownloadQueue
    var budgets: BudgetGuards
    var accounts: AccountStates
    var pollTimes: PollTimes
    var pauses = SubmissionPauses()
    var timer = AccountTimer()
    var run = RunProgress()
    var recovery = Recovery()
    /// Commands whose attempts are being read.
    var commandsBeingRead = 0
    /// Commands that wait for an earlier one on the same attempt.
    var backlog = CommandBacklog()
    /// Attempts that were resumed for users' commands alone.
    var servedAttempts: Set<AttemptID> = []
    /// In such a run: why further commands cannot be carried out. The provider does not answer, or refuses to.
    var commandRefusal: CommandRefusal?
    /// The same for single API keys.
    var refusedAccounts: [KeyFingerprint: CommandRefusal] = [:]
    var warnings = ReplyWarnings()

    /// The effects of the event being handled.
    var effects: [Effect] = []

    /// - Parameters:
    ///   - settings: already divided by the speed.
    ///   - seed: the seed of the jitter.
    ///   - makeSubmission: prepares the submission of a task: its key and the exact bytes to send. The same task always
    ///     gives the same submission. Called only for a task that is about to be sent, since the bytes may contain a
    ///     large image. nil: it cannot be prepared, and the runner ends the run.
    package init(
        settings: SchedulerSettings, catalog: ModelCatalog, baseURL: String, dialect: Dialect, seed: UInt64,
        makeSubmission: @escaping @Sendable (WaitingTask, KeyFingerprint) -> Submission?
    ) {
        self.settings = settings
        self.catalog = catalog
        accounts = AccountStates(baseURL: baseURL, dialect: dialect)
        self.makeSubmission = makeSubmission
        random = SplitMix64(seed: seed)
        queues = TaskQueues(pageSize: settings.pageSize)
        slots = SubmissionSlots(settings)
        pollTimes = PollTimes(settings, catalog)
        earlyStop = EarlyStop(canary: settings.canary, maximumRejections: settings.maximumPolicyRejections)
        budgets = BudgetGuards(quoteTolerance: settings.quoteTolerance)
        outage = Outage(policy: settings.retry, maximumWait: settings.maximumWait)
        models = ModelPauses(policy: settings.retry, maximumWait: settings.maximumWait)
        downloads = DownloadQueue(limit: settings.downloadConcurrency, maximumWait: settings.maximumWait)
    }

    /// Counts of this run's attempts.
    package var tally: Counts { attempts.tally }

    /// The current limit of tasks in flight; it may be below the user's.
    package var concurrencyLimit: Int { slots.concurrency }

    /// The credits of a batch over all runs, equal to those in the store once all effects are durable; nil for a batch
    /// that this run does not follow.
    package func budgetUsage(of batch: BatchID) -> BudgetUsage? { budgets[batch]?.position }

    /// The user's current limits.
    package var limits: SubmissionLimits { slots.limits }

    /// Handles one event and returns the effects, in order.
    ///
    /// - Precondition: `now` never decreases from one call to the next.
    package mutating func handle(_ event: SchedulerEvent, at now: Instant) -> [Effect] {
        precondition(effects.isEmpty, "effects of an earlier event were not performed")
        guard !run.isFinished else { return [] }
        switch event {
        case .started(let recovered): start(from: recovered, now)
        case .recovered(let page, let isLast): resume(page, isLast: isLast, now)
        case .loaded(let queue, let page, let isLast):
            queues.loaded(queue, page, isLast: isLast) {
                attempts[AttemptID(task: $0.id, number: $0.attempt)] != nil
            }
        case .submitted(let submission, let outcome): submitted(submission, outcome, now)
        case .claimed(let id, let owner): claimed(id, by: owner, now)
        case .answered(let id, let purpose, let answer): answered(id, purpose, answer, now)
        case .downloaded(let id, let result): downloaded(id, result, now)
        case .measured(let id, let serial, let bytes): measured(id, serial, bytes, now)
        case .timerFired(let wake): timerFired(wake, now)
        case .stopRequested: run.stop()
        case .limitsChanged(let limits): slots.change(limits)
        case .pauseRequested(let scope):
            guard pauses.pause(scope) else { break }
            emit(.paused(.user(scope), detail: "requested by the user", until: nil))
        case .unpauseRequested(let scope): if pauses.unpause(scope) { emit(.resumed) }
        case .commanded(let command): commanded(command, now)
        }
        recoverMore()
        sendResubmissions(now)
        submitWaiting(now)
        startDownloads(now)
        dropServed()
        serveBacklog(now)
        finishIfDone(now)
        armAccount(now)
        defer { effects = [] }
        return effects
    }

    // MARK: Attempts

    /// Stores a changed attempt.
    mutating func put(_ attempt: ActiveAttempt) {
        attempts.put(attempt)
        if !backlog.isEmpty, attempt.command == nil { backlog.free(attempt.id) }
    }

    mutating func remove(_ attempt: ActiveAttempt) {
        attempts.remove(attempt.id)
        backlog.free(attempt.id)
    }

    /// Changes an attempt's state. Nothing else does.
    func advance(_ attempt: inout ActiveAttempt, _ event: AttemptState.Event) {
        guard let next = attempt.state.after(event) else {
            preconditionFailure("attempt \(attempt.id) cannot go from \(attempt.state) by \(event)")
        }
        attempt.state = next
    }

    mutating func emit(_ event: RunEvent) { effects.append(.emit(event)) }

    mutating func commit(_ steps: [Mutation.Kind], then actions: [Action] = [], _ now: Instant) {
        effects.append(.commit(steps.map { Mutation(at: now, $0) }, then: actions))
    }

    /// Stops work on an attempt for this run; it is kept for the result's counts.
    mutating func park(_ attempt: ActiveAttempt, _ parking: ActiveAttempt.ParkReason) {
        var attempt = attempt
        attempt.parking = parking
        attempt.holdsSlot = false
        if parking != .unsaved { recordCanary(attempt, isCompleted: false) }
        attempt.serial &+= 1
        put(attempt)
    }

    /// Requests a wake-up of this attempt and invalidates an earlier one.
    mutating func wake(_ attempt: inout ActiveAttempt, at instant: Instant) {
        attempt.serial &+= 1
        effects.append(.wake(.attempt(attempt.id, serial: attempt.serial), at: instant))
    }

    // MARK: Account timer

    mutating func timerFired(_ wake: TimerID, _ now: Instant) {
        switch wake {
        case .attempt(let id, let serial):
            guard let attempt = attempts[id], attempt.serial == serial, !run.isStopping else { return }
            due(attempt, now)
        case .download(let id, let serial):
            guard let attempt = attempts[id], attempt.downloadSerial == serial, !run.isStopping else { return }
            downloadAgain(attempt)
        case .downloadSpeed: preconditionFailure("the runner answers a download-speed timer with `measured`")
        case .account(let serial):
            if timer.fired(serial) { accountDue(now) }
        }
    }

    /// Handles the end of a pause, a due probe, or an outage that has lasted too long.
    private mutating func accountDue(_ now: Instant) {
        if pauses.advance(to: now) { emit(.resumed) }
        downloads.advance(to: now)
        slots.advance(to: now)
        modelsDue(now)
        switch outage.advance(to: now, mayProbe: !run.isStopping && !run.areQueriesOver, using: &random) {
        case .nothing: break
        case .probe: sendProbe(now)
        case .giveUp:
            run.giveUp(
                "the provider has not answered for \(settings.maximumWait.formatted(atSpeed: settings.speed))")
        }
    }

    /// One timer serves all account-wide times.
    private mutating func armAccount(_ now: Instant) {
        guard !run.isFinished, !run.isStopping else { return }
        var moments = pauses.moments + slots.moments(after: now) + [downloads.pausedUntil].compactMap { $0 }
        if !run.isSubmissionOver { moments += models.moments }
        if !run.areQueriesOver { moments += outage.moments }
        if let wake = timer.set(to: moments) { effects.append(wake) }
    }
}

extension Duration {
    /// For messages: `24 h`, `15 min`, `40 s`; the duration that the user set if the speed is not 1.
    func formatted(atSpeed speed: Double) -> String {
        let seconds = Int(saturating: (inSeconds * speed).rounded())
        if seconds >= 7200, seconds % 3600 == 0 { return "\(seconds / 3600) h" }
        return seconds >= 120 && seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"
    }
}
