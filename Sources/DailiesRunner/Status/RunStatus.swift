import DailiesCore
import DailiesStore

/// The state of a run at one time: what its batches had when it began, and what has happened since.
package struct RunStatus: Sendable {
    /// A task at the provider.
    package struct InFlight: Sendable {
        package let model: String?
        package let since: Instant
        package fileprivate(set) var isRunning: Bool
    }

    /// Why nothing is submitted.
    package struct Pause: Sendable {
        package let detail: String
        package let until: Instant?
    }

    private static let maximumFailures = 3
    /// A younger run shows no rate.
    private static let minimumElapsed = Duration.seconds(10)

    package private(set) var batches = BatchNames()
    package private(set) var total = 0
    package private(set) var concurrency = 1
    package private(set) var budget: Credits?
    package private(set) var completed = 0
    package private(set) var failed = 0
    package private(set) var cancelled = 0
    package private(set) var saved = 0
    package private(set) var uncertain: Set<TaskName> = []
    /// Credits settled and reserved for these batches, over all runs.
    package private(set) var charged = CreditTotal.zero
    package private(set) var reserved = CreditTotal.zero
    /// Tasks at the provider, including those of earlier runs once an event names them.
    package private(set) var inFlight: [TaskName: InFlight] = [:]
    /// Descriptions of the last failures, newest last.
    package private(set) var failures: [String] = []
    package private(set) var pauses: [PauseReason: Pause] = [:]
    private var forecast = ETAEstimator()
    private var models: [TaskName: String] = [:]
    /// At the provider when the run began; their keys are not known before an event names them.
    private var foundInFlight = 0
    private var startedAt: Instant?
    /// Tasks that this run completed.
    private var completedInRun = 0

    /// The state of no batches.
    package init() {}

    /// - Parameters:
    ///   - counts: of the run's batches when it begins.
    ///   - budget: nil if the batch has no budget or there are several batches.
    package init(of batches: BatchNames, _ counts: StatusCounts, concurrency: Int, budget: Credits?) {
        self.batches = batches
        self.concurrency = concurrency
        self.budget = budget
        total = counts.states.values.reduce(0, +)
        completed = counts.states[.completed, default: 0]
        failed = counts.states[.failed, default: 0]
        cancelled = counts.states[.cancelled, default: 0]
        saved = counts.saved
        foundInFlight = counts.inFlight
        charged = counts.settled
        reserved = counts.reserved
    }

    /// Tasks that have ended.
    package var finished: Int { completed + failed + cancelled }
    package var inFlightCount: Int { inFlight.count + foundInFlight }
    package var waiting: Int { max(total - finished - inFlightCount - uncertain.count, 0) }

    /// Applies an event of the run.
    package mutating func apply(_ event: RunEvent, at instant: Instant) {
        startedAt = startedAt ?? instant
        // A run polls tasks of other batches too, which are not in its counts.
        guard event.task.map({ batches.own.contains($0.batch) }) ?? true else { return }
        switch event {
        case .submitted(let key, let model): models[key] = model.text
        case .accepted(let key, _, _):
            inFlight[key] = InFlight(model: models[key], since: instant, isRunning: false)
            uncertain.remove(key)
            endPauses()
        case .running(let key): inFlight[key]?.isRunning = true
        case .completed(let key, let charged):
            completed += 1
            completedInRun += 1
            if let flight = inFlight[key] { forecast.learn(instant - flight.since) }
            end(key, charged)
        case .failed(let key, let code, let message, let charged):
            failed += 1
            failures = (failures + ["\(batches.text(key)): \(code ?? "no code"): \(message ?? "")"]).suffix(
                Self.maximumFailures)
            end(key, charged)
        case .cancelled(let key, let charged):
            cancelled += 1
            end(key, charged)
        case .waitsAgain(let key, _, let charged): end(key, charged)
        case .withdrawn: cancelled += 1
        case .retried: requeue()
        case .saved: saved = min(saved + 1, completed)
        case .uncertain(let key, _): uncertain.insert(key)
        case .paused(let reason, let detail, let until): pauses[reason] = Pause(detail: detail, until: until)
        case .resumed: endPauses(includingUser: true)
        case .downloadFailed, .lost, .unresolved, .warning: break
        }
    }

    /// A task that had ended waits again. The event does not include its previous state: probably failed or cancelled, or
    /// completed if none of these are left.
    private mutating func requeue() {
        if failed > 0 {
            failed -= 1
        } else if cancelled > 0 {
            cancelled -= 1
        } else if completed > 0 {
            completed -= 1
            saved = min(saved, completed)
        }
    }

    private mutating func end(_ key: TaskName, _ charged: Credits?) {
        if inFlight.removeValue(forKey: key) == nil, models[key] == nil, foundInFlight > 0 { foundInFlight -= 1 }
        models[key] = nil
        uncertain.remove(key)
        if let charged { self.charged += CreditTotal(charged) }
    }

    /// Removes the pauses that end when submission resumes.
    private mutating func endPauses(includingUser: Bool = false) {
        pauses = pauses.filter { reason, _ in
            switch reason {
            case .outage, .rateLimit, .noFunds, .uncertainTasks, .unsavedClips, .canary, .modelUnavailable: false
            case .user: !includingUser
            case .concurrencyLimit, .modelForbidden, .budget, .policyRejections: true
            }
        }
    }

    /// Replaces the amounts with the run's exact sums, because events do not include costs that arrive late.
    mutating func update(settled: CreditTotal, reserved: CreditTotal) {
        charged = settled
        self.reserved = reserved
    }

    /// The estimated remaining time; nil if there is too little data or submission is paused.
    package func remaining(at now: Instant) -> ClosedRange<Duration>? {
        let isPaused = pauses.contains { reason, pause in
            if case .concurrencyLimit = reason { return false }
            return pause.until.map { $0 > now } ?? true
        }
        guard !isPaused, inFlightCount > 0 else { return nil }
        let ages = inFlight.values.map { now - $0.since }
        return forecast.range(waiting: waiting, ages: ages, slots: inFlightCount)
    }

    /// Completed clips per minute since this run started; nil if there is too little data.
    package func rate(at now: Instant) -> Double? {
        guard let startedAt, completedInRun >= 3, now - startedAt >= Self.minimumElapsed else { return nil }
        return Double(completedInRun) / (now - startedAt).inSeconds * 60
    }
}

extension RunEvent {
    /// The task of an event; nil for events of the whole run.
    fileprivate var task: TaskName? {
        switch self {
        case .submitted(let task, _), .accepted(let task, _, _), .running(let task), .completed(let task, _),
            .failed(let task, _, _, _), .cancelled(let task, _), .waitsAgain(let task, _, _), .withdrawn(let task),
            .retried(let task), .saved(let task, _), .downloadFailed(let task, _), .uncertain(let task, _),
            .lost(let task), .unresolved(let task):
            task
        case .paused, .resumed, .warning: nil
        }
    }
}
