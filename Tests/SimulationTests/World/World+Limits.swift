import DailiesCore

@testable import DailiesStore
@testable import ProviderSimulator

/// What the user turns while a run goes on: limits, the pace, pauses. And the promises about them.
extension World {
    /// Drawn for a scenario whose user does such things, once in a while.
    func turnsKnob() -> Bool { scenario.turnsKnobs && !isCalm && knobs.happens(0.01) }

    func turnKnob(of life: ProcessLifetime) throws {
        let scopes: [PauseScope] = [.everything, .batch(batchIDs[0]), .model(Scenario.firstModel)]
        let scope = scopes[knobs.number(0...2)]
        switch knobs.number(0...3) {
        case 0:
            let limit = knobs.number(1...4)
            raise(Scenario.firstModel, to: limit)
            note("at most \(limit) of \(Scenario.firstModel)")
            life.runner.setLimits { $0.byModel[Scenario.firstModel] = limit }
        case 1:
            keepsPace = false
            let interval = knobs.milliseconds(1...5000)
            note("a submit in \(interval)")
            life.runner.setLimits { $0.pace = SubmitRate(interval: interval) }
        case 2:
            note("pause \(scope)")
            held.insert(scope)
            life.runner.pause(scope)
        default:
            note("unpause \(scope)")
            held.remove(scope)
            life.runner.unpause(scope)
        }
        try runRunner()
    }

    /// A user who paused something and sees no progress resumes it.
    func letGo(of life: ProcessLifetime) throws -> Bool {
        guard !held.isEmpty else { return false }
        note("unpause all")
        for scope in held { life.runner.unpause(scope) }
        held = []
        try runRunner()
        return true
    }

    /// A run begins: what holds is what its settings say.
    func drawKnobs() {
        held = []
        keepsPace = true
        modelCeilings = settings.modelConcurrency
    }

    func raise(_ model: ModelID, to limit: Int) {
        if let known = modelCeilings[model] { modelCeilings[model] = max(known, limit) }
    }

    // MARK: Promises

    /// Intents of one run lie at least the pace's interval apart. The store rounds down to milliseconds.
    func checkPace(_ attempts: [InvariantChecker.Attempt]) throws {
        guard keepsPace, let pace = settings.submitPace else { return }
        let intents = attempts.filter { runsOfIntents[$0.key] == coverage.runs }.map(\.submittedAt).sorted()
        for (earlier, later) in zip(intents, intents.dropFirst()) {
            guard later - earlier > pace.interval - .milliseconds(1) else {
                throw Violation("two submits \(later - earlier) apart, with a pace of \(pace.interval)")
            }
        }
    }

    /// With a submit of a model, no more of it are in flight than the user ever allowed in this run. What an earlier run
    /// with a higher limit left in flight of other models may be more: nothing recalls it.
    func checkLimit(of model: ModelID, _ counted: [SimulatedTask]) throws {
        guard let limit = modelCeilings[model] else { return }
        let flying = counted.count { $0.model == model.text }
        guard flying <= limit else { throw Violation("\(flying) of \(model) in flight, \(limit) allowed") }
    }
}
