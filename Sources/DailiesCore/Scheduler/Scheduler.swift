/// Makes all decisions of a run: `event + now → effects`. It starts no timer, thread, query or request; the runner
/// does, and reports back.
///
/// Every step that costs money follows intent, action, outcome: `Effect.begin` makes the intent durable before the
/// submit, `Effect.commit(_:then:)` makes an outcome durable before anything builds on it. After a crash the next run
/// finds open attempts as ``OpenAttempt`` and settles them by querying, never by submitting again.
public struct Scheduler: Sendable {
    let settings: SchedulerSettings
    let catalogue: ModelCatalogue
    let baseURL: String
    let dialect: Dialect

    var random: SplitMix64
    var lanes: TaskQueues
    /// By attempt, since the clip of a paid take may still be downloaded while the next take renders.
    var flights = ActiveAttemptTable()
    var kinds = AttemptTraitsCache()
    /// The current limits.
    public internal(set) var limits: SubmissionLimits
    var limiter: ConcurrencyLimiter
    var pacer: RateLimiter
    /// Scopes that the user paused.
    var pausedScopes: Set<PauseScope> = []
    /// Tasks that count against the limit, by model.
    private(set) var inFlightByModel: [ModelID: Int] = [:]
    /// Attempts waiting to be resubmitted, in order. They go before all unsent tasks.
    var resubmissions: [AttemptID] = []
    var breaker: CircuitBreaker
    var modelPauses: [ModelID: ModelPause] = [:]
    /// Models that this run no longer submits: unavailable for too long, or stopped by a guard.
    var stoppedModels: Set<ModelID> = []
    var canary: Canary?
    var rejectionsInARow = 0
    var downloads: DownloadQueue
    var budgets = Budgets()
    /// Tag budgets that a deferred task waits for; later tasks with the tag wait behind it.
    var waitingTagBudgets: Set<TagBudgetID> = []
    /// Tag budgets that did not allow an estimate, with the reason. This run submits no more tasks with the tag.
    var stoppedTags: [TagBudgetID: String] = [:]
    /// Budgets that this run has reported as reached.
    var reportedBudgets: Set<Budgets.Scope> = []
    /// The highest reservation by estimate in this run, per kind of clip.
    var estimatedReservations: [RequestShape: Credits] = [:]
    /// Why this run's guards cancel attempts, for display.
    var cancelDetails: [AttemptID: String] = [:]
    var prices = PriceBook(catalogue: ModelCatalogue(compiled: "", models: []))
    var trust: [KeyFingerprint: KeySupport] = [:]
    var accounts = APIKeyRouting(byPrefix: [:])
    var cadences: [ModelID: PollCadence] = [:]
    /// Durations for adaptive polling; nil: polls follow the documented cadence.
    var durationHistory: DurationHistory?
    var plans: [RequestShape: AdaptivePollSchedule] = [:]
    /// The batches whose waiting tasks this run submits; nil: all.
    var scope: Set<BatchID>?

    /// Counts, updated whenever an attempt changes, without a walk over all attempts.
    public internal(set) var tally = Counts()
    /// Submits in flight, by account.
    var submitsInFlight: [KeyFingerprint: Int] = [:]
    /// Replies that name a task, until the store has decided who owns it.
    var claims: [AttemptID: Claim] = [:]
    /// Key-support tests in flight, by account.
    var keyChecks: [KeyFingerprint: KeyCheck] = [:]
    /// Queries deferred until the end of an outage, in order.
    var deferredQueries: [AttemptID] = []
    /// Whether an outage probe is in flight.
    var isProbing = false
    /// Whether the next submit is the probe, since no query waits.
    var mayProbeBySubmit = false

    var pause = SubmissionPause()
    var ending = RunResult()
    var hasStarted = false
    /// Queries for unknown costs since the start.
    var lateCostQueriesSent = 0
    var recovery = Recovery()
    var isStopping = false
    /// Whether this run submits nothing more, for a reason in ``ending``; tasks in flight continue.
    var isSubmissionOver = false
    /// Whether the API has answered a submit in this run or has a task of an earlier one, which proves the route.
    var isRouteProven = false
    /// Whether nothing has shown that the API is at the base URL.
    var mayLackRoute: Bool { !isRouteProven && trust.values.allSatisfy { $0 == .unknown } }
    /// Whether the account's queries are refused, so that this run can query nothing more.
    var areQueriesOver = false
    var isFinished = false
    /// Unknown states, and tasks with a rejected reply, that were reported: up to a hundred of each.
    var reportedUnknownStates: Set<String> = []
    var reportedMismatches = 0

    var effects: [Effect] = []

    /// - Parameters:
    ///   - settings: already divided by the speed.
    ///   - seed: the seed of the jitter.
    public init(
        settings: SchedulerSettings, catalogue: ModelCatalogue, baseURL: String, dialect: Dialect, seed: UInt64
    ) {
        self.settings = settings
        self.catalogue = catalogue
        self.baseURL = baseURL
        self.dialect = dialect
        random = SplitMix64(seed: seed)
        lanes = TaskQueues(pageSize: settings.pageSize)
        limits = settings.limits
        pacer = RateLimiter(settings.submitPace)
        limiter = ConcurrencyLimiter(
            ceiling: settings.concurrency, initialProbeInterval: settings.initialProbeInterval,
            maximumProbeInterval: settings.maximumProbeInterval)
        if case .adaptive(let share) = settings.cadence { durationHistory = DurationHistory(share: share) }
        canary = settings.canary.map(Canary.init)
        breaker = CircuitBreaker(policy: settings.retry)
        downloads = DownloadQueue(limit: settings.downloadConcurrency)
    }

    /// Progress of reading the open attempts, in pages, so that queries can start after the first page.
    struct Recovery: Sendable {
        /// The end of the pages read so far.
        var place: OpenAttempt.Cursor?
        var isLoading = false
        /// Whether all pages are read. Nothing is submitted before, since unread attempts hold slots and reservations.
        var isWhole = false
        /// Attempts with an unknown outcome. They are queried once all are known, since an answer may name another
        /// attempt.
        var unknown: [AttemptID] = []
        /// Users' commands, deferred since their attempts may be on a later page.
        var commands: [UserCommand] = []
        /// Attempts with times in the future.
        var fromFuture = 0
        /// Attempts of API keys that this run does not have.
        var otherAccounts: [KeyFingerprint: Int] = [:]
    }

    struct KeyCheck: Sendable {
        let attempt: AttemptID
        let key: SubmissionKey
        let remote: RemoteTaskID
    }

    /// A reply that names an attempt's task.
    struct Claim: Sendable {
        let report: RemoteTask
        let acceptance: Acceptance
        let source: Acceptance.Source
        /// What it shows about key support, if it is accepted.
        let evidence: String?
        /// The reservation before.
        let reserved: Credits?
        /// The guards' decisions, if it is accepted.
        let verdicts: [GuardDecision]
    }

    /// Account-wide pauses of submission.
    struct SubmissionPause: Sendable {
        /// When an empty rate bucket resets.
        var until: Instant?
        /// 402: submission waits until all tasks in flight have settled, then tries once.
        var isWithoutFunds = false
        /// Whether that one submit is in flight.
        var isTryingFunds = false
        /// The disk refuses writes: no download before this time.
        var diskUntil: Instant?
        /// When the disk began to refuse writes, or last took data since; nil: it does not refuse.
        var diskSince: Instant?
        /// Number of refusals by the disk. A download proves that the disk takes data again only if it began after the
        /// last.
        var diskRefusals = 0
        /// Consecutive submits that were neither accepted nor permanently refused, and when they began.
        var trouble: (count: Int, since: Instant)?
        /// No submit before this time, since the last one could not be sent.
        var retryAt: Instant?
        /// Whether only the submit rate delays the next submit.
        var isPaced = false
        /// Reported pauses that still apply.
        var announced: Set<PauseReason> = []
        var armedAt: Instant?
        var serial: UInt32 = 0
    }

    /// Numbers of attempts by condition.
    public struct Counts: Hashable, Sendable {
        /// Tasks that count against the limit.
        public internal(set) var inFlight = 0
        /// Attempts that this run still works on.
        public internal(set) var active = 0
        /// Parked attempts that only a user or another run can settle.
        public internal(set) var uncertain = 0
        /// Uncertain attempts that are still being resolved.
        public internal(set) var settling = 0
        /// Attempts sent with an API key that this run does not have; they wait for a run with that key.
        public internal(set) var otherAccount = 0
        /// Attempts that the provider has not known for too long.
        public internal(set) var lost = 0
        /// Attempts past the poll window that were queried in this run and have no request in flight: they alone keep
        /// no run alive. One that is not found is followed until it is lost.
        public internal(set) var idleUnresolved = 0
        /// Completed clips that this run gave up saving.
        public internal(set) var unsaved = 0
        /// Queries and cancels in flight.
        public internal(set) var asking = 0
        /// Completed clips that should be saved and are not yet.
        public internal(set) var toSave = 0
        /// Those given up because the provider returns no URL or no length: no download in this run would save them.
        public internal(set) var outOfReach = 0
        /// Clips that wait for their download.
        var awaitingDownload: Int { toSave - outOfReach }
        /// Downloads that wait, run or will be retried.
        public internal(set) var saving = 0
        /// Uncertain attempts that wait to be resubmitted.
        public internal(set) var waitingForTurn = 0

        mutating func count(_ flight: ActiveAttempt?, _ sign: Int) {
            guard let flight else { return }
            if flight.holdsSlot { inFlight += sign }
            if flight.isQueryInFlight { asking += sign }
            if flight.isCancelInFlight { asking += sign }
            if flight.isIdleUnresolved { idleUnresolved += sign }
            if flight.state == .uncertain, flight.parking == nil { settling += sign }
            if let completion = flight.completion {
                if !completion.isClipSettled {
                    toSave += sign
                    if completion.asset == nil || completion.isUnverified, flight.parking == .unsaved {
                        outOfReach += sign
                    }
                }
                if completion.isDownloading { saving += sign }
            }
            if flight.pending?.awaitsResubmit == true, flight.parking == nil { waitingForTurn += sign }
            switch flight.parking {
            case nil: active += sign
            case .uncertain: uncertain += sign
            case .otherAccount: otherAccount += sign
            case .lost: lost += sign
            case .unsaved: unsaved += sign
            }
        }
    }

    /// The current limit of tasks in flight; it may be below the user's.
    public var concurrencyLimit: Int { limiter.limit }

    /// Handles one event and returns the effects, in order.
    ///
    /// - Precondition: `now` never decreases from one call to the next.
    public mutating func handle(_ event: SchedulerEvent, at now: Instant) -> [Effect] {
        precondition(effects.isEmpty, "effects of an earlier event were not performed")
        guard !isFinished else { return [] }
        switch event {
        case .started(let recovered): start(from: recovered, now)
        case .recovered(let page, let isLast): resume(page, isLast: isLast, now)
        case .loaded(let lane, let page, let isLast):
            lanes.loaded(lane, page, isLast: isLast) {
                flights[AttemptID(task: $0.id, number: $0.attempt)] != nil
            }
        case .submitted(let submission, let outcome): submitted(submission, outcome, now)
        case .claimed(let attempt, let owner): claimed(attempt, by: owner, now)
        case .answered(let attempt, let purpose, let answer): answered(attempt, purpose, answer, now)
        case .downloaded(let attempt, let result): downloaded(attempt, result, now)
        case .measured(let attempt, let serial, let bytes): measured(attempt, serial, bytes, now)
        case .woken(let wake): woken(wake, now)
        case .stopRequested:
            isStopping = true
            ending.isInterrupted = true
        case .limitsChanged(let limits): change(limits)
        case .pauseRequested(let scope): pause(scope)
        case .unpauseRequested(let scope): unpause(scope)
        case .commanded(let command): commanded(command, now)
        }
        recoverMore()
        sendResubmissions(now)
        submitWaiting(now)
        startDownloads(now)
        finishIfDone(now)
        armAccount(now)
        defer { effects = [] }
        return effects
    }

    // MARK: Attempts

    /// Stores a changed attempt and updates the counts.
    mutating func put(_ flight: ActiveAttempt) {
        let old = flights.updateValue(flight, forKey: flight.attempt)
        tally.count(old, -1)
        tally.count(flight, 1)
        countSlot(of: flight.shape.model, old?.holdsSlot == true, flight.holdsSlot)
    }

    mutating func remove(_ flight: ActiveAttempt) {
        let old = flights.removeValue(forKey: flight.attempt)
        tally.count(old, -1)
        countSlot(of: flight.shape.model, old?.holdsSlot == true, false)
    }

    private mutating func countSlot(of model: ModelID, _ had: Bool, _ has: Bool) {
        if had != has { inFlightByModel[model, default: 0] += has ? 1 : -1 }
    }

    /// The active attempt; nil if it is finished.
    func flight(_ attempt: AttemptID) -> ActiveAttempt? { flights[attempt] }

    /// Changes an attempt's state. Nothing else does.
    func advance(_ flight: inout ActiveAttempt, _ event: AttemptState.Event) {
        guard let next = flight.state.after(event) else {
            preconditionFailure("attempt \(flight.attempt) cannot go from \(flight.state) by \(event)")
        }
        flight.state = next
    }

    mutating func commit(_ steps: [Mutation.Kind], then actions: [Action] = [], _ now: Instant) {
        effects.append(.commit(steps.map { Mutation(at: now, $0) }, then: actions))
    }

    /// Stops work on an attempt for this run; it is kept for the result's counts.
    mutating func park(_ flight: ActiveAttempt, _ parking: ActiveAttempt.ParkReason) {
        var flight = flight
        flight.parking = parking
        flight.holdsSlot = false
        if parking != .unsaved { recordCanary(flight, isCompleted: false) }
        flight.serial &+= 1
        put(flight)
    }

    /// Requests a wake-up of this attempt and invalidates an earlier one.
    mutating func wake(_ flight: inout ActiveAttempt, at instant: Instant) {
        flight.serial &+= 1
        effects.append(.wake(.attempt(flight.attempt, serial: flight.serial), at: instant))
    }

    // MARK: Account timer

    mutating func woken(_ wake: TimerID, _ now: Instant) {
        switch wake {
        case .attempt(let attempt, let serial):
            guard let flight = flight(attempt), flight.serial == serial, !isStopping else { return }
            due(flight, now)
        case .download(let attempt, let serial):
            guard let flight = flight(attempt), flight.downloadSerial == serial, !isStopping else { return }
            downloadAgain(flight)
        case .downloadSpeed: preconditionFailure("the runner answers a download-speed timer with `measured`")
        case .account(let serial):
            guard serial == pause.serial else { return }
            pause.armedAt = nil
            accountDue(now)
        }
    }

    /// Handles the end of a pause, a due probe, or an outage that has lasted too long.
    private mutating func accountDue(_ now: Instant) {
        if let until = pause.until, now >= until {
            pause.until = nil
            effects.append(.tell(.resumed))
        }
        if let until = pause.diskUntil, now >= until { pause.diskUntil = nil }
        if let until = pause.retryAt, now >= until { pause.retryAt = nil }
        limiter.probe(at: now)
        modelsDue(now)
        if let since = breaker.openSince, now - since >= settings.maximumWait {
            giveUp("the provider has not answered for \(settings.maximumWait.formatted(atSpeed: settings.speed))", now)
        } else if let probe = breaker.nextProbe, now >= probe, !isProbing, !isStopping, !areQueriesOver {
            breaker.scheduleProbe(at: now, using: &random)
            sendProbe(now)
        }
    }

    /// Ends the run early; everything is kept for the next one.
    mutating func giveUp(_ reason: String, _ now: Instant) {
        isSubmissionOver = true
        areQueriesOver = true
        ending.isWorkOutstanding = true
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }

    /// Ends submission for this run; tasks in flight continue.
    mutating func endSubmission(_ reason: String) {
        isSubmissionOver = true
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }

    /// One timer serves all account-wide times.
    private mutating func armAccount(_ now: Instant) {
        guard !isFinished, !isStopping else { return }
        var moments = [pause.until, pause.diskUntil, pause.retryAt, limiter.nextProbe]
        if !isSubmissionOver { moments += modelMoments }
        if pause.isPaced, let turn = pacer.next, turn > now { moments.append(turn) }
        if let since = breaker.openSince, !areQueriesOver {
            moments.append(since + settings.maximumWait)
            if !isProbing { moments.append(breaker.nextProbe) }
        }
        guard let next = moments.compactMap({ $0 }).min(), next != pause.armedAt else { return }
        pause.armedAt = next
        pause.serial &+= 1
        effects.append(.wake(.account(serial: pause.serial), at: next))
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
