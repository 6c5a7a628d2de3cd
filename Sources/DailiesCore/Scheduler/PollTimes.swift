/// Chooses the times of polls: by the documented cadence of a model, or by the durations of earlier clips.
struct PollTimes: Sendable {
    /// Tolerance for outdated times in replies and rounding to whole seconds.
    private static let timeGrain = Duration.seconds(1)
    /// Tolerance for rounding of the minimum interval.
    private static let planGrain = Duration.microseconds(10)
    /// The fraction of a reply's remaining-time estimate to wait is 1 / this. Half of a correct estimate is soon made
    /// up for; waiting for all of a wrong one would be lost time.
    private static let hintDivisor = 2
    /// Number of steps for drawing a random part of an interval.
    private static let drawnParts = 1000

    private let settings: SchedulerSettings
    private let catalog: ModelCatalog
    private var cadences: [ModelID: PollCadence] = [:]
    /// Durations for adaptive polling; nil: polls follow the documented cadence.
    private var durationHistory: DurationHistory?
    private var plans: [RequestShape: AdaptivePollSchedule] = [:]

    init(_ settings: SchedulerSettings, _ catalog: ModelCatalog) {
        self.settings = settings
        self.catalog = catalog
        if case .adaptive(let share) = settings.cadence { durationHistory = DurationHistory(share: share) }
    }

    /// Whether polls follow the durations of earlier clips.
    var learns: Bool { durationHistory != nil }

    /// The time of the next poll.
    ///
    /// - Parameter hint: the remaining time that the provider estimates.
    mutating func nextPoll(of attempt: ActiveAttempt, _ now: Instant, after hint: Duration?) -> Instant {
        if cadences[attempt.shape.model] == nil || (learns && plans[attempt.shape] == nil) {
            prepareCadence(for: attempt.shape)
        }
        if attempt.isUnresolved { return now + settings.unresolvedInterval }
        let documented = documentedCadence(of: attempt.shape.model)
        let elapsed = now - attempt.sentAt
        // An absurd estimate does not extend beyond the documented window.
        let hinted = elapsed + min(hint.map { $0 / Self.hintDivisor } ?? .zero, documented.window)
        guard let plan = plans[attempt.shape] else {
            return attempt.sentAt + documented.nextPoll(after: hinted, afterwards: settings.lateInterval)
        }
        // Polls of a plan are a second apart or more; one that was sent late must not bring the next one closer.
        let minimumInterval = AdaptivePollSchedule.minimumInterval.divided(bySpeed: settings.speed) - Self.planGrain
        let from = max(hinted, attempt.queriedAt.map { $0 + minimumInterval - attempt.sentAt } ?? .zero)
        if let planned = plan.next(after: from.multiplied(by: settings.speed)) {
            return attempt.sentAt + planned.divided(bySpeed: settings.speed)
        }
        return attempt.sentAt + documented.nextPoll(after: from, afterwards: settings.lateInterval)
    }

    /// Whether it is older than its cadence's window.
    func isPastCadence(_ attempt: ActiveAttempt, _ now: Instant) -> Bool {
        now - attempt.sentAt >= documentedCadence(of: attempt.shape.model).window
    }

    /// Whether it is older than the poll window: its slot is released, and it is polled every minute.
    func isPastWindow(_ attempt: ActiveAttempt, _ now: Instant) -> Bool {
        if settings.servesCommandsOnly { return false }
        let hour = Duration.seconds(3600).divided(bySpeed: settings.speed)
        let window = settings.pollWindow ?? max(hour, documentedCadence(of: attempt.shape.model).window * 4)
        return now - attempt.sentAt >= window
    }

    /// A model's documented cadence at this run's speed.
    private func documentedCadence(of model: ModelID) -> PollCadence {
        cadences[model] ?? (catalog[model]?.cadence ?? .fallback).divided(bySpeed: settings.speed)
    }

    /// Caches the cadence and the plan for a kind of clip.
    private mutating func prepareCadence(for shape: RequestShape) {
        if cadences[shape.model] == nil { cadences[shape.model] = documentedCadence(of: shape.model) }
        guard durationHistory != nil else { return }
        let documented = catalog[shape.model]?.cadence ?? .fallback
        let afterwards = settings.lateInterval.multiplied(by: settings.speed)
        plans[shape] = durationHistory?.plan(for: shape, documented: documented, afterwards: afterwards)
    }

    /// Learns the store's durations. One that ends with the poll that detected the clip is too long by a part of an
    /// interval, which is drawn uniformly: a plan would take many equal durations for real ones.
    mutating func learn(_ seen: [ObservedDuration], using random: inout SplitMix64) {
        guard durationHistory != nil else { return }
        for one in seen {
            let cadence = catalog[one.shape.model]?.cadence ?? .fallback
            var duration = one.duration.multiplied(by: settings.speed)
            if one.isDetected {
                // It was not polled for that long, so the duration says nothing about the clip.
                if duration > cadence.window { continue }
                let before = duration - .milliseconds(1)
                let next = cadence.nextPoll(after: before, afterwards: .seconds(10))
                let interval = cadence.nextPoll(after: next, afterwards: .seconds(10)) - next
                let parts = Int.random(in: 0...Self.drawnParts, using: &random)
                duration = max(duration - interval * parts / Self.drawnParts, duration / 2)
            }
            durationHistory?.learn(duration, for: one.shape)
        }
    }

    /// Learns the duration of a clip that completed between its last poll and now. The provider's times are used if
    /// they are more precise.
    mutating func learn(_ report: RemoteTask, of attempt: ActiveAttempt, _ now: Instant) {
        guard durationHistory != nil, !attempt.isReplayed, let last = attempt.lastAliveAt else { return }
        let uncertain = now - last
        var lag = uncertain / 2
        if uncertain > Self.timeGrain * 2, let completed = report.completedAt, let replied = report.repliedAt {
            lag = min(max(replied - completed, .zero), uncertain)
        }
        durationHistory?.learn((now - lag - attempt.sentAt).multiplied(by: settings.speed), for: attempt.shape)
        prepareCadence(for: attempt.shape)
    }
}

extension Duration {
    /// This duration on a clock that runs `factor` times as fast.
    func multiplied(by factor: Double) -> Duration {
        factor == 1 ? self : .nanoseconds(rounding: Double(nanoseconds) * factor)
    }
}
