import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Logging
import Testing

@testable import DailiesRunner

/// A runner on a store in a scratch folder, with a scripted provider and manual time.
final class RunnerHarness {
    private static let patience = DispatchTimeInterval.seconds(30)

    let scratch: Scratch
    let faults = StoreFailpoints()
    let store: Store
    let provider = ScriptedProvider()
    let timers = ManualRunnerClock()
    let runner: Runner
    let batch: BatchID

    var storePath: String { scratch.folder + "/dailies.sqlite" }

    init(tasks: Int = 1, concurrency: Int = 5, configure: (inout SchedulerSettings) -> Void = { _ in }) throws {
        scratch = try Scratch()
        store = try Store.open(scratch.folder + "/dailies.sqlite", for: .running, faults: faults)
        let specs = (1...max(tasks, 1)).prefix(tasks).map { number in
            TaskSpec(
                key: TaskKey("shot-\(number)"),
                shape: RequestShape(model: ModelID("alder"), durationSeconds: 5, resolution: nil), prompt: "a forest",
                request: CanonicalRequest(text: "{\"model\":\"alder\",\"prompt\":\"\(number)\"}"), tags: [],
                priority: 0,
                output: nil)
        }
        batch = try store.importManifest(
            BatchDefinition(
                name: "reel", manifestPath: "/reel.yaml", provider: provider.name, baseURL: provider.baseURL,
                outputDirectory: scratch.folder + "/renders", budget: .unchanged),
            tasks: specs, at: timers.now
        ).batch
        var settings = SchedulerSettings()
        settings.concurrency = concurrency
        configure(&settings)
        let configuration = Runner.Configuration(
            settings: settings, catalog: ModelCatalog(compiled: "2026-11-23", models: []), batches: [batch],
            accounts: APIKeyRouting(byPrefix: ["": ScriptedProvider.account]), seed: 7)
        let box = EventBox()
        events = box
        runner = Runner(
            store: store, provider: provider, timers: timers, configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            observer: { event, _ in box.events.withLock { $0.append(event) } })
    }

    private final class EventBox: Sendable {
        let events = Locked<[RunEvent]>([])
        let outcomes = Locked<[Runner.Outcome]>([])
        let ended = DispatchSemaphore(value: 0)
    }
    private let events: EventBox

    func name(_ key: String) -> TaskName { TaskName(batch: batch, key: TaskKey(key)) }

    var toldEvents: [RunEvent] { events.events.withLock { $0 } }
    /// How often the end was reported.
    var endings: Int { events.outcomes.withLock { $0.count } }

    func start() {
        runner.start { [events] outcome in
            events.outcomes.withLock { $0.append(outcome) }
            events.ended.signal()
        }
    }

    /// Waits for the end of the run.
    func end() throws -> Runner.Outcome {
        try #require(events.ended.wait(timeout: .now() + Self.patience) == .success, "the run does not end")
        return try #require(events.outcomes.withLock { $0.last })
    }

    /// Waits until everything started so far has passed through store and runner.
    func settle() throws {
        for _ in 0..<4 {
            runner.queue.sync {}
            try store.drain()
            runner.readingQueue.sync {}
        }
        runner.queue.sync {}
    }

    /// The same, including the queues of the downloads.
    func settleClips() throws {
        let downloads = runner.queue.sync { Array(runner.downloads.values) }
        for download in downloads { download.queue.sync {} }
        try settle()
    }

    /// What another reader, like another process, finds now.
    func durable() throws -> [TaskRow] {
        let reader = try Store.open(storePath, for: .reading)
        defer {
            // It was only read, so a failing close does not matter.
            try? reader.close()
        }
        return try reader.tasks(limit: 100)
    }

    func report(
        _ phase: RemoteTask.Phase, _ id: String = "r1", key: SubmissionKey? = nil, cost: String? = nil,
        url: String? = nil
    ) -> RemoteTask {
        RemoteTask(
            phase: phase, remoteID: RemoteTaskID(id), submissionKey: key,
            charges: cost.flatMap { text in
                Credits.read(text).map {
                    [Amount(credits: $0.credits, text: text, source: "credits_used", isRounded: false)]
                }
            } ?? [], asset: url.map(AssetLocation.init(url:)))
    }
}
