import DailiesCore
import DailiesStore
import Foundation
import ProviderSimulator

@testable import DailiesRunner
@testable import DailiesStore
@testable import ProviderSimulator

/// The life of one seed: a provider that remembers, a disk that remembers, and program after program on top of them,
/// each of which ends by itself or is cut off.
///
/// First the rough time, with faults and crashes, as the seed drew them. Then the calm: no faults, money enough, no
/// budget; then everything must come to its end, and the books must agree to the last digit.
final class World {
    /// Bounds: of a run's steps, of the runs of the rough time, and of those of the calm.
    static let maximumSteps = 60_000
    private static let maximumRoughRuns = 14
    private static let maximumCalmRuns = 20

    let scenario: Scenario
    var chance: TestRandom
    var machine: SimulatedProvider
    /// The provider's clock; the client's differs by the scenario's skew, and in some runs by more.
    var now = Scenario.start
    var aheadBy = Duration.zero
    /// The client's clock, and what it said when the present run began.
    var clientNow: Instant { now + scenario.skew + aheadBy }
    var runBegan = Scenario.start
    var coverage = Coverage()
    var trace: Trace
    let disk: Disk
    let ledger: Ledger
    var life: ProcessLifetime?
    var inspector: InvariantChecker?
    var batchIDs: [BatchID] = []

    /// On their way to the provider, on their way back, and clips on their way to the disk.
    var calls: [OpenCall] = []
    var replies: [OpenReply] = []
    var transfers: [Transfer] = []
    var serial = 0

    var crashes: [Scenario.PlannedCrash]
    var stops: [Int]
    var isCalm = false
    var stepsOfRun = 0
    /// The highest limit that the user has set in this run, and the run in which each intent was recorded.
    var ceiling: Int
    var runsOfIntents: [SubmissionKey: Int] = [:]
    /// The same for models that have had a limit all the time.
    var modelCeilings: [ModelID: Int] = [:]
    /// Tasks at the provider that a guard wanted cancelled before this run began: asked for only after that.
    var toBeCancelled: Set<RemoteTaskID> = []
    /// Costs that were booked at the last look, and the intents that there were of a model when a bill stopped it.
    var chargesSeen: [AttemptID: Credits] = [:]
    var intentsOfStopped: [ModelID: Set<SubmissionKey>] = [:]
    var publishedPrices: [TaskID: Credits] = [:]
    /// The pace is what the settings say, since the run began.
    var keepsPace = true
    var held: Set<PauseScope> = []
    /// Tasks of whose cost the provider once stated an invalid amount.
    var toldNoCost: Set<String> = []
    var knobs: TestRandom
    /// Draws how long the user stays away, and whose clock is wrong.
    var userChoices: TestRandom
    /// The user's API key is the next one by now.
    var isKeyReplaced = false
    /// How the present run speaks, with which API keys, and how it is set.
    var dialect: Dialect
    var accounts: APIKeyRouting
    var settings: SchedulerSettings
    var budgets: [Credits?]
    /// The next commit fails, and the run must end by it.
    var expectsStoreFailure = false
    var lastEnding: RunResult?
    /// The user has paused something and not ended it.
    var isPaused = false
    var meddling: TestRandom
    /// What others have put in the way of clips, with what must still be in it.
    var obstacles: [String: [UInt8]] = [:]
    /// Part files that another process holds.
    var heldParts: [Int32] = []
    /// Their paths, and those of their records: they are that process's to remove.
    var partsOnceHeld: Set<String> = []

    /// Draws what becomes of clips that were saved, and of their folder.
    var fileChance: TestRandom
    /// Clips that vanished once their provider did not have them any more.
    var lostForGood: Set<AttemptID> = []
    private var hasOutlivedTasks = false
    /// A file is where the folder of the clips was, now or at some time of this run.
    var isFolderAway = false
    var wasFolderAway = false
    /// The run has said that the disk refuses clips, and no download was under way that could have found otherwise since.
    var knowsDiskRefuses = false

    init(_ scenario: Scenario, keepsTrace: Bool) throws {
        self.scenario = scenario
        fileChance = TestRandom(seed: scenario.seed ^ 0x0F11_E0F1_1E0F_11E5)
        meddling = TestRandom(seed: scenario.seed ^ 0x00C1_1B50_5A5A_A5A5)
        chance = TestRandom(seed: scenario.seed ^ 0xA5A5_5A5A_0F0F_F0F0)
        knobs = TestRandom(seed: scenario.seed ^ 0x5A5A_A5A5_F0F0_0F0F)
        userChoices = TestRandom(seed: scenario.seed ^ 0x4AB1_7500_CA1E_4DA2)
        machine = SimulatedProvider(configuration: scenario.simulator, catalog: scenario.catalog)
        trace = Trace(keepsAll: keepsTrace)
        disk = try Disk(seed: scenario.seed)
        ledger = Ledger()
        crashes = scenario.crashes
        stops = scenario.stops
        ceiling = scenario.settings.concurrency
        dialect = scenario.dialect
        accounts = scenario.accountBooks[0]
        settings = scenario.settings
        budgets = scenario.batches.map(\.budget)
        coverage.seeds = 1
        coverage.tasks = scenario.batches.reduce(0) { $0 + $1.tasks.count }
    }

    /// Lives the seed to its end.
    func live() throws {
        try liveRoughly()
        try liveCalmly()
        try audit()
    }

    private func liveRoughly() throws {
        for _ in 0..<Self.maximumRoughRuns {
            if scenario.absence > .zero, userChoices.happens(0.4) {
                pass(.nanoseconds(Int64.random(in: 0...scenario.absence.nanoseconds, using: &userChoices)))
            }
            guard let ending = try run() else {
                // The plug was pulled: the user starts it again, soon or late.
                pass(chance.milliseconds(0...(chance.happens(0.2) ? 7_200_000 : 5000)))
                continue
            }
            lastEnding = ending
            if scenario.losesClips, fileChance.happens(0.3) { try loseClips() }
            if try isSettled() { return }
            // Its point may never come, and others wait behind it.
            if !crashes.isEmpty, chance.happens(0.5) { crashes.removeFirst() }
            if chance.happens(0.3) { try settleByHand() }
            if scenario.tellsItsRuns, chance.happens(0.3) { try tellSomething() }
            pass(chance.milliseconds(0...(chance.happens(0.3) ? 7_200_000 : 60_000)))
        }
    }

    private func liveCalmly() throws {
        becomeCalm()
        try unpauseEverything()
        if scenario.losesClips, !isFolderAway { try loseClips() }
        for _ in 0..<Self.maximumCalmRuns {
            let ending = try run()
            guard ending != nil else { throw Violation("a crash in the calm") }
            lastEnding = ending
            if try isSettled() {
                guard scenario.losesClips, !hasOutlivedTasks else { return }
                hasOutlivedTasks = true
                pass(scenario.simulator.faults.tasksKeptFor)
                try loseClips()
                if try isSettled() { return }
            }
            try settleByHand()
            pass(.seconds(120))
        }
        throw Violation("stuck: after \(Self.maximumCalmRuns) calm runs \(try outstanding())")
    }

    /// Faults off, the wallet without a bottom, every limit of the account gone.
    private func becomeCalm() {
        isCalm = true
        letGoOfParts()
        if isFolderAway { moveFolder() }
        crashes = []
        stops = []
        let order = #"{"faults":false,"balance":null,"account_concurrency":null,"model_slots":null,"top_up":1}"#
        let request = SimulatedRequest(method: "POST", path: "/simulator/control", body: Array(order.utf8))
        let response = machine.handle(request, at: now)
        precondition(response.status == 200, "the simulator refuses to be calm: \(response.status)")
        // Beyond every drawn outage and every spell of forgetfulness.
        pass(.seconds(2 * 3600))
        note("calm")
    }

    /// Lets go of a life in which a promise was broken.
    func abandon() {
        letGoOfParts()
        clearAir()
        inspector = nil
        do {
            try life?.crash()
        } catch {
            note("the broken life does not even end: \(error)")
        }
        life = nil
    }

    func pass(_ duration: Duration) {
        now = now + duration
        machine.advance(to: now)
    }

    func note(_ text: @autoclosure () -> String) {
        trace.note("\((now - Scenario.start).nanoseconds / 1_000_000) \(text())")
    }
}

/// A folder in memory, if there is such a thing here, that goes away with the world.
final class Disk {
    let folder: String
    private(set) var generation = 0
    var store: String { "\(folder)/store-\(generation).sqlite" }
    var clips: String { "\(folder)/renders" }

    init(seed: UInt64) throws {
        let memory = "/dev/shm"
        let base = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        // The seed in its name tells which one was under way when a process died.
        folder =
            "\(base)/dailies-simulation-\(ProcessInfo.processInfo.processIdentifier)-seed-\(seed)-\(UUID().uuidString.prefix(4))"
        try FileManager.default.createDirectory(atPath: clips, withIntermediateDirectories: true)
    }

    deinit {
        // What stays behind in a temporary folder harms nobody, and a deinit cannot throw.
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The store's files as they are at this moment become the ones that the next program finds: what a plug pulled here
    /// leaves, the log not yet moved over.
    func takeImage() throws {
        let old = store
        generation += 1
        for ending in ["", "-wal"] where FileManager.default.fileExists(atPath: old + ending) {
            try FileManager.default.copyItem(atPath: old + ending, toPath: store + ending)
        }
    }

    /// Every file below the clips' folder, absolute.
    func clipFiles() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: clips).map { "\(clips)/\($0)" }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }
}
