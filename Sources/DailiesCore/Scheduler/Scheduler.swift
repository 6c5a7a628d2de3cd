/// Decides everything a run does: `event + now → effects`. It starts no timer, thread, query or request; the shell does,
/// and reports back.
///
/// Every step that costs money goes intent, action, outcome: `Effect.begin` makes the intent durable before the submit,
/// `Effect.commit(_:then:)` makes an outcome durable before what builds on it. Whatever a crash leaves behind is found
/// by the next run as an ``OpenAttempt`` and settled by asking, never by sending anew.
public struct Scheduler: Sendable {
    let settings: SchedulerSettings
    let catalogue: ModelCatalogue
    let baseURL: String
    let dialect: Dialect

    var random: SplitMix64
    var lanes: TaskQueues
    /// By attempt: a take that is paid but not saved may still be fetched while the next one renders.
    var flights = ActiveAttemptTable()
    var kinds = AttemptTraitsCache()
    /// As the user wants them now.
    public internal(set) var limits: SubmissionLimits
    var limiter: ConcurrencyLimiter
    var pacer: RateLimiter
    /// Held up by the user.
    var held: Set<PauseScope> = []
    /// Tasks that count against the limit, by model.
    private(set) var inFlightByModel: [ModelID: Int] = [:]
    /// Attempts that wait to be sent again, in order. Before all that was never sent.
    var repeats: [AttemptID] = []
    var breaker: CircuitBreaker
    var modelPauses: [ModelID: ModelPause] = [:]
    /// Nothing more of them is sent in this run: nobody has served them for too long, or a guard stopped them.
    var stoppedModels: Set<ModelID> = []
    var canary: Canary?
    var rejectionsInARow = 0
    var downloads: DownloadQueue
    var budgets = Budgets()
    /// Budgets of tags that a task waits for; it was set aside, and others with the tag wait behind it.
    var waitingTagBudgets: Set<TagBudgetID> = []
    /// Budgets of tags that did not hold an estimate, and which: nothing more with the tag is sent in this run.
    var stoppedTags: [TagBudgetID: String] = [:]
    /// Budgets that this run has told of.
    var toldBudgets: Set<Budgets.Scope> = []
    /// What the highest estimate of such a clip in this run asks for.
    var estimatedReservations: [RequestShape: Credits] = [:]
    /// Why this run cancels what it does for a guard, for people.
    var cancelDetails: [AttemptID: String] = [:]
    var prices = PriceBook(catalogue: ModelCatalogue(compiled: "", models: []))
    var trust: [KeyFingerprint: KeySupport] = [:]
    var accounts = APIKeyRouting(byPrefix: [:])
    var cadences: [ModelID: PollCadence] = [:]
    /// nil: polls follow the documented cadence.
    var rhythms: DurationHistory?
    var plans: [RequestShape: AdaptivePollSchedule] = [:]
    /// The batches whose waiting tasks this run submits; nil: all.
    var scope: Set<BatchID>?

    /// Counted whenever a flight is put or removed; never by a walk over all flights.
    public internal(set) var tally = Counts()
    /// Submits whose reply is outstanding, by account.
    var submitsInFlight: [KeyFingerprint: Int] = [:]
    /// Answers that name a task, until the store has said whether it is another attempt's.
    var claims: [AttemptID: Claim] = [:]
    /// Accounts whose first accepted submit is being looked up by key, and which task should be found.
    var keyChecks: [KeyFingerprint: KeyCheck] = [:]
    /// Questions that wait for the end of an outage, in order.
    var deferredQueries: [AttemptID] = []
    /// The one request of an outage's probe is in the air.
    var isProbing = false
    /// No question waits, so the next submit is the probe.
    var mayProbeBySubmit = false

    var pause = SubmissionPause()
    var ending = RunResult()
    var hasStarted = false
    /// Questions for costs that count as unknown, since the start.
    var lateCostsAsked = 0
    var recovery = Recovery()
    var isStopping = false
    /// Nothing more is submitted in this run, for a reason in ``ending``; what is in flight goes on.
    var isSubmissionOver = false
    /// The API itself has answered a submit in this run, or has a task of an earlier one: there is such a route.
    var isRouteProven = false
    /// Nothing that this run knows shows that the API is at the base URL.
    var mayLackRoute: Bool { !isRouteProven && trust.values.allSatisfy { $0 == .unknown } }
    /// The account refuses even questions: nothing more can be learned in this run.
    var areQuestionsOver = false
    var isFinished = false
    /// Words for a state that nobody knows, and tasks of which a reply was not believed: the first hundred of each are
    /// told.
    var warnedWords: Set<String> = []
    var mismatchesTold = 0

    var effects: [Effect] = []

    /// - Parameters:
    ///   - settings: already divided by the speed.
    ///   - seed: of the jitter.
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
        if case .adaptive(let share) = settings.cadence { rhythms = DurationHistory(share: share) }
        canary = settings.canary.map(Canary.init)
        breaker = CircuitBreaker(policy: settings.retry)
        downloads = DownloadQueue(limit: settings.downloadConcurrency)
    }

    /// What the last run left open is read in pages, so that the first question waits for no more than the first page.
    struct Recovery: Sendable {
        /// Where the pages that were read end.
        var place: OpenAttempt.Cursor?
        var isLoading = false
        /// Nothing is submitted before: what is not read yet holds slots and reservations.
        var isWhole = false
        /// Those whose fate is unknown are asked about once all are known, since an answer may speak of another.
        var unknown: [AttemptID] = []
        /// What users want of single tasks waits too: theirs may be on a page to come.
        var commands: [UserCommand] = []
        /// Attempts whose times lie in the future.
        var fromFuture = 0
        /// Attempts of API keys that this run does not have.
        var otherAccounts: [KeyFingerprint: Int] = [:]
    }

    struct KeyCheck: Sendable {
        let attempt: AttemptID
        let key: SubmissionKey
        let remote: RemoteTaskID
    }

    /// An answer that names the provider's task of an attempt.
    struct Claim: Sendable {
        let report: RemoteTask
        let acceptance: Acceptance
        let source: Acceptance.Source
        /// What it shows of submission keys, if it is believed.
        let evidence: String?
        /// Held before.
        let reserved: Credits?
        /// What guards find against it, if it is.
        let verdicts: [GuardDecision]
    }

    /// What holds submission up for a while, account-wide.
    struct SubmissionPause: Sendable {
        /// A rate bucket is empty until then.
        var until: Instant?
        /// 402: submission waits until all that is in flight has settled, then tries once.
        var isWithoutFunds = false
        /// The one submit of that try is in the air.
        var isTryingFunds = false
        /// The disk refuses: no download before then.
        var diskUntil: Instant?
        var diskSince: Instant?
        /// Submits that came to nothing, in a row, and since when: none of them was accepted or refused for good.
        var trouble: (count: Int, since: Instant)?
        /// No submit before then, since the one before could not be sent.
        var retryAt: Instant?
        /// A submit could go but for the pace.
        var isPaced = false
        /// Pauses that were told and still hold.
        var announced: Set<PauseReason> = []
        var armedAt: Instant?
        var serial: UInt32 = 0
    }

    /// How many flights are in which condition.
    public struct Counts: Hashable, Sendable {
        /// Tasks that count against the limit.
        public internal(set) var inFlight = 0
        /// Flights that this run still works on.
        public internal(set) var active = 0
        /// Parked: only a person, or another run, can settle them.
        public internal(set) var uncertain = 0
        /// Uncertain, and still being asked about.
        public internal(set) var settling = 0
        /// Sent with another API key than this run has: they wait for a run with that one.
        public internal(set) var otherAccount = 0
        /// Unknown to the provider for too long.
        public internal(set) var lost = 0
        /// Past the poll window, asked in this run, and nothing in the air: they alone keep no run alive. One that is not
        /// found is followed until it is lost.
        public internal(set) var idleUnresolved = 0
        /// Completed, wanted on disk, and given up in this run.
        public internal(set) var unsaved = 0
        /// Questions and cancels in the air.
        public internal(set) var asking = 0
        /// Completed clips that are wanted on disk and not there yet.
        public internal(set) var toSave = 0
        /// Those of them that were given up because the provider gives no URL, or no length: no download in this run would
        /// make them fewer.
        public internal(set) var outOfReach = 0
        /// Clips that wait for their download.
        var awaitingDownload: Int { toSave - outOfReach }
        /// Downloads that wait, run, or are tried again later.
        public internal(set) var saving = 0
        /// Uncertain ones that are about to be sent again, once a slot is free and submits may go.
        public internal(set) var waitingForTurn = 0

        mutating func count(_ flight: ActiveAttempt?, _ sign: Int) {
            guard let flight else { return }
            if flight.holdsSlot { inFlight += sign }
            if flight.isAsking { asking += sign }
            if flight.isCancelling { asking += sign }
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

    /// The limit of tasks in flight now; it may be below the user's.
    public var concurrencyLimit: Int { limiter.limit }

    /// Takes one event in and says what is to be done, in order.
    ///
    /// - Precondition: `now` never goes back from one call to the next.
    public mutating func handle(_ event: SchedulerEvent, at now: Instant) -> [Effect] {
        precondition(effects.isEmpty, "effects of an earlier event were not taken")
        guard !isFinished else { return [] }
        switch event {
        case .started(let recovered): start(from: recovered, now)
        case .recovered(let page, let isLast): resume(page, isLast: isLast, now)
        case .loaded(let lane, let page, let isLast):
            lanes.loaded(lane, page, isLast: isLast) {
                flights[AttemptID(task: $0.id, number: $0.attempt)] != nil
            }
        case .submitted(let submission, let fate): submitted(submission, fate, now)
        case .claimed(let attempt, let owner): claimed(attempt, by: owner, now)
        case .answered(let attempt, let purpose, let answer): answered(attempt, purpose, answer, now)
        case .downloaded(let attempt, let result): downloaded(attempt, result, now)
        case .measured(let attempt, let serial, let bytes): measured(attempt, serial, bytes, now)
        case .woken(let wake): woken(wake, now)
        case .stopRequested:
            isStopping = true
            ending.isInterrupted = true
        case .limitsChanged(let limits): change(limits)
        case .pauseRequested(let scope): hold(scope)
        case .unpauseRequested(let scope): release(scope)
        case .commanded(let command): commanded(command, now)
        }
        recoverMore()
        sendRepeats(now)
        submitWhatFits(now)
        startDownloads(now)
        finishIfDone(now)
        armAccount(now)
        defer { effects = [] }
        return effects
    }

    // MARK: Flights

    /// Puts a flight back after a change, and keeps the tally.
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

    /// The flight of an attempt, unless it is over.
    func flight(_ attempt: AttemptID) -> ActiveAttempt? { flights[attempt] }

    /// The one place where a flight changes its state.
    func advance(_ flight: inout ActiveAttempt, _ event: AttemptState.Event) {
        guard let next = flight.state.after(event) else {
            preconditionFailure("attempt \(flight.attempt) cannot go from \(flight.state) by \(event)")
        }
        flight.state = next
    }

    mutating func commit(_ steps: [Mutation.Kind], then actions: [Action] = [], _ now: Instant) {
        effects.append(.commit(steps.map { Mutation(at: now, $0) }, then: actions))
    }

    /// Stops work on a flight for this run; it is kept, so that the ending can count it.
    mutating func park(_ flight: ActiveAttempt, _ parking: ActiveAttempt.ParkReason) {
        var flight = flight
        flight.parking = parking
        flight.holdsSlot = false
        if parking != .unsaved { recordCanary(flight, isCompleted: false) }
        flight.serial &+= 1
        put(flight)
    }

    /// Asks for a wake-up of this flight; an earlier one is void.
    mutating func wake(_ flight: inout ActiveAttempt, at instant: Instant) {
        flight.serial &+= 1
        effects.append(.wake(.attempt(flight.attempt, serial: flight.serial), at: instant))
    }

    // MARK: The account's own clock

    mutating func woken(_ wake: TimerID, _ now: Instant) {
        switch wake {
        case .attempt(let attempt, let serial):
            guard let flight = flight(attempt), flight.serial == serial, !isStopping else { return }
            due(flight, now)
        case .download(let attempt, let serial):
            guard let flight = flight(attempt), flight.downloadSerial == serial, !isStopping else { return }
            downloadAgain(flight)
        case .downloadSpeed: preconditionFailure("the shell answers a wake for a download's speed with its bytes")
        case .account(let serial):
            guard serial == pause.serial else { return }
            pause.armedAt = nil
            accountDue(now)
        }
    }

    /// A pause ended, a probe is due, or an outage has lasted too long.
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
            giveUp("the provider has not answered for \(settings.maximumWait.inWords(atSpeed: settings.speed))", now)
        } else if let probe = breaker.nextProbe, now >= probe, !isProbing, !isStopping, !areQuestionsOver {
            breaker.scheduleProbe(at: now, using: &random)
            sendProbe(now)
        }
    }

    /// Ends the run early: everything is kept for the next one.
    mutating func giveUp(_ reason: String, _ now: Instant) {
        isSubmissionOver = true
        areQuestionsOver = true
        ending.isWorkOutstanding = true
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }

    /// Submission ends for this run; what is in flight goes on.
    mutating func endSubmission(_ reason: String) {
        isSubmissionOver = true
        if !ending.reasons.contains(reason) { ending.reasons.append(reason) }
    }

    /// One timer serves all account-wide moments.
    private mutating func armAccount(_ now: Instant) {
        guard !isFinished, !isStopping else { return }
        var moments = [pause.until, pause.diskUntil, pause.retryAt, limiter.nextProbe]
        if !isSubmissionOver { moments += modelMoments }
        if pause.isPaced, let turn = pacer.next, turn > now { moments.append(turn) }
        if let since = breaker.openSince, !areQuestionsOver {
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
    /// For messages: `24 h`, `15 min`, `40 s`; at another speed than 1 the duration that the user set.
    func inWords(atSpeed speed: Double) -> String {
        let seconds = Int(saturating: (inSeconds * speed).rounded())
        if seconds >= 7200, seconds % 3600 == 0 { return "\(seconds / 3600) h" }
        return seconds >= 120 && seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"
    }
}
