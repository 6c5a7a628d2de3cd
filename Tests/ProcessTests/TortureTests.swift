import DailiesCore
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// SIGKILL at random moments, over a provider that does everything wrong now and then.
    ///
    /// `DAILIES_KILLS` (default 12) is how many, `DAILIES_TASKS` (default 60) how large a batch, `DAILIES_SEED` what the
    /// moments are drawn from. The long run of the README: `DAILIES_KILLS=200 DAILIES_TASKS=300`.
    struct TortureTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let variables = ProcessInfo.processInfo.environment
        private static let kills = variables["DAILIES_KILLS"].flatMap { Int($0) } ?? 12
        private static let clips = variables["DAILIES_TASKS"].flatMap { Int($0) } ?? 60

        /// Each for one request or task in twenty. Left out is what no client can mend: renders that fail, absurd bills, costs
        /// and addresses that never come; replies delayed by seconds of real time; and clips that change, of which a kill may
        /// leave two.
        private static let faults = [
            "refuse", "dropReply", "duplicateDelivery", "serverErrorBefore", "serverErrorAfter", "bareServerErrorAfter",
            "truncateReply", "htmlReply", "dripReply", "numbersAsStrings", "throttle", "bareThrottle", "throttleQuery",
            "goBackwards", "unknownState", "forget", "lateURL", "lateCost", "expireURL", "cutDownload",
            "noLength", "ignoredRange", "wrongRange", "gatewayPage4xx", "absurdNumbers",
            "startAtOnce", "unlistedSubmitState", "wrongTaskByKey",
        ]
        /// What a guard cancels is begun again, so that these come up more often than once for each clip.
        private static let guardFaults = [
            "quoteAbovePrice", "billAboveQuote", "zeroEstimate", "rendersBeforeCancel", "silentCancelCost",
        ]

        @Test func `whatever kills it and whatever the provider does, nothing is lost and nothing is paid twice`()
            throws
        {
            let seed = Self.variables["DAILIES_SEED"].flatMap { UInt64($0) } ?? UInt64(Date().timeIntervalSince1970)
            print("DAILIES_SEED=\(seed) DAILIES_KILLS=\(Self.kills) DAILIES_TASKS=\(Self.clips)")
            var chance = SplitMix64(seed: seed)
            // A submit that is answered with another's task is settled by the next run, five in each.
            let faults =
                (Self.faults.map { "\($0)=0.05" } + Self.guardFaults.map { "\($0)=0.03" } + ["sameTaskID=0.01"])
                .joined(separator: ",")
            let simulator = try Simulator(
                test, speed: 200, ["--seed", "\(seed)", "--padding", "50000", "--fault", faults])
            var manifests = [try manifest(1)]
            try proveKeys(simulator, manifests)

            var killed = 0
            while killed < Self.kills {
                let run = try start(manifests, simulator)
                let life = Double.random(in: 0.02...0.9, using: &chance)
                switch run.ending(within: life) {
                case nil:
                    try run.killNow()
                    killed += 1
                case .exited(0):
                    // All done before all kills: more work.
                    manifests.append(try manifest(manifests.count + 1))
                case .exited(let code) where [5, 6, 9].contains(code): break
                case .some(let ending): Issue.record("seed \(seed): it ended with \(ending):\n\(run.written.errText)")
                }
            }
            try finish(manifests, simulator, seed)
            try test.expectAllPaidOnce(simulator, tasks: manifests.count * Self.clips, areGuarded: true)
        }

        private func manifest(_ number: Int) throws -> String {
            try test.manifest("torture-\(number).jsonl", clips: Self.clips, model: "seedance-fast", seconds: 3)
        }

        private func start(_ manifests: [String], _ simulator: Simulator, _ more: [String] = []) throws -> Child {
            try test.startRun(manifests, at: simulator, ["--concurrency", "8", "--max-wait", "24h"] + more)
        }

        /// Lets the first submits pass, so that it is known that keys are honoured. Before that a forgotten task, or one
        /// whose submit never arrived, is uncertain until a person has looked, as it must be.
        private func proveKeys(_ simulator: Simulator, _ manifests: [String]) throws {
            try simulator.control(#"{"faults": false}"#)
            let run = try start(manifests, simulator)
            // The second submit waits for the proof.
            try run.wait(for: "the proof that keys are honoured") { $0.count("accepted") >= 2 }
            try run.killNow()
            try simulator.control(#"{"faults": true}"#)
        }

        /// Runs until all is done. The next run continues what a run gives up.
        private func finish(_ manifests: [String], _ simulator: Simulator, _ seed: UInt64) throws {
            var codes: [Child.Ending] = []
            repeat {
                let run = try start(manifests, simulator, ["--accept-quote"])
                codes.append(try run.ended())
            } while codes.last != .exited(0) && codes.count < 5
            #expect(codes.last == .exited(0), "seed \(seed): ended with \(codes)")
        }
    }
}
