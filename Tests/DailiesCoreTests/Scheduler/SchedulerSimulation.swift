@testable import DailiesCore

/// A scheduler with a simulated provider that has a limit, on a clock that jumps from event to event: hours of a run in
/// a second. Pure, and repeatable by seed. It counts the provider's requests.
final class SchedulerSimulation {
    /// The provider's properties.
    struct Provider {
        /// Tasks in flight that it accepts; nil: any number.
        var limit: Int?
        /// The duration of a render.
        var duration: (inout SplitMix64) -> Duration
        /// The time without answers.
        var away: Range<Instant>?
        /// The time from a request to its reply.
        var latency = Duration.milliseconds(80)
    }

    private enum Event {
        case wake(TimerID)
        case submitArrives(Submission)
        case submitLands(Submission, SubmitResult)
        case askArrives(AttemptID, QueryPurpose, TaskQuery)
        case answerLands(AttemptID, QueryPurpose, QueryResult)
        case claimed(AttemptID)
        case loaded(TaskQueueID, [WaitingTask], isLast: Bool)
    }

    private struct Entry {
        let at: Instant
        let order: Int
        let event: Event
    }

    static let start = Instant(milliseconds: 1_790_000_000_000)

    private(set) var scheduler: Scheduler
    private let provider: Provider
    private var random: SplitMix64
    private var queue: [Entry] = []
    private var order = 0
    private(set) var now = SchedulerSimulation.start
    private var waiting: [WaitingTask]
    private var renders: [AttemptID: (remote: RemoteTaskID, ends: Instant)] = [:]
    private var byRemote: [RemoteTaskID: AttemptID] = [:]
    private(set) var ending: RunResult?

    /// When each submit reached the provider, and whether it was refused because of the limit.
    private(set) var submits: [(at: Instant, isRefused: Bool)] = []
    /// When each request reached the provider.
    private(set) var requests: [Instant] = []
    private(set) var failed = 0
    /// The start and end of each render.
    private(set) var spans: [(from: Instant, to: Instant)] = []
    private(set) var polls = 0
    /// The times from the end of a render to the reply that reported it.
    private(set) var delays: [Duration] = []
    private(set) var notices: [RunEvent] = []

    init(
        tasks: Int, settings: SchedulerSettings, provider: Provider,
        catalog: ModelCatalog = SchedulerHarness.catalog,
        durations: [ObservedDuration] = [], seed: UInt64
    ) {
        self.provider = provider
        random = SplitMix64(seed: seed)
        var settings = settings
        settings.downloads = false
        scheduler = Scheduler(
            settings: settings, catalog: catalog, baseURL: "http://provider", dialect: .flat, seed: seed
        ) { task, account in SchedulerHarness.submission(task.attemptID, account: account) }
        waiting = (1...max(tasks, 1)).prefix(tasks).map { SchedulerHarness.task(Int64($0)) }
        let recovered = SchedulerSnapshot(
            open: [], queues: [TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model)],
            budgets: [SchedulerHarness.batch: BudgetUsage(cap: nil, settled: .zero, reserved: .zero)],
            prices: PriceBook(catalog: catalog), trust: [SchedulerHarness.account: .honored],
            accounts: APIKeyRouting(byPrefix: ["": SchedulerHarness.account]), durations: durations)
        handle(.started(recovered))
    }

    /// Runs until a time, or to the end.
    func run(until limit: Instant = .distantFuture) {
        while ending == nil, let entry = queue.first, entry.at <= limit {
            take()
            now = max(now, entry.at)
            serve(entry.event)
        }
        now = limit == .distantFuture ? now : max(now, limit)
    }

    var inFlightAtProvider: Int { renders.values.count { $0.ends > now } }

    /// The fraction of slots that were rendering between two times.
    func busy(_ slots: Int, from: Instant, to: Instant) -> Double {
        let rendering = spans.reduce(Duration.zero) { sum, span in
            let (first, last) = (max(span.from, from), min(span.to, to))
            return first < last ? sum + (last - first) : sum
        }
        return rendering.inSeconds / ((to - from).inSeconds * Double(slots))
    }

    // MARK: The provider

    private func serve(_ event: Event) {
        switch event {
        case .wake(let wake): handle(.timerFired(wake))
        case .submitArrives(let submission): schedule(.submitLands(submission, outcome(of: submission)))
        case .submitLands(let submission, let outcome): handle(.submitted(submission, outcome))
        case .askArrives(let attempt, let purpose, let question):
            schedule(.answerLands(attempt, purpose, answer(question)))
        case .answerLands(let attempt, let purpose, let answer): handle(.answered(attempt, purpose, answer))
        case .claimed(let attempt): handle(.claimed(attempt, by: nil))
        case .loaded(let queue, let page, let isLast): handle(.loaded(queue, page, isLast: isLast))
        }
    }

    private var isAway: Bool { provider.away?.contains(now) ?? false }

    private func outcome(of submission: Submission) -> SubmitResult {
        requests.append(now)
        if isAway { return .notAccepted(.refusedConnection) }
        if let known = renders[submission.attempt] { return .accepted(report(known)) }
        let isFull = provider.limit.map { inFlightAtProvider >= $0 } ?? false
        submits.append((now, isFull))
        if isFull { return .throttled(.status(429, "concurrency_limit"), .concurrency) }
        let remote = RemoteTaskID("r-\(submission.attempt)")
        let render = (remote: remote, ends: now + provider.duration(&random))
        renders[submission.attempt] = render
        byRemote[remote] = submission.attempt
        spans.append((now, render.ends))
        return .accepted(.queued(remote.text))
    }

    private func answer(_ question: TaskQuery) -> QueryResult {
        requests.append(now)
        if isAway { return .fault(.refusedConnection) }
        polls += 1
        guard case .remote(let remote) = question.subject, let attempt = byRemote[remote], let render = renders[attempt]
        else { return .notFound(.notFound) }
        if render.ends <= now { delays.append(now - render.ends) }
        return .found(report(render))
    }

    private func report(_ render: (remote: RemoteTaskID, ends: Instant)) -> RemoteTask {
        render.ends <= now ? .completed(render.remote.text) : .running(render.remote.text)
    }

    // MARK: Effects

    private func handle(_ event: SchedulerEvent) {
        for effect in scheduler.handle(event, at: now) {
            switch effect {
            case .commit(let changes, let actions):
                for change in changes { note(change.step) }
                for action in actions { act(action) }
            case .claim(let attempt, let changes):
                for change in changes { note(change.step) }
                insert(.claimed(attempt), at: now)
            case .act(let action): act(action)
            case .wake(let wake, let instant): insert(.wake(wake), at: instant)
            case .load(let queue, let place, let limit):
                let first = place.map { place in waiting.partitioningIndex { place < $0.place } } ?? 0
                let page = Array(waiting[first...].prefix(limit))
                insert(.loaded(queue, page, isLast: page.count < limit), at: now + .milliseconds(1))
            case .loadOpen, .readAttempt: preconditionFailure("nothing was left open, and no user gives commands")
            case .emit(let event): tell(event)
            case .finish(let ending): self.ending = ending
            }
        }
    }

    private func note(_ step: Mutation.Kind) {
        if case .settled(_, let settlement) = step, settlement.end != .completed { failed += 1 }
    }

    private func tell(_ event: RunEvent) { if case .paused = event { notices.append(event) } }

    private func act(_ action: Action) {
        switch action {
        case .submit(let submission): insert(.submitArrives(submission), at: now + provider.latency / 2)
        case .ask(let attempt, let purpose, let question):
            insert(.askArrives(attempt, purpose, question), at: now + provider.latency / 2)
        case .cancel, .download, .stopDownload: break
        }
    }

    private func schedule(_ event: Event) { insert(event, at: now + provider.latency / 2) }

    // MARK: A binary heap

    private func insert(_ event: Event, at instant: Instant) {
        order += 1
        queue.append(Entry(at: instant, order: order, event: event))
        var index = queue.count - 1
        while index > 0, precedes(index, (index - 1) / 2) {
            queue.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private func take() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var index = 0
        while true {
            let children = [2 * index + 1, 2 * index + 2].filter { $0 < queue.count }
            guard let least = children.min(by: precedes), precedes(least, index) else { return }
            queue.swapAt(index, least)
            index = least
        }
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (queue[a].at, queue[a].order) < (queue[b].at, queue[b].order)
    }
}
