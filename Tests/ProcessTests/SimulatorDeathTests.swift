import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The provider goes away, in the ways in which it can.
    struct SimulatorDeathTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let patience = ["--max-wait", "24h"]

        @Test func `a provider that is killed and comes back has its tasks finished, none failed, none paid twice`()
            throws
        {
            let state = ["--state", test.path("simulator.state")]
            var simulator = try Simulator(test, speed: 500, state)
            let manifest = try test.manifest(clips: 40)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "6"] + Self.patience)
            for count in [2, 10, 18, 26] {
                try eventually("\(count) accepted") { try simulator.bill().accepted >= count }
                try simulator.child.killNow()
                simulator = try Simulator(test, speed: 500, port: simulator.port, state)
            }
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 40)
        }

        @Test func `runner and provider die together and both come back`() throws {
            let state = ["--state", test.path("simulator.state")]
            var simulator = try Simulator(test, speed: 500, state)
            let manifest = try test.manifest(clips: 30)
            for count in [4, 14] {
                let run = try test.startRun([manifest], at: simulator, ["--concurrency", "6"] + Self.patience)
                try eventually("\(count) accepted") { try simulator.bill().accepted >= count }
                try simulator.child.killNow()
                try run.killNow()
                simulator = try Simulator(test, speed: 500, port: simulator.port, state)
            }
            let again = try test.finishRun([manifest], at: simulator, Self.patience)
            #expect(again.code == 0, "\(again.err)")
            try test.expectAllPaidOnce(simulator, tasks: 30)
        }

        @Test func `a provider that hangs for a while is waited for`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 30)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "15"] + Self.patience)
            for count in [5, 18] {
                try run.wait(for: "\(count) accepted") { $0.count("accepted") >= count }
                try simulator.child.halt()
                // With all places taken it asks for tasks in place of submits.
                try run.wait(for: "a request without an answer") {
                    $0.count("submitted") > $0.count("accepted") || $0.count("accepted") - $0.count("saved") >= 15
                }
                try simulator.child.goOn()
            }
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 30)
        }

        @Test func `an outage fails no task`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 30)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "6"] + Self.patience)
            for count in 1...2 {
                try run.wait(for: "acceptances") { $0.count("accepted") >= 10 * count }
                try simulator.control(#"{"outage": true}"#)
                try run.wait(for: "the pause") {
                    $0.lines.count { $0.hasPrefix(#"{"type":"paused""#) && $0.contains("is not responding") } >= count
                }
                try simulator.control(#"{"outage": false}"#)
                try run.wait(for: "the end of the pause") { $0.count("resumed") >= count }
            }
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("failed") == 0)
            try test.expectAllPaidOnce(simulator, tasks: 30)
        }
    }
}
