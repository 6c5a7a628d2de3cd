import DailiesCore
import ProviderSimulator
import ProviderWire

@testable import ProviderSimulator

/// The control: the script that everybody writes first. It submits, tries again on an error, writes the task id down, and
/// after a crash submits whatever has no task id. The same seeds, provider, faults, crashes and promises: were it not
/// caught, the harness could not see.
struct NaiveRunner {
    private enum Note {
        case sent(String)
        case ended(Credits?)
    }

    private static let tries = 4
    private static let maximumPolls = 400

    private let scenario: Scenario
    private var chance: TestRandom
    private var machine: SimulatedProvider
    private var now = Scenario.start
    /// What it wrote down: survives a crash.
    private var notes: [TaskKey: Note] = [:]
    private var crashesLeft: Int

    init(_ scenario: Scenario) {
        self.scenario = scenario
        chance = TestRandom(seed: scenario.seed)
        machine = SimulatedProvider(configuration: scenario.simulator, catalog: scenario.catalog)
        crashesLeft = scenario.crashes.count
    }

    private struct PlugPulled: Error {}

    private var tasks: [(key: TaskKey, spec: TaskSpec)] {
        scenario.batches.flatMap { batch in
            batch.tasks.map { (TaskKey("\(batch.name)/\($0.key)"), $0) }
        }
    }

    /// Lives the seed: until everything has ended, or often enough.
    mutating func live() -> [String] {
        for _ in 0..<20 {
            do {
                for task in tasks { try render(task.key, task.spec) }
                if tasks.allSatisfy({ isEnded($0.key) }) { break }
            } catch {
                // It starts again, from what it wrote down.
            }
            now = now + .seconds(60)
        }
        machine.advance(to: now + .seconds(86_400))
        return findings()
    }

    private func isEnded(_ key: TaskKey) -> Bool { if case .ended = notes[key] { true } else { false } }

    private mutating func render(_ key: TaskKey, _ spec: TaskSpec) throws {
        if case .ended = notes[key] { return }
        if notes[key] == nil {
            guard let id = try submit(key, spec) else { return }
            notes[key] = .sent(id)
        }
        guard case .sent(let id) = notes[key] else { return }
        for _ in 0..<Self.maximumPolls {
            now = now + .seconds(5)
            try maybeCrash(0.002)
            guard case .found(let report) = query(id) else { continue }
            switch report.phase {
            case .completed, .failed, .cancelled:
                notes[key] = .ended(report.charges.first?.credits)
                return
            case .queued, .running, .unknown: continue
            }
        }
    }

    private mutating func submit(_ key: TaskKey, _ spec: TaskSpec) throws -> String? {
        for _ in 0..<Self.tries {
            now = now + .seconds(1)
            let request = SimulatedRequest(
                method: "POST", path: Endpoint.submit, headers: [HeaderName.apiKey: "the-one-key"],
                body: Array(spec.request.text.utf8))
            let landing = send(request)
            try maybeCrash(0.05)
            switch landing.outcome(.flat) {
            case .accepted(let report): if let id = report.remoteID { return id.text }
            case .refused:
                notes[key] = .ended(.zero)
                return nil
            case .notAccepted, .throttled, .stopped, .unknown: continue
            }
        }
        return nil
    }

    private mutating func query(_ id: String) -> QueryResult {
        send(
            SimulatedRequest(
                method: "GET", path: Endpoint.query(RemoteTaskID(id)),
                headers: [HeaderName.apiKey: "the-one-key"])
        ).answer
    }

    private mutating func send(_ request: SimulatedRequest) -> Landing {
        if chance.happens(scenario.unreachable) { return Landing(nil, isRefused: true) }
        let response = machine.handle(request, at: now)
        if chance.happens(scenario.timedOut) {
            return .nothing(ProviderError(kind: .timedOut, message: "no answer within 60 s"), wasSent: true)
        }
        return Landing(response, isRefused: chance.happens(0.6))
    }

    private mutating func maybeCrash(_ probability: Double) throws {
        guard crashesLeft > 0, chance.happens(probability) else { return }
        crashesLeft -= 1
        throw PlugPulled()
    }

    // MARK: The same promises

    private func findings() -> [String] {
        var findings: [String] = []
        // Without keys a task is known by its content, which no two share.
        let renders = Dictionary(grouping: machine.tasks, by: \.content).values
        let twice = renders.count { takes in takes.count > 1 }
        if twice > 0 { findings.append("\(twice) tasks were rendered more than once") }
        var booked = CreditTotal.zero
        for note in notes.values {
            if case .ended(let credits?) = note { booked = booked + credits }
        }
        let unstated = machine.tasks.filter { $0.repliesWithoutCost == .max }.map(\.id)
        let billed = machine.bill.charges.filter { !unstated.contains($0.taskID) }
            .reduce(CreditTotal.zero) { $0 + $1.credits }
        if booked != billed { findings.append("\(booked) are booked, \(billed) were billed") }
        return findings
    }
}
