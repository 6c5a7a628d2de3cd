import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Clocks that jump under a run: the wall's by days, and the boot clock's as in a suspend, in which Dispatch's own
    /// time stands still. The provider's clock and the network go on.
    struct ClockTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let day = Int64(86_400)

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `a wall clock that jumps by days neither stalls nor hurries the polls`() throws {
            let times = try polls { move in
                for jump in [Self.day, -2 * Self.day, 400 * Self.day, 0] {
                    try move(jump, 0)
                    poll(nil, 0, 300)
                }
            }
            // This model's task is asked for every second at first: 100 ms at speed 10.
            let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
            #expect(gaps.allSatisfy { $0 > 60 }, "hurried: \(gaps)")
            #expect(gaps.allSatisfy { $0 < 2000 }, "stalled: \(gaps)")
        }

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `after a suspend each task is asked for once and then at its moments again`() throws {
            var timerFired = 0.0
            let times = try polls { move in
                poll(nil, 0, 400)
                timerFired = Date().timeIntervalSince1970 * 1000
                // Thirty seconds here are five minutes of the cadence.
                try move(0, 30)
                poll(nil, 0, 2500)
            }
            let after = times.filter { $0 > timerFired }
            try #require(!after.isEmpty, "it slept on: \(times)")
            #expect(after[0] - timerFired < 2000)
            let gaps = zip(after.dropFirst(), after).map { $0 - $1 }
            // Past its window every 10 s: one second here. The first gap is from the poll at waking to the next moment.
            #expect(!gaps.isEmpty && gaps.dropFirst().allSatisfy { $0 > 800 }, "a burst: \(gaps)")
        }

        /// Arrival times of the polls of one task that does not end, while its clocks are moved.
        private func polls(_ body: (_ move: (_ wall: Int64, _ boot: Int64) throws -> Void) throws -> Void) throws
            -> [Double]
        {
            let clocks = test.path("clocks")
            try Data(count: 16).write(to: URL(fileURLWithPath: clocks))
            let simulator = try Simulator(test, speed: 10)
            try simulator.control(#"{"model_slots": 0}"#)
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.manifest(clips: 1)
            let run = try test.startRun(
                [manifest], at: proxy, ["--poll-window", "24h"],
                environment: FailpointLibrary.environment(["FAULT_CLOCKS": clocks]))
            try run.wait(for: "its task to be accepted") { $0.count("accepted") == 1 }
            try eventually("the first polls") { proxy.requests.count { $0.queriedTask != nil } >= 2 }
            try body { wall, boot in
                let file = try FileHandle(forWritingTo: URL(fileURLWithPath: clocks))
                try file.write(contentsOf: withUnsafeBytes(of: (wall, boot)) { Data($0) })
                try file.close()
            }
            let times = proxy.requests.filter { $0.queriedTask != nil }.map(\.at)
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 1)
            return times
        }
    }
}
