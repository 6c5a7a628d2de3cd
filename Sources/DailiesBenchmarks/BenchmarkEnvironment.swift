import AsyncHTTPClient
import DailiesCore
import DailiesProvider
import DailiesStore
import Foundation
import NIOCore
import ProviderSimulator

/// A temporary folder with a simulator and the real `dailies` program.
final class BenchmarkEnvironment {
    static let model = ModelID("sora-2-pro")
    static let clipSeconds = 8

    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("dailies-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path)") }
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    static var dailies: String { HostInfo.programs.appendingPathComponent("dailies").path }
    static var thisProgram: String { HostInfo.programs.appendingPathComponent("DailiesBenchmarks").path }

    /// Render times at speed 1, as an option of `simulate` and as a configuration.
    struct RenderTime {
        let argument: String
        let latency: SimulatorConfiguration.Latency

        /// Uniform between 20 and 60 s.
        static let even = RenderTime(
            argument: "20s-60s",
            latency: .uniform(queued: .zero ... .zero, running: .seconds(20) ... .seconds(60)))
        /// Lognormal with a mean of 150 s and a standard deviation of a fifth of that.
        static let lognormal = RenderTime(
            argument: "150s~20%", latency: .lognormal(mean: .seconds(150), variation: 0.2))
    }

    /// Starts the real simulator.
    func simulator(speed: Int, seed: UInt64, _ time: RenderTime = .even) throws -> Child {
        try Child(
            Self.dailies, ["simulate", "--speed", "\(speed)", "--seed", "\(seed)", "--render-time", time.argument])
    }

    /// The render times of the tasks with these keys, in real time.
    static func renderTimes(
        of keys: [SubmissionKey], speed: Int, seed: UInt64, _ time: RenderTime = .even
    ) -> [Duration] {
        var configuration = SimulatorConfiguration()
        configuration.speed = Double(speed)
        configuration.seed = seed
        configuration.latency = time.latency
        let machine = SimulatedProvider(configuration: configuration, catalog: EmbeddedCatalog.catalog)
        return keys.map { machine.renderTime(of: $0, model: model, seconds: clipSeconds) }
    }

    func manifest(_ name: String, tasks: Int) throws -> String {
        let lines = (1...tasks).map { number in
            """
            {"id": "clip-\(number)", "model": "\(Self.model)", "duration_seconds": \(Self.clipSeconds), \
            "prompt": "A cinematic dolly shot through a misty pine forest at dawn, take \(number)"}
            """
        }
        let file = path(name)
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Renders a manifest with the real program, without downloading clips.
    func run(
        _ manifest: String, store: String, at url: String, speed: Int, concurrency: Int, _ options: [String] = []
    ) throws -> ProcessUsage {
        try ProcessUsage.run(
            Self.dailies,
            [
                "run", manifest, "--provider", "simulator", "--base-url", url, "--speed", "\(speed)", "--concurrency",
                "\(concurrency)", "--store", store, "--no-download", "--accept-quote", "--quiet",
            ] + options)
    }

    /// The tasks of one batch, or of all, after a run; in manifest order.
    static func ended(in path: String, batch name: String? = nil) throws -> [EndedTask] {
        let store = try Store.open(path, for: .reading)
        let batches = try store.batches().filter { name == nil || $0.name == name }.map(\.id)
        var ended: [EndedTask] = []
        var place: TaskID?
        while true {
            let page = try store.tasks(matching: TaskFilter(batches: batches), after: place, limit: 1000)
            for task in page {
                guard task.state == .completed, let latest = task.latest, let settled = latest.settledAt else {
                    throw ProcessUsage.Failure(description: "the task \(task.key) is \(task.state.rawValue)")
                }
                ended.append(EndedTask(key: latest.submissionKey, submitted: latest.submittedAt, settled: settled))
            }
            guard let end = page.last else { break }
            place = end.id
        }
        try store.close()
        return ended
    }

    private struct State: Decodable {
        let questions: Int
    }

    /// The number of queries that a simulator has received.
    static func questions(at url: String) throws -> Int {
        let reply = try HTTPClient.shared.get(url: url + "/simulator/state").wait()
        guard let body = reply.body else { throw ProcessUsage.Failure(description: "the simulator sent no body") }
        return try JSONDecoder().decode(State.self, from: Data(String(buffer: body).utf8)).questions
    }

    /// The model's documented poll cadence, divided by the speed.
    static func cadence(speed: Int) -> PollCadence {
        (EmbeddedCatalog.catalog[model]?.cadence ?? .fallback).divided(bySpeed: Double(speed))
    }

    static func lateInterval(speed: Int) -> Duration {
        SchedulerSettings().divided(bySpeed: Double(speed)).lateInterval
    }
}

/// A completed task as recorded in the store.
struct EndedTask {
    let key: SubmissionKey
    /// The time of its intent.
    let submitted: Instant
    /// The time of the poll that found it completed, once stored.
    let settled: Instant
}

extension [EndedTask] {
    /// From the first intent to the last final state.
    var makespan: Duration {
        let first = map(\.submitted).min() ?? .distantPast
        return (map(\.settled).max() ?? first) - first
    }
}
