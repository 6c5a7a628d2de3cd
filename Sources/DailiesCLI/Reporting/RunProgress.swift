import DailiesCore

/// What a run's events add up to, for whoever draws it.
struct RunProgress: Sendable {
    /// A task that the provider has, as this run saw it.
    struct InFlight: Sendable {
        let model: String?
        let since: Instant
        var isRunning: Bool
    }

    struct Pause: Sendable {
        let detail: String
        let until: Instant?
    }

    private static let failuresKept = 3
    /// Younger than this a run says nothing about its rate.
    private static let leastElapsed = Duration.seconds(10)

    private(set) var batches = BatchNames()
    private(set) var total = 0
    private(set) var concurrency = 1
    private(set) var budget: Credits?
    private(set) var completed = 0
    private(set) var failed = 0
    private(set) var cancelled = 0
    private(set) var saved = 0
    private(set) var uncertain: Set<TaskName> = []
    /// Settled and held for these batches, over all runs.
    private(set) var charged = CreditTotal.zero
    private(set) var reserved = CreditTotal.zero
    /// Tasks at the provider, those of earlier runs included once they are heard of.
    private(set) var inFlight: [TaskName: InFlight] = [:]
    /// The last failures in words, newest last.
    private(set) var failures: [String] = []
    /// What is waited for.
    private(set) var pauses: [PauseReason: Pause] = [:]
    private(set) var forecast = ETAEstimator()
    private var models: [TaskName: String] = [:]
    /// At the provider when the run began; their keys are not known until something happens to them.
    private var foundInFlight = 0
    private var beganAt: Instant?
    private var completedHere = 0

    init() {}

    init(_ overview: RunOverview) {
        batches = overview.batches
        total = overview.total
        concurrency = overview.concurrency
        completed = overview.states[.completed, default: 0]
        failed = overview.states[.failed, default: 0]
        cancelled = overview.states[.cancelled, default: 0]
        saved = overview.saved
        foundInFlight = overview.inFlight
        charged = overview.charged
        reserved = overview.reserved
        budget = overview.budget
    }

    var finished: Int { completed + failed + cancelled }
    /// Tasks at the provider, as far as is known.
    var inFlightCount: Int { inFlight.count + foundInFlight }
    var waiting: Int { max(total - finished - inFlightCount - uncertain.count, 0) }

    mutating func take(_ event: RunEvent, at instant: Instant) {
        beganAt = beganAt ?? instant
        switch event {
        case .submitted(let key, let model): models[key] = model.text
        case .accepted(let key, _, _):
            inFlight[key] = InFlight(model: models[key], since: instant, isRunning: false)
            uncertain.remove(key)
            goOn()
        case .running(let key): inFlight[key]?.isRunning = true
        // A run polls tasks of other batches too, which are not in its counts.
        case .completed(let key, _) where !isOwn(key): break
        case .failed(let key, _, _, _) where !isOwn(key): break
        case .cancelled(let key, _) where !isOwn(key): break
        case .saved(let key, _) where !isOwn(key): break
        case .withdrawn(let key) where !isOwn(key): break
        case .retried(let key) where !isOwn(key): break
        case .completed(let key, let charged):
            completed += 1
            completedHere += 1
            if let flight = inFlight[key] { forecast.learn(instant - flight.since) }
            end(key, charged)
        case .failed(let key, let code, let message, let charged):
            failed += 1
            failures = (failures + ["\(batches.text(key)): \(code ?? "no code"): \(message ?? "")"]).suffix(Self.failuresKept)
            end(key, charged)
        case .cancelled(let key, let charged):
            cancelled += 1
            end(key, charged)
        case .waitsAgain(let key, _, let charged): end(key, charged)
        case .withdrawn: cancelled += 1
        // Nobody says whether it had failed or was cancelled; one of the two it was.
        case .retried: if failed > 0 { failed -= 1 } else { cancelled = max(cancelled - 1, 0) }
        case .saved: saved = min(saved + 1, completed)
        case .uncertain(let key, _): uncertain.insert(key)
        case .paused(let reason, let detail, let until): pauses[reason] = Pause(detail: detail, until: until)
        case .resumed: goOn(isTold: true)
        case .downloadFailed, .lost, .unresolved, .warning: break
        }
    }

    private func isOwn(_ task: TaskName) -> Bool { batches.own.contains(task.batch) }

    private mutating func end(_ key: TaskName, _ charged: Credits?) {
        if inFlight.removeValue(forKey: key) == nil, models[key] == nil, foundInFlight > 0 { foundInFlight -= 1 }
        models[key] = nil
        uncertain.remove(key)
        if let charged { self.charged += CreditTotal(charged) }
    }

    /// Submission goes on: what held all of it up is over.
    private mutating func goOn(isTold: Bool = false) {
        pauses = pauses.filter { reason, _ in
            switch reason {
            case .outage, .rateLimit, .noFunds, .uncertainTasks, .unsavedClips, .canary, .modelUnavailable: false
            case .user: !isTold
            case .concurrencyLimit, .modelForbidden, .budget, .policyRejections: true
            }
        }
    }

    /// What the store says of money is exact; what the events add up to knows nothing of costs that are learned late.
    mutating func know(settled: CreditTotal, reserved: CreditTotal) {
        charged = settled
        self.reserved = reserved
    }

    /// What is waited for at this moment, in words; a limit of the provider's is told with it.
    func waits(at now: Instant) -> [String] {
        pauses.filter { $0.value.until.map { $0 > now } ?? true }
            .map { PauseFormatter.line($0.key, detail: $0.value.detail, until: $0.value.until, now: now) }.sorted()
    }

    /// How long the rest takes; nil while that would be nonsense: too little was seen, or nothing is submitted now.
    func remaining(at now: Instant) -> ClosedRange<Duration>? {
        let isHeldUp = pauses.contains { reason, pause in
            if case .concurrencyLimit = reason { return false }
            return pause.until.map { $0 > now } ?? true
        }
        guard !isHeldUp, inFlightCount > 0 else { return nil }
        let ages = inFlight.values.map { now - $0.since }
        return forecast.range(waiting: waiting, ages: ages, slots: inFlightCount)
    }

    /// Clips a minute since this run began; nil while that would be nonsense.
    func rate(at now: Instant) -> Double? {
        guard let beganAt, completedHere >= 3, now - beganAt >= Self.leastElapsed else { return nil }
        return Double(completedHere) / (now - beganAt).inSeconds * 60
    }
}
