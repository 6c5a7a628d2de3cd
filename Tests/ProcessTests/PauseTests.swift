import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Refusals for a moment: the run waits, and no task fails.
    struct PauseTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test func `an empty wallet pauses submission until it is filled`() throws {
            let simulator = try Simulator(test, speed: 500, ["--balance", "0.25"])
            try simulator.control(#"{"model_slots": 0}"#)
            let run = try test.startRun([try test.manifest(clips: 12)], at: simulator)
            try run.wait(for: "the pause") { $0.outText.contains("out of credits") }
            #expect(try simulator.bill().accepted == 3)
            try simulator.control(#"{"top_up": 10, "model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("failed") == 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test func `a smaller account than --concurrency says is found out`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--account-concurrency", "3"])
            // Nothing is rendered until it is found out, however slow this machine is.
            try simulator.control(#"{"model_slots": 0}"#)
            let run = try test.startRun([try test.manifest(clips: 20)], at: simulator, ["--concurrency", "10"])
            try run.wait(for: "the smaller limit") { $0.outText.contains("the limit is now 3 in flight") }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("failed") == 0)
            #expect(try simulator.bill().maximumInFlight == 3)
            try test.expectAllPaidOnce(simulator, tasks: 20)
        }

        @Test(arguments: ["throttle", "bareThrottle", "throttleQuery", "refuse"])
        func `a throttled run takes longer and loses nothing`(_ fault: String) throws {
            // A reply asks for whole seconds, whatever the speed: many of them fit into the poll window here.
            let simulator = try Simulator(test, speed: 200, ["--fault", "\(fault)=0.3"])
            let manifest = try test.manifest(clips: 10)
            let run = try test.startRun([manifest], at: simulator, ["--max-wait", "24h"])
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("failed") == 0)
            try test.expectAllPaidOnce(simulator, tasks: 10)
        }
    }
}
