import DailiesCore

/// What a run's events add up to, for whoever draws it.
struct RunProgress: Sendable {
    /// A task that the provider has, as this run saw it.
    struct InFlight: Sendable {
        let model: String?
        let since: Instant
        var isRunning: Bool
    }

    /// Finished tasks whose durations the forecast is made from: the last ones.
    private static let sampleLimit = 200
    /// Fewer samples give no forecast.
    private static let leastSamples = 3
    private static let failuresKept = 3

    private(set) var names: [String] = []
    private(set) var total = 0
    private(set) var concurrency = 1
    private(set) var budget: Credits?
    private(set) var finished = 0
    private(set) var failed = 0
    private(set) var saved = 0
    private(set) var uncertain = 0
    private(set) var charged = CreditTotal.zero
    /// Tasks at the provider, those of earlier runs included once they are heard of.
    private(set) var inFlight: [TaskKey: InFlight] = [:]
    /// The last failures in words, newest last.
    private(set) var failures: [String] = []
    /// What is waited for, in words.
    private(set) var pause: String?
    private var models: [TaskKey: String] = [:]
    private var durations: [Duration] = []
    /// At the provider when the run began; their keys are not known until something happens to them.
    private var foundInFlight = 0

    init() {}

    init(_ overview: RunOverview) {
        names = overview.batches
        total = overview.total
        concurrency = overview.concurrency
        finished = overview.total - overview.open
        saved = overview.saved
        foundInFlight = overview.inFlight
        charged = overview.charged
        budget = overview.budget
    }

    /// Tasks at the provider, as far as is known.
    var inFlightCount: Int { inFlight.count + foundInFlight }

    mutating func take(_ event: RunEvent, at instant: Instant) {
        switch event {
        case .submitted(let key, let model): models[key] = model.text
        case .accepted(let key, _, _):
            inFlight[key] = InFlight(model: models[key], since: instant, isRunning: false)
            pause = nil
        case .running(let key): inFlight[key]?.isRunning = true
        case .completed(let key, let charged):
            if let flight = inFlight[key] { sample(instant - flight.since) }
            end(key, charged)
        case .failed(let key, let code, let message, let charged):
            failed += 1
            failures = (failures + ["\(key): \(code ?? "no code"): \(message ?? "")"]).suffix(Self.failuresKept)
            end(key, charged)
        case .cancelled(let key, let charged): end(key, charged)
        case .withdrawn: finished += 1
        case .retried: finished -= 1
        case .saved: saved += 1
        case .uncertain: uncertain += 1
        case .paused(let reason, let detail, let until): pause = PauseWords.line(reason, detail: detail, until: until)
        case .resumed: pause = nil
        case .notSaved, .lost, .unresolved, .warning: break
        }
    }

    private mutating func end(_ key: TaskKey, _ charged: Credits?) {
        if inFlight.removeValue(forKey: key) == nil, models[key] == nil, foundInFlight > 0 { foundInFlight -= 1 }
        models[key] = nil
        finished += 1
        if let charged { self.charged += CreditTotal(charged) }
    }

    private mutating func sample(_ duration: Duration) {
        durations.append(duration)
        if durations.count > Self.sampleLimit { durations.removeFirst(durations.count - Self.sampleLimit) }
    }

    /// How long the rest will take, from the middle and the slow end of what has finished; nil while that would be
    /// nonsense.
    var forecast: ClosedRange<Duration>? {
        let rest = total - finished
        guard rest > 0, durations.count >= Self.leastSamples else { return nil }
        let sorted = durations.sorted()
        let rounds = (rest + concurrency - 1) / concurrency
        let middle = sorted[sorted.count / 2] * rounds
        let slow = sorted[min(sorted.count * 9 / 10, sorted.count - 1)] * rounds
        return middle...max(middle, slow)
    }
}
