import ArgumentParser
import DailiesCore
import DailiesRunner
import DailiesStore
import Dispatch
import Foundation
import Logging
import Synchronization

/// Many tasks in flight in a separate process: the real runner, store and timers, and a provider in the same process
/// that answers immediately and records each poll.
struct ScaleRun: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "parked-run", shouldDisplay: false)

    /// A ``LargeStoreFixture`` store with rendering tasks only, for the account of ``WriteLoad``.
    @Option var store: String
    @Option var baseURL: String
    @Option var tasks: Int
    /// Age of the first submission; the others follow evenly within one poll interval.
    @Option var oldestMs: Int64
    @Option var interval: Int
    /// Duration of the measurement, after all tasks are loaded.
    @Option var seconds: Int

    /// Printed as one JSON object.
    struct Report: Codable {
        let tasks: Int
        let polls: Int
        /// Milliseconds within which half, 99 % and all of the polls followed their scheduled time.
        let median: Double
        let late99: Double
        let latest: Double
        let residentBytes: Int
        let peakBytes: Int
        let processorSeconds: Double
    }

    func run() throws {
        let store = try Store.open(store, for: .running)
        let timers = DispatchClock()
        let provider = PollRecorder(
            baseURL: baseURL, timers: timers, tasks: Int64(tasks), oldest: Instant(milliseconds: oldestMs),
            interval: .seconds(interval))
        let runner = Runner(
            store: store, provider: provider, timers: timers, plan: try plan(store),
            logger: Logger(label: "parked"), observer: { _, _ in })
        let ended = DispatchSemaphore(value: 0)
        runner.start { outcome in
            if case .storeFailed(let message) = outcome { fatalError(message) }
            ended.signal()
        }
        while inFlight(of: runner) < tasks { sleep(1) }
        provider.watch()
        let before = Self.processorSeconds
        sleep(UInt32(seconds))
        let (polls, lateness) = provider.noted
        let report = Report(
            tasks: inFlight(of: runner), polls: polls, median: lateness(0.5), late99: lateness(0.99),
            latest: lateness(1), residentBytes: try Child.memory("VmRSS", of: getpid()),
            peakBytes: try Child.memory("VmHWM", of: getpid()), processorSeconds: Self.processorSeconds - before)
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
        runner.stop()
        ended.wait()
        try store.close()
    }

    private func inFlight(of runner: Runner) -> Int {
        let answer = DispatchSemaphore(value: 0)
        let shared = Shared()
        runner.inspect { tally, _ in
            shared.count.store(tally.inFlight, ordering: .releasing)
            answer.signal()
        }
        answer.wait()
        return shared.count.load(ordering: .acquiring)
    }

    private final class Shared: Sendable {
        let count = Atomic(0)
    }

    private func plan(_ store: Store) throws -> Runner.Plan {
        var settings = SchedulerSettings()
        settings.concurrency = tasks
        settings.downloads = false
        let cadence = PollCadence(phases: [.init(interval: .seconds(interval), until: .seconds(100_000))])
        let model = ModelSpec(
            id: BenchmarkEnvironment.model, vendor: "", durationSeconds: 1...20, resolutions: ["1080p"],
            defaultResolution: "1080p", aspectRatios: [], defaultAspectRatio: nil, extraFields: [:],
            acceptsImageInit: false, cadence: cadence, typicalLatency: nil, typicalLatencyForSeconds: nil, prices: [],
            urlLifetime: nil, withdrawn: nil)
        return Runner.Plan(
            settings: settings, catalogue: ModelCatalogue(compiled: "", models: [model]),
            batches: try store.batches().map(\.id), accounts: APIKeyRouting(byPrefix: ["": WriteLoad.account]), seed: 1)
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
