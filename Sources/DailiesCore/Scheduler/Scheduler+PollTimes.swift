/// When a task is asked for next.
extension Scheduler {
    /// What an outdated time in a reply, or rounding to whole seconds, may be off by.
    private static let timeGrain = Duration.seconds(1)
    /// What rounding may take from the least distance between polls.
    private static let planGrain = Duration.microseconds(10)
    /// Of an estimate in a reply, the part that is waited for: half of a right one is soon made up for, all of one that is
    /// too long would be lost.
    private static let hintDivisor = 2
    /// Into so many parts an interval is cut of which a random number is drawn.
    private static let drawnParts = 1000

    func nextPoll(of flight: ActiveAttempt, _ now: Instant, after hint: Duration? = nil) -> Instant {
        if flight.isUnresolved { return now + settings.unresolvedInterval }
        let documented = documentedCadence(of: flight.shape.model)
        let elapsed = now - flight.sentAt
        // A wild estimate leads no further than the documented window.
        let hinted = elapsed + min(hint.map { $0 / Self.hintDivisor } ?? .zero, documented.window)
        guard let plan = plans[flight.shape] else {
            return flight.sentAt + documented.nextPoll(after: hinted, afterwards: settings.lateInterval)
        }
        // A plan has its polls a second apart at least; one that was sent late must not bring the next one closer.
        let closest = AdaptivePollSchedule.closest.divided(bySpeed: settings.speed) - Self.planGrain
        let from = max(hinted, flight.askedAt.map { $0 + closest - flight.sentAt } ?? .zero)
        if let planned = plan.next(after: from.multiplied(by: settings.speed)) {
            return flight.sentAt + planned.divided(bySpeed: settings.speed)
        }
        return flight.sentAt + documented.nextPoll(after: from, afterwards: settings.lateInterval)
    }

    /// The documented cadence of a model at this run's speed.
    func documentedCadence(of model: ModelID) -> PollCadence {
        cadences[model] ?? (catalogue[model]?.cadence ?? .fallback).divided(bySpeed: settings.speed)
    }

    /// Keeps what a task's polls need at hand: its cadence, and the plan for its kind.
    mutating func prepareCadence(for shape: RequestShape) {
        if cadences[shape.model] == nil { cadences[shape.model] = documentedCadence(of: shape.model) }
        guard rhythms != nil else { return }
        let documented = catalogue[shape.model]?.cadence ?? .fallback
        let afterwards = settings.lateInterval.multiplied(by: settings.speed)
        plans[shape] = rhythms?.plan(for: shape, documented: documented, afterwards: afterwards)
    }

    /// What the store holds. A duration that ends with the poll that found the clip is too long by some part of an interval:
    /// drawn evenly, since a plan would take many equal durations for what clips really take.
    mutating func learn(_ seen: [ObservedDuration]) {
        guard rhythms != nil else { return }
        for one in seen {
            let cadence = catalogue[one.shape.model]?.cadence ?? .fallback
            var duration = one.duration.multiplied(by: settings.speed)
            if one.isDetected {
                // Nobody asked for so long: it says nothing of the clip.
                if duration > cadence.window { continue }
                let before = duration - .milliseconds(1)
                let next = cadence.nextPoll(after: before, afterwards: .seconds(10))
                let interval = cadence.nextPoll(after: next, afterwards: .seconds(10)) - next
                let parts = Int.random(in: 0...Self.drawnParts, using: &random)
                duration = max(duration - interval * parts / Self.drawnParts, duration / 2)
            }
            rhythms?.learn(duration, for: one.shape)
        }
    }

    /// A clip completed between its last poll and now. The provider's own times tell when, where they are finer than that.
    mutating func learnDuration(of flight: ActiveAttempt, _ report: RemoteTask, _ now: Instant) {
        guard rhythms != nil, !flight.isReplayed, let last = flight.lastAliveAt else { return }
        let uncertain = now - last
        var lag = uncertain / 2
        if uncertain > Self.timeGrain * 2, let completed = report.completedAt, let replied = report.repliedAt {
            lag = min(max(replied - completed, .zero), uncertain)
        }
        rhythms?.learn((now - lag - flight.sentAt).multiplied(by: settings.speed), for: flight.shape)
        prepareCadence(for: flight.shape)
    }
}

extension Duration {
    /// This duration on a clock that runs `factor` times as fast as ours.
    func multiplied(by factor: Double) -> Duration {
        factor == 1 ? self : .nanoseconds(rounding: Double(nanoseconds) * factor)
    }
}
