import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Dispatch
import Foundation
import Logging
import Synchronization

/// The cost of waiting tasks, at the provider and in the store.
struct ScaleBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked",
        abstract: "Measures memory and punctuality with many tasks in flight, and memory with many waiting.",
        discussion: """
            In flight: a separate process with the real runner, store and timers, which loads the tasks from a store \
            as after a restart. Its provider is in the same process and answers immediately, since ten thousand \
            polls per second over HTTP would keep both cores busy with sockets. The lateness of a poll is the time \
            from its scheduled time to the call of the provider. Waiting: `dailies resume` against a service that \
            accepts every task and completes it at the first query; measures its memory after --settled tasks.

              swift run -c release DailiesBenchmarks parked      # 4 min, 6 GB of disk
              swift run -c release DailiesBenchmarks parked --polled 2000 --parked 20000 --many-waiting 50000 --settled 1000
            """)

    @Option(help: "Tasks in flight, each polled every 10 s.") var polled = 100_000
    @Option(help: "Tasks in flight, each polled every 10 min.") var parked = 1_000_000
    @Option var seconds = 30
    @Option var fewWaiting = 10_000
    @Option var manyWaiting = 10_000_000
    @Option(help: "Tasks settled before memory is measured; fewer than the waiting ones.") var settled = 5000
    @OptionGroup var record: RecordOptions

    func run() throws {
        var recorder = ResultRecorder("parked", record)
        let punctual = try inFlight(polled, interval: 10, &recorder)
        recorder.judge("99 % of the polls within, ms", punctual.late99, atMost: 100)
        recorder.judge("memory at most, MB", Double(punctual.peakBytes) / 1e6, atMost: 150)
        let many = try inFlight(parked, interval: 600, &recorder)
        recorder.judge("memory at most, MB", Double(many.peakBytes) / 1e6, atMost: 400)
        let few = try waiting(fewWaiting, &recorder)
        let most = try waiting(manyWaiting, &recorder)
        recorder.judge(
            "memory with \(manyWaiting) waiting over that with \(fewWaiting)", Double(most) / Double(few), atMost: 1.1)
        try recorder.finish()
    }

    private var now: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    private func inFlight(_ tasks: Int, interval: Int, _ recorder: inout ResultRecorder) throws -> ScaleRun.Report {
        let stage = try BenchmarkEnvironment()
        let (url, now) = ("http://127.0.0.1:1", now)
        let oldest = Duration.seconds(2 * interval)
        try LargeStoreFixture.make(
            stage.path("store.sqlite"), baseURL: url, account: WriteLoad.account.text, finished: 0, rendering: tasks,
            waiting: 0, intentAges: .seconds(interval)...oldest, at: now)
        let run = try ProcessUsage.run(
            BenchmarkEnvironment.thisProgram,
            [
                "parked-run", "--store", stage.path("store.sqlite"), "--base-url", url, "--tasks", "\(tasks)",
                "--oldest-ms", "\((now - oldest).milliseconds)", "--interval", "\(interval)", "--seconds", "\(seconds)",
            ])
        let report = try JSONDecoder().decode(ScaleRun.Report.self, from: Data(run.out.utf8))
        let rate = Double(report.polls) / Double(seconds)
        recorder.say(
            "\(report.tasks) in flight, a poll each in \(interval) s: \(ResultRecorder.figure(rate)) polls/s, half within "
                + "\(ResultRecorder.figure(report.median)) ms, 99 % within \(ResultRecorder.figure(report.late99)) ms, all within "
                + "\(ResultRecorder.figure(report.latest)) ms; \(ResultRecorder.figure(Double(report.residentBytes) / 1e6)) MB resident, "
                + "\(ResultRecorder.figure(Double(report.peakBytes) / 1e6)) MB at most; "
                + "\(ResultRecorder.figure(report.processorSeconds / max(Double(report.polls), 1) * 1e6)) us of CPU a poll"
        )
        return report
    }

    /// The maximum memory of a run until ``settled`` tasks have settled.
    private func waiting(_ tasks: Int, _ recorder: inout ResultRecorder) throws -> Int {
        let stage = try BenchmarkEnvironment()
        let service = try StubService(answering: "completed")
        try LargeStoreFixture.make(
            stage.path("store.sqlite"), baseURL: service.url,
            account: try APIKey(RestartBenchmark.key).fingerprint.text, finished: 0, rendering: 0, waiting: tasks,
            at: now)
        let child = try Child(
            silent: BenchmarkEnvironment.dailies,
            [
                "resume", "--store", stage.path("store.sqlite"), "--provider", "simulator", "--base-url", service.url,
                "--concurrency", "1000", "--no-download", "--quiet", "--accept-quote", "--speed", "20",
            ])
        defer { child.kill() }
        let deadline = ContinuousClock.now + .seconds(300)
        while service.tally.queries < settled {
            guard ContinuousClock.now < deadline else {
                throw ProcessUsage.Failure(description: "\(service.tally.queries) tasks of \(settled) in five minutes")
            }
            usleep(10_000)
        }
        let peak = try Child.memory("VmHWM", of: child.pid)
        recorder.say(
            "\(tasks) waiting: \(ResultRecorder.figure(Double(peak) / 1e6)) MB at most, "
                + "\(ResultRecorder.figure(Double(try Child.memory("RssAnon", of: child.pid)) / 1e6)) MB of it its own")
        try service.end()
        return peak
    }
}

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
            store: store, provider: provider, timers: timers, configuration: try runnerConfiguration(store),
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
        runner.inspect { snapshot in
            shared.count.store(snapshot.counts.inFlight, ordering: .releasing)
            answer.signal()
        }
        answer.wait()
        return shared.count.load(ordering: .acquiring)
    }

    private final class Shared: Sendable {
        let count = Atomic(0)
    }

    private func runnerConfiguration(_ store: Store) throws -> Runner.Configuration {
        var settings = SchedulerSettings()
        settings.concurrency = tasks
        settings.downloads = false
        let cadence = PollCadence(phases: [.init(interval: .seconds(interval), until: .seconds(100_000))])
        let model = ModelSpec(
            id: BenchmarkEnvironment.model, vendor: "", durationSeconds: 1...20, resolutions: ["1080p"],
            defaultResolution: "1080p", aspectRatios: [], defaultAspectRatio: nil, extraFields: [:],
            acceptsImageInit: false, cadence: cadence, typicalLatency: nil, typicalLatencyForSeconds: nil, prices: [],
            urlLifetime: nil, withdrawn: nil)
        return Runner.Configuration(
            settings: settings, catalog: ModelCatalog(compiled: "", models: [model]),
            batches: try store.batches().map(\.id), accounts: APIKeyRouting(byPrefix: ["": WriteLoad.account]), seed: 1)
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
