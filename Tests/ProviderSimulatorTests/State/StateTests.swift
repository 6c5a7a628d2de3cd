import DailiesCore
import Foundation
import Testing

@testable import ProviderSimulator

struct StateTests {
    private static func busy(_ configuration: inout SimulatorConfiguration) {
        configuration.latency = .catalog
        configuration.limits.modelSlots = 3
        configuration.money.deviation = -500...500
        configuration.money.balance = Credits(nano: 900_000_000_000)
        configuration.money.rateBucket = .init(limit: Credits(nano: 500_000_000_000), window: .seconds(3600))
        configuration.faults = FaultPlan([
            .dropReply: 0.1, .lateURL: 0.3, .goBackwards: 0.2, .failRender: 0.1, .forget: 0.1, .walletEmpty: 0.02,
            .sameTaskID: 0.1, .wrongTaskByKey: 0.1, .forgetKey: 0.2, .startAtOnce: 0.1, .unlistedSubmitState: 0.1,
            .gatewayPage4xx: 0.05,
        ])
        configuration.faults.keysForgottenAfter = .seconds(60)
    }

    /// One of a client's calls, chosen by the step number.
    private static func step(_ number: Int, _ harness: inout Harness) -> SimulatedResponse {
        harness.wait(.seconds(7))
        return switch number % 5 {
        case 0, 1: harness.submit(Harness.flat(prompt: "take \(number)", key: "k\(number)"))
        case 2: harness.query(harness.machine.tasks.last?.id ?? "none")
        case 3: harness.send("POST", "/v1/tasks/query", "{\"out_task_id\":\"k\(number / 3)\"}")
        default: harness.send("POST", "/v1/tasks/cancel", "{\"out_task_id\":\"k\(number - 3)\"}")
        }
    }

    @Test func `a journal keeps changes by controls`() throws {
        var harness = Harness()
        harness.machine.recordsChanges = true
        _ = harness.send("POST", "/simulator/control", "{\"balance\":7.5,\"outage\":true,\"fault\":{\"refuse\":0.125}}")
        var restored = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        for line in harness.machine.takeChanges() { try restored.replay(line) }
        #expect(restored.controls == harness.machine.controls)
        #expect(restored.configuration.faults[.refuse] == 0.125)
    }

    @Test(arguments: ["", "{}", "[1]", #"{"at_ns":1,"generator":1,"submits":1}"#, #"{"at_ns":1.5}"#])
    func `an invalid line is refused`(text: String) {
        var machine = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        #expect(throws: StateError.self) { try machine.replay(Array(text.utf8)) }
    }

    @Test func `a journal restores tasks, bill and queues after every step`() throws {
        var harness = Harness(Self.busy)
        harness.machine.recordsChanges = true
        var lines: [[UInt8]] = []
        for number in 0..<120 {
            _ = Self.step(number, &harness)
            if number == 60 { _ = harness.send("POST", "/simulator/control", "{\"model_slots\":5}") }
            lines += harness.machine.takeChanges()
            guard number % 12 == 11 else { continue }
            var other = SimulatedProvider(
                configuration: Harness.configuration(Self.busy), catalog: Harness.catalog)
            for line in lines { try other.replay(line) }
            other.advance(to: harness.now)
            #expect(other.tasks.map(\.phase) == harness.machine.tasks.map(\.phase))
            #expect(other.bill.charges == harness.machine.bill.charges)
            #expect(other.bill.rendersByKey == harness.machine.bill.rendersByKey)
            #expect(other.controls == harness.machine.controls)
            #expect(other.held == harness.machine.held)
            #expect(other.tasksInFlight == harness.machine.tasksInFlight)
            other.advance(to: harness.now + .seconds(10_000))
            var later = harness.machine
            later.advance(to: harness.now + .seconds(10_000))
            #expect(other.bill.total == later.bill.total)
        }
        #expect(lines.count > 50)
    }

    @Test func `a line truncated by a crash is removed, and complete lines stay`() throws {
        let path = NSTemporaryDirectory() + "simulator-\(UUID().uuidString)"
        defer { unlink(path) }
        var first = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        first.recordsChanges = true
        var journal: SimulatorJournal? = try SimulatorJournal(path: path, replayingOn: &first)
        for number in 0..<3 {
            _ = first.handle(
                SimulatedRequest(
                    method: "POST", path: "/v1/tasks/submit", headers: ["x-api-key": "k"],
                    body: Array(Harness.flat(prompt: "\(number)").utf8)), at: Harness.start)
            try journal?.append(first.takeChanges())
        }
        journal = nil
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try whole.dropLast(9).write(to: URL(fileURLWithPath: path))
        var second = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        journal = try SimulatorJournal(path: path, replayingOn: &second)
        #expect(second.tasks == Array(first.tasks.prefix(2)))
        #expect(throws: SimulatorJournal.Failure.self) {
            var third = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
            _ = try SimulatorJournal(path: path, replayingOn: &third)
        }
        journal = nil
    }

    @Test(arguments: ["something else\n", "SQLite format 3\u{0}\n\u{0}\u{1}\u{2}", "no line at all", "\n\n"])
    func `a file that is not a simulator state is not changed`(text: String) throws {
        let path = NSTemporaryDirectory() + "simulator-\(UUID().uuidString)"
        defer { unlink(path) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        var machine = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        let failure = #expect(throws: SimulatorJournal.Failure.self) {
            try SimulatorJournal(path: path, replayingOn: &machine)
        }
        #expect(failure?.description == "\(path) is not a simulator state file; use another file")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text.utf8))
    }

    @Test(arguments: [0, 1, 12, 23]) func `a state whose first line was truncated by a crash starts empty`(bytes: Int)
        throws
    {
        let path = NSTemporaryDirectory() + "simulator-\(UUID().uuidString)"
        defer { unlink(path) }
        let line = Data("{\"simulator_journal\":1}\n".utf8)
        try line.prefix(bytes).write(to: URL(fileURLWithPath: path))
        var machine = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
        _ = try SimulatorJournal(path: path, replayingOn: &machine)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == line)
    }
}
