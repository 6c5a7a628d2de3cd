import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// SIGKILL at chosen moments of a run, then the same command again.
    struct KillTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let models = TestEnvironment.repository + "/jobs/models.jsonl"
        private static let clips = 40

        enum Moment: String, CaseIterable, CustomTestStringConvertible {
            case atOnce
            case whenTheStoreIsOpen
            case withASubmitInFlight
            case afterTheThirdAcceptance
            case whileRendering
            case whileDownloading
            case whenHalfIsSaved

            var testDescription: String { rawValue }

            var mayPrecedeTheProof: Bool {
                switch self {
                case .atOnce, .whenTheStoreIsOpen: true
                case .withASubmitInFlight, .afterTheThirdAcceptance, .whileRendering, .whileDownloading,
                    .whenHalfIsSaved:
                    false
                }
            }

            func wait(_ run: Child, _ simulator: Simulator, _ test: TestEnvironment) throws {
                switch self {
                case .atOnce: break
                case .whenTheStoreIsOpen: try run.wait(for: "the start") { $0.count("started") == 1 }
                case .withASubmitInFlight:
                    try run.wait(for: "a submit") {
                        $0.count("submitted") > 5 && $0.count("submitted") > $0.count("accepted")
                    }
                case .afterTheThirdAcceptance:
                    try eventually("the third acceptance") { try simulator.bill().accepted >= 3 }
                case .whileRendering:
                    try run.wait(for: "renders") { $0.count("running") >= 5 && $0.count("completed") >= 1 }
                case .whileDownloading:
                    try eventually("a download") {
                        test.files(below: test.renders).contains { $0.hasSuffix(".part") }
                    }
                case .whenHalfIsSaved: try run.wait(for: "twenty clips") { $0.count("saved") >= clips / 2 }
                }
            }
        }

        @Test(arguments: Moment.allCases) func `a run that is killed goes on where it was, and pays nothing twice`(
            _ moment: Moment
        ) throws {
            let padding = moment == .whileDownloading ? 4_000_000 : 100_000
            let simulator = try Simulator(test, speed: 1000, ["--padding", "\(padding)"])
            let run = try test.startRun([Self.models], at: simulator, ["--concurrency", "10"])
            try moment.wait(run, simulator, test)
            try run.killNow()
            var again = try test.finishRun([Self.models], at: simulator, ["--concurrency", "10"])
            if moment.mayPrecedeTheProof, again.code == 6 {
                // The very first submit was in flight, before it was known whether keys are honoured: the one task
                // that a crash may leave uncertain. The others went on, and now it is known.
                #expect(try test.status("uncertain") == 1)
                again = try test.finishRun([Self.models], at: simulator, ["--concurrency", "10"])
            }
            #expect(again.code == 0, "\(again.err)")
            try test.expectAllPaidOnce(simulator, tasks: Self.clips)
        }

        @Test func `a run that is done submits nothing when it is run again`() throws {
            let simulator = try Simulator(test, speed: 1000)
            for _ in 1...2 {
                #expect(try test.finishRun([Self.models], at: simulator, ["--concurrency", "20"]).code == 0)
                #expect(try simulator.bill().submits == Self.clips)
            }
            try test.expectAllPaidOnce(simulator, tasks: Self.clips)
        }

        @Test func `a submit that arrives after its runner has died is found and not sent again`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let tasks = 300
            let manifest = try test.manifest(clips: tasks)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "\(tasks)"])
            try run.wait(for: "the proof that keys are honoured") { $0.count("accepted") >= 3 }
            // From here on the simulator's kernel takes requests, and nobody reads them.
            // Far more wait than it can take before it stands.
            try simulator.child.halt()
            try run.wait(for: "a submit without an answer") { $0.count("submitted") > $0.count("accepted") }
            try eventually("its intent to be durable") {
                try StoreFile(test.store).number("SELECT count(*) FROM attempt WHERE task_id IS NULL") > 0
            }
            try run.killNow()
            try simulator.child.goOn()
            let again = try test.finishRun([manifest], at: simulator, ["--concurrency", "50"])
            #expect(again.code == 0, "\(again.err)")
            try test.expectAllPaidOnce(simulator, tasks: tasks)
        }

        @Test func `a runner that is stopped for a while catches up`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = try test.manifest(clips: 30)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "5"])
            for count in [3, 12, 21] {
                try run.wait(for: "\(count) completed") { $0.count("completed") >= count }
                try run.halt()
                try eventually("the provider to be done with what it has") { try simulator.inFlight() == 0 }
                try run.goOn()
            }
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 30)
        }
    }
}
