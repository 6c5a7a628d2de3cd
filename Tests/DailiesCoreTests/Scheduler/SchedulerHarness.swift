import Testing

@testable import DailiesCore

/// Drives a scheduler manually: sends events, keeps its requests until a test answers, and checks the invariants after
/// each event. Violations are collected in ``problems``.
final class SchedulerHarness {
    var scheduler: Scheduler
    let settings: SchedulerSettings
    var store: StoreModel
    private(set) var now = Instant(milliseconds: 1_000_000)

    private(set) var submits: [Submission] = []
    private(set) var questions: [(attempt: AttemptID, purpose: QueryPurpose, question: TaskQuery)] = []
    private(set) var cancels: [AttemptID] = []
    private(set) var downloads: [(attempt: AttemptID, asset: AssetLocation)] = []
    /// The bytes that downloads report when measured; nil: enough.
    var receivedBytes: [TaskID: Int64] = [:]
    private(set) var stopped: [AttemptID] = []
    private(set) var wakes: [(at: Instant, wake: TimerID)] = []
    var loads: [(queue: TaskQueueID, page: [WaitingTask], limit: Int)] = []
    private(set) var claims: [(attempt: AttemptID, owner: TaskOwner?)] = []
    private(set) var reads: [UserCommand] = []
    private(set) var openLoads: [(place: OpenAttempt.Cursor, limit: Int)] = []
    private(set) var reported: [RunEvent] = []
    private(set) var steps: [Mutation.Kind] = []
    private(set) var ending: RunResult?
    private(set) var problems: [String] = []
    /// Every submit in order, including resubmissions.
    private(set) var sent: [AttemptID] = []
    private(set) var sentAt: [Instant] = []
    private var paceOfLast: SubmitRate?
    /// The time of each query.
    private(set) var asked: [(at: Instant, attempt: AttemptID, purpose: QueryPurpose)] = []
    /// The store's decisions on claims, until the test delivers them.
    var holdsClaims = false
    /// Pages, read when requested, until the test delivers them.
    var holdsLoads = false
    /// Attempts whose last outcome was a 5xx that is free by contract, under `trustsServerErrors`.
    private var repeatable: Set<AttemptID> = []
    /// Whether a bill exceeded its reservation, or an estimate exceeded the budget. Only then may settled plus reserved
    /// exceed a cap, and nothing is begun until it no longer does.
    private var mayBeAboveCap = false
    private var served = 0
    /// Called with every change and the store after it.
    var observer: ((Mutation, StoreModel) -> Void)?
    /// The number of events between checks; more than one if thousands of tasks make them slow.
    var checksEvery = 1
    private var handled = 0
    /// More wake-ups than any test needs, so that a scheduler that never finishes does not run forever.
    private static let wakeLimit = 20_000

    static let account = KeyFingerprint("aaaa00000000")
    static let otherAccount = KeyFingerprint("bbbb00000000")
    static let batch = BatchID(1)

    static func name(_ id: Int64) -> TaskName { TaskName(batch: batch, key: TaskKey("task-\(id)")) }

    static let model = ModelID("sora-2-pro")

    init(
        settings: SchedulerSettings = SchedulerSettings(), store: StoreModel = StoreModel(), at now: Instant? = nil,
        dialect: Dialect = .flat, catalog: ModelCatalog = SchedulerHarness.catalog, seed: UInt64 = 1
    ) {
        self.settings = settings
        self.store = store
        if let now { self.now = now }
        scheduler = Scheduler(
            settings: settings, catalog: catalog, baseURL: "http://provider", dialect: dialect, seed: seed
        ) { task, account in
            Self.submission(task.attemptID, model: task.shape.model, account: account, dialect: dialect)
        }
    }

    /// Plus a tenth it is two credits.
    static let maximumPerTask = Credits(nano: 1_818_181_818)

    static let cadence = PollCadence(phases: [
        .init(interval: .seconds(2), until: .seconds(90)), .init(interval: .seconds(5), until: .seconds(240)),
    ])

    static let catalog = ModelCatalog(
        compiled: "2026-11-23",
        models: [
            ModelSpec(
                id: model, vendor: "OpenAI", durationSeconds: 1...20, resolutions: ["720p", "1080p"],
                defaultResolution: "1080p", aspectRatios: [], defaultAspectRatio: nil, extraFields: [:],
                acceptsImageInit: false, cadence: cadence, typicalLatency: nil, typicalLatencyForSeconds: nil,
                prices: [], urlLifetime: nil, withdrawn: nil)
        ])

    static func task(
        _ id: Int64, attempt: Int = 1, model: ModelID = model, batch: BatchID = batch, priority: Int = 0,
        seconds: Int = 8, tagBudgets: [TagBudgetID] = []
    ) -> WaitingTask {
        WaitingTask(
            id: TaskID(id), batch: batch, key: TaskKey("task-\(id)"), attempt: attempt,
            shape: RequestShape(model: model, durationSeconds: seconds, resolution: "1080p"),
            request: CanonicalRequest(text: "{\"model\":\"\(model)\",\"prompt\":\"\(id)\"}"), priority: priority,
            output: nil, tagBudgets: tagBudgets)
    }

    static func submission(
        _ id: AttemptID, model: ModelID = model, account: KeyFingerprint = account, dialect: Dialect = .flat
    ) -> Submission {
        Submission(
            attempt: id, key: SubmissionKey("key-\(id)"), model: model, dialect: dialect, account: account,
            body: Array("body-\(id)".utf8))
    }

    // MARK: Events

    func start(
        accounts: APIKeyRouting = APIKeyRouting(byPrefix: ["": account]), prices: PriceBook? = nil,
        scope: Set<BatchID>? = nil, tagBudgets: [TagBudget] = [], commands: [UserCommand] = []
    ) {
        let batches = store.batches
        mayBeAboveCap = batches.contains { isAboveCap($0) }
        let size = settings.recoveryPageSize
        handle(
            .started(
                SchedulerSnapshot(
                    open: settings.servesCommandsOnly ? [] : store.openPage(after: nil, limit: size),
                    queues: store.queues.filter { scope?.contains($0.batch) ?? true },
                    budgets: Dictionary(uniqueKeysWithValues: batches.map { ($0, store.position($0)) }),
                    prices: prices
                        ?? PriceBook(catalog: Self.catalog, maximumPerTask: Self.maximumPerTask),
                    trust: store.trust, accounts: accounts, scope: scope, tagBudgets: tagBudgets, commands: commands,
                    hasMoreOpen: !settings.servesCommandsOnly && store.open.count >= size)))
    }

    func handle(_ event: SchedulerEvent) {
        carryOut(scheduler.handle(event, at: now))
        handled += 1
        if handled % checksEvery == 0 || ending != nil { check("\(event)") }
        while !reads.isEmpty { deliverRead() }
        while !holdsClaims, !claims.isEmpty { deliverClaim() }
        while !holdsLoads, !openLoads.isEmpty { deliverOpenLoad() }
        while !holdsLoads, !loads.isEmpty { deliverLoad() }
    }

    func deliverRead() {
        var command = reads.removeFirst()
        command.isRead = true
        command.open = store.open.first { $0.attempt == command.attempt }
        handle(.commanded(command))
    }

    func deliverClaim() {
        let claim = claims.removeFirst()
        handle(.claimed(claim.attempt, by: claim.owner))
    }

    func deliverOpenLoad() {
        let load = openLoads.removeFirst()
        let page = store.openPage(after: load.place, limit: load.limit)
        handle(.recovered(page, isLast: page.count < load.limit))
    }

    func deliverLoad() {
        let load = loads.removeFirst()
        handle(.loaded(load.queue, load.page, isLast: load.page.count < load.limit))
    }

    /// Ends the next submit in flight with this outcome.
    func land(_ outcome: SubmitResult, _ id: Int64? = nil) {
        guard let index = submits.firstIndex(where: { id == nil || $0.attempt.task == TaskID(id ?? 0) }) else {
            problems.append("no submit of \(id.map(String.init) ?? "any task") is in flight")
            return
        }
        let submission = submits.remove(at: index)
        repeatable.remove(submission.attempt)
        if settings.trustsServerErrors, case .unknown(_, isFreeByContract: true) = outcome {
            repeatable.insert(submission.attempt)
        }
        handle(.submitted(submission, outcome))
    }

    /// Answers the next query of a task.
    func answer(_ answer: QueryResult, _ id: Int64? = nil, _ purpose: QueryPurpose? = nil) {
        let index = questions.firstIndex {
            (id == nil || $0.attempt.task == TaskID(id ?? 0)) && (purpose == nil || $0.purpose == purpose)
        }
        guard let index else {
            problems.append(
                "no question \(purpose.map { "\($0)" } ?? "") of \(id.map(String.init) ?? "any task") is out")
            return
        }
        let question = questions.remove(at: index)
        if case .found(let report) = answer { noteBill(report, question.attempt) }
        handle(.answered(question.attempt, question.purpose, answer))
    }

    func answerCancel(_ answer: QueryResult) {
        guard !cancels.isEmpty else { return problems.append("no cancel is out") }
        handle(.answered(cancels.removeFirst(), .cancel, answer))
    }

    /// Answers a cancel without a cost, and the following query too.
    func confirmCancel(_ id: Int64) {
        guard let index = cancels.firstIndex(where: { $0.task == TaskID(id) }) else {
            return problems.append("no cancel of \(id) is out")
        }
        handle(.answered(cancels.remove(at: index), .cancel, .found(.cancelled("r\(id)"))))
        confirmCancelled(id)
    }

    /// Answers the query after a reported cancellation without further details.
    func confirmCancelled(_ id: Int64) {
        if !questions.contains(where: { $0.attempt.task == TaskID(id) }) { advance(by: .seconds(5)) }
        answer(.found(.cancelled("r\(id)")), id, .poll)
    }

    func finishDownload(_ result: DownloadResult, _ id: Int64? = nil) {
        let index = downloads.firstIndex { id == nil || $0.attempt.task == TaskID(id ?? 0) }
        guard let index else { return problems.append("no download is under way") }
        handle(.downloaded(downloads.remove(at: index).attempt, result))
    }

    func save(_ id: Int64? = nil) {
        finishDownload(.saved(SavedClip(path: "/clips/\(id ?? 0).mp4", sha256: "", bytes: 1)), id)
    }

    /// Advances the time, serving every wake-up on the way.
    func advance(by duration: Duration) { advance(to: now + duration) }

    func advance(to instant: Instant) {
        while let next = nextWake, next <= instant, ending == nil { serveNextWake() }
        now = max(now, instant)
    }

    var nextWake: Instant? { wakes.map(\.at).min() }

    func serveNextWake() {
        served += 1
        precondition(served < Self.wakeLimit, "this test runs in circles at \(now): \(problems.prefix(3))")
        guard let index = wakes.indices.min(by: { (wakes[$0].at, $0) < (wakes[$1].at, $1) }) else { return }
        let next = wakes.remove(at: index)
        now = max(now, next.at)
        guard case .downloadSpeed(let attempt, let serial) = next.wake else { return handle(.timerFired(next.wake)) }
        let bytes = receivedBytes[attempt.task] ?? (now - Instant(milliseconds: 0)).nanoseconds / 1000
        handle(.measured(attempt, serial: serial, bytes: bytes))
    }

    /// Simulates a crash: only the store remains.
    func restarted(seed: UInt64 = 2, settings: SchedulerSettings? = nil) -> SchedulerHarness {
        SchedulerHarness(settings: settings ?? self.settings, store: store, at: now, seed: seed)
    }

    private func noteBill(_ report: RemoteTask, _ id: AttemptID) {
        guard let charge = report.charges.first?.credits, let reserved = store.attempts[id]?.reserved else { return }
        if charge > reserved { mayBeAboveCap = true }
    }

    // MARK: Effects

    private func carryOut(_ effects: [Effect]) {
        for effect in effects {
            if ending != nil { problems.append("an effect after the end: \(effect)") }
            switch effect {
            case .commit(let changes, let actions):
                for change in changes { record(change) }
                for action in actions { act(action) }
            case .claim(let id, let changes):
                let owner = changes.lazy.compactMap(store.owner(refusing:)).first
                if owner == nil { for change in changes { record(change) } }
                claims.append((id, owner))
            case .act(let action): act(action)
            case .wake(let wake, let instant):
                if instant <= now { problems.append("\(wake) is armed for \(instant), at \(now)") }
                wakes.append((instant, wake))
            case .load(let queue, let place, let limit):
                loads.append((queue, store.page(queue, after: place, limit: limit), limit))
            case .loadOpen(let place, let limit): openLoads.append((place, limit))
            case .readAttempt(let command): reads.append(command)
            case .emit(let event): reported.append(event)
            case .finish(let ending): self.ending = ending
            }
        }
    }

    private func record(_ change: Mutation) {
        steps.append(change.step)
        store.apply(change)
        switch change.step {
        case .accepted(let id, _), .reservationRaised(let id, _):
            if let batch = store.entries[id.task]?.task.batch, isAboveCap(batch) { mayBeAboveCap = true }
        case .intent(let intent):
            let batch = store.entries[intent.submission.attempt.task]?.task.batch ?? Self.batch
            if isAboveCap(batch) { problems.append("\(intent.submission.attempt) is begun above the budget") }
            checkLimits(of: intent.submission.model)
        default: break
        }
        observer?(change, store)
    }

    private func checkLimits(of model: ModelID) {
        let inFlight = scheduler.attempts.values.count { $0.holdsSlot && $0.shape.model == model }
        if let limit = scheduler.limits.byModel[model], inFlight > limit {
            problems.append("\(inFlight) of \(model) in flight, with a limit of \(limit)")
        }
        if scheduler.tally.inFlight > scheduler.concurrencyLimit {
            problems.append("\(scheduler.tally.inFlight) in flight, with a limit of \(scheduler.concurrencyLimit)")
        }
    }

    private func act(_ action: Action) {
        switch action {
        case .submit(let submission): send(submission)
        case .ask(let id, let purpose, let question):
            if questions.contains(where: { $0.attempt == id && $0.purpose == purpose }) {
                problems.append("\(id) has two queries in flight (\(purpose))")
            }
            asked.append((now, id, purpose))
            questions.append((id, purpose, question))
        case .cancel(let id, _, _): cancels.append(id)
        case .download(let id, _, let asset, _):
            if downloads.contains(where: { $0.attempt == id }) {
                problems.append("\(id) is downloaded twice at a time")
            }
            downloads.append((id, asset))
        case .stopDownload(let id):
            if !downloads.contains(where: { $0.attempt == id }) {
                problems.append("\(id) is stopped, and is not downloaded")
            }
            stopped.append(id)
        }
    }

    private func send(_ submission: Submission) {
        let id = submission.attempt
        if submits.contains(where: { $0.attempt == id }) { problems.append("\(id) is being submitted twice") }
        guard let attempt = store.attempts[id] else {
            return problems.append("\(id) is sent without a durable intent")
        }
        if attempt.submission != submission { problems.append("\(id) is repeated with other bytes") }
        switch attempt.stage {
        case .submitting: break
        case .uncertain:
            let isProven =
                scheduler.accounts.isHonoring(submission.account) && submission.dialect == scheduler.accounts.dialect
            if !isProven, !repeatable.contains(id) {
                problems.append("\(id) is resubmitted although its outcome is unknown")
            }
        case .accepted, .completed, .failed, .cancelled, .notAccepted:
            problems.append("\(id) is sent while \(attempt.stage)")
        }
        if scheduler.run.isStopping { problems.append("\(id) is sent after the stop") }
        checkFlow(of: submission)
        sent.append(id)
        sentAt.append(now)
        submits.append(submission)
    }

    // MARK: Invariants

    private func checkFlow(of submission: Submission) {
        guard let attempt = scheduler.attempts[submission.attempt] else {
            return problems.append("\(submission.attempt) is sent without being active")
        }
        let scopes: Set<PauseScope> = [.everything, .batch(attempt.batch), .model(submission.model)]
        if !scheduler.pauses.scopes.isDisjoint(with: scopes) {
            problems.append("\(submission.attempt) is sent while held up")
        }
        guard let pace = scheduler.limits.pace, let last = sentAt.last, pace == paceOfLast else {
            paceOfLast = scheduler.limits.pace
            return
        }
        if now - last < pace.interval - pace.slack { problems.append("\(submission.attempt) is sent out of turn") }
    }

    private func check(_ event: @autoclosure () -> String) {
        let before = problems.count
        var tally = Scheduler.Counts()
        for attempt in scheduler.attempts.values { tally.count(attempt, 1) }
        if tally != scheduler.tally { problems.append("the tally drifted: \(scheduler.tally), but \(tally)") }
        for batch in store.batches { checkBudget(batch) }
        let submitsInFlight = scheduler.accounts.totalSubmitsInFlight
        if submitsInFlight != submits.count {
            problems.append("\(submitsInFlight) counted in flight, \(submits.count) are")
        }
        if ending != nil, !submits.isEmpty { problems.append("it ended with a submit in flight") }
        if ending == nil, !settings.servesCommandsOnly, isStuck {
            problems.append("nothing is in flight, no wake-up is pending, and it has not ended")
        }
        problems += store.problems
        if problems.count > before { problems[before] += " (after \(event().prefix(300)), at \(now))" }
    }

    private func checkBudget(_ batch: BatchID) {
        let position = store.position(batch)
        let known = scheduler.budgets[batch]?.position
        // Until a claim is answered, the larger of two reservations applies.
        let holdsMore = !claims.isEmpty && known.map { $0.reserved >= position.reserved } ?? false
        guard known == position || (holdsMore && known?.settled == position.settled) else {
            return problems.append(
                "the budget drifted: \(String(describing: scheduler.budgets[batch])), but \(position)")
        }
        if !mayBeAboveCap, isAboveCap(batch) { problems.append("above the budget: \(position)") }
    }

    private func isAboveCap(_ batch: BatchID) -> Bool {
        let position = store.position(batch)
        guard position.mode == .cautious, let cap = position.cap else { return false }
        return position.settled + position.reserved > CreditTotal(cap)
    }

    private var isStuck: Bool {
        submits.isEmpty && claims.isEmpty && questions.isEmpty && cancels.isEmpty && downloads.isEmpty && loads.isEmpty
            && scheduler.pauses.scopes.isEmpty
            && openLoads.isEmpty
            && !wakes.contains { isLive($0.wake) }
    }

    private func isLive(_ wake: TimerID) -> Bool {
        switch wake {
        case .attempt(let id, let serial): scheduler.attempts[id]?.serial == serial
        case .download(let id, let serial), .downloadSpeed(let id, let serial):
            scheduler.attempts[id]?.downloadSerial == serial
        case .account(let serial): scheduler.timer.firesAt != nil && scheduler.timer.serial == serial
        }
    }
}
