import Foundation
import ProviderSimulator
import Testing

/// The whole program under a seed: the real scheduler, runner and store on a real file, manual time, the simulator's
/// machine with a fault plan, and crashes after any effect.
///
///     swift test --filter SimulationTests                               300 seeds, from 1 on
///     DAILIES_SEED=123 swift test --filter SimulationTests              one seed, with everything that happened
///     DAILIES_SEEDS=10000 swift test --filter SimulationTests           the soak
///     DAILIES_HUNT_SECONDS=600 swift test --filter SimulationTests      new seeds, from the clock on
@Suite(.serialized)
struct SimulationTests {
    private static let defaultSeeds: UInt64 = 300

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(.enabled(if: number("DAILIES_SEED") == nil && number("DAILIES_HUNT_SECONDS") == nil))
    func `nothing is paid twice, lost or stuck, whatever fails and wherever the plug is pulled`() async {
        let count = max(Self.number("DAILIES_SEEDS") ?? Self.defaultSeeds, 1)
        let began = Date()
        let (coverage, findings) = await SeedSearch.run(from: 1) { begun in begun < count }
        print("\(coverage.text)\nsimulation: seeds 1 to \(count) in \(Int(Date().timeIntervalSince(began))) s")
        Self.report(findings)
        if findings.isEmpty, count >= Self.defaultSeeds { Self.expectNoSilence(coverage, seeds: count) }
    }

    @Test(.enabled(if: number("DAILIES_SEED") != nil))
    func `one seed is repeated, with all that happens in it`() {
        let (world, finding) = SeedSearch.live(Self.number("DAILIES_SEED") ?? 0, keepsTrace: true)
        print(finding?.text ?? world?.trace.text ?? "")
        print(world?.coverage.text ?? "the world could not be made")
        Self.report(finding.map { [$0] } ?? [])
    }

    @Test(.enabled(if: number("DAILIES_HUNT_SECONDS") != nil))
    func `new seeds are hunted through for as long as was asked`() async {
        let first = UInt64(Date().timeIntervalSince1970 * 1000)
        let end = Date(timeIntervalSinceNow: TimeInterval(Self.number("DAILIES_HUNT_SECONDS") ?? 0))
        print("simulation: hunting from seed \(first) on")
        let (coverage, findings) = await SeedSearch.run(from: first) { _ in Date() < end }
        print(coverage.text)
        Self.report(findings)
        #expect(coverage.seeds > 0)
    }

    @Test func `a seed lives the same life twice`() {
        for seed in UInt64(1)...12 {
            let (first, second) = (SeedSearch.live(seed), SeedSearch.live(seed))
            #expect(first.world?.trace.count == second.world?.trace.count, "seed \(seed)")
            #expect(first.world?.trace.digest == second.world?.trace.digest, "seed \(seed)")
            #expect((first.world?.trace.count ?? 0) > 20, "seed \(seed) tells nothing")
        }
    }

    @Test func `the script that everybody writes first is caught in most seeds`() {
        let seeds = Self.defaultSeeds
        var caught = 0
        for seed in 1...seeds {
            var naive = NaiveRunner(Scenario(seed: seed))
            if !naive.live().isEmpty { caught += 1 }
        }
        print(
            "simulation: the naive control breaks a promise in \(caught) of \(seeds) seeds (\(caught * 100 / Int(seeds)) %)"
        )
        #expect(caught * 2 > Int(seeds))
    }

    @Test(arguments: FormerBehavior.allCases)
    func `what the program did before it was mended is caught`(former: FormerBehavior) {
        let caught = (1...Self.defaultSeeds).first { SeedSearch.live($0, former: former).finding != nil }
        print("simulation: \(former) is caught by seed \(caught.map { "\($0)" } ?? "none")")
        #expect(caught != nil)
    }

    private static func report(_ findings: [SeedSearch.Finding]) {
        for finding in findings {
            print(finding.text)
            Issue.record("seed \(finding.seed): \(finding.reason)")
        }
    }

    /// A harness that exercises nothing finds nothing: every kind of crash and fault must have come up, in proportion.
    private static func expectNoSilence(_ coverage: Coverage, seeds: UInt64) {
        let share = Int(seeds / defaultSeeds)
        #expect(coverage.seeds == Int(seeds))
        for point in CrashPoint.allCases { #expect(coverage.crashes[point, default: 0] >= 15 * share, "\(point)") }
        for kind in FaultKind.allCases { #expect(coverage.faults[kind, default: 0] >= 10 * share, "\(kind)") }
        for kind in NetworkFault.allCases { #expect(coverage.network[kind, default: 0] >= 20 * share, "\(kind)") }
        #expect(coverage.submits >= 3000 * share)
        #expect(coverage.renders >= 2000 * share)
        #expect(coverage.clipsSaved >= 1500 * share)
        #expect(coverage.repeats >= 300 * share)
        #expect(coverage.checks >= coverage.commits)
        #expect(coverage.told >= 100 * share && coverage.carriedOut >= 20 * share)
        #expect(coverage.absurdHistories >= 10 * share && coverage.plays >= 30 * share)
        #expect(coverage.guarded >= 30 * share && coverage.intentsUnderCaps >= 500 * share)
        #expect(coverage.stoppedModels >= 10 * share)
        #expect(coverage.refusedEnrolments >= 20 * share && coverage.seedsReadBack >= 5 * share)
        #expect(coverage.unverified >= 20 * share && coverage.downloadsStopped >= 5 * share)
        #expect(coverage.obstacles >= 50 * share && coverage.scribbles >= 5 * share && coverage.partsHeld >= 5 * share)
        #expect(coverage.clipsLost >= 100 * share && coverage.clipsLostForGood >= 5 * share)
        #expect(coverage.foldersTakenAway >= 20 * share)
        #expect(coverage.transferred >= 20 * share)
        #expect(
            coverage.settledByHand > 0 && coverage.lookedUp > 0 && coverage.gracefulStops > 0
                && coverage.unknownCosts > 0)
    }
}
