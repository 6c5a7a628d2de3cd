import DailiesCore
import DailiesProvider
import DailiesStore
import Foundation
import ProviderSimulator

/// A folder of its own, a simulator, and the real `dailies` on them.
final class BenchmarkStage {
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

    static var dailies: String { Machine.programs.appendingPathComponent("dailies").path }
    static var thisProgram: String { Machine.programs.appendingPathComponent("DailiesBenchmarks").path }

    /// The real simulator, every render between 20 and 60 s at speed 1.
    func simulator(speed: Int, seed: UInt64) throws -> Child {
        try Child(
            Self.dailies, ["simulate", "--speed", "\(speed)", "--seed", "\(seed)", "--render-time", "20s-60s"])
    }

    /// How long the tasks of these keys take there, in real time.
    static func renderTimes(of keys: [SubmissionKey], speed: Int, seed: UInt64) -> [Duration] {
        var configuration = SimulatorConfiguration()
        configuration.speed = Double(speed)
        configuration.seed = seed
        configuration.latency = .uniform(queued: .zero ... .zero, running: .seconds(20) ... .seconds(60))
        let machine = SimulatedProvider(configuration: configuration, catalogue: EmbeddedCatalogue.catalogue)
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

    /// Renders a manifest with the real program, leaving the clips at the provider.
    func run(
        _ manifest: String, store: String, at url: String, speed: Int, concurrency: Int, _ options: [String] = []
    ) throws -> Measured {
        try Measured.run(
            Self.dailies,
            [
                "run", manifest, "--provider", "simulator", "--base-url", url, "--speed", "\(speed)", "--concurrency",
                "\(concurrency)", "--store", store, "--no-download", "--accept-quote", "--quiet",
            ] + options)
    }

    /// What a finished run left: each task's key in the order of the manifest, and the time from the first intent to the
    /// last final state.
    static func outcome(of store: String) throws -> (keys: [SubmissionKey], makespan: Duration) {
        let store = try Store.open(store, for: .reading)
        var keys: [SubmissionKey] = []
        var (first, last) = (Instant.distantFuture, Instant.distantPast)
        var place: TaskID?
        while true {
            let page = try store.tasks(after: place, limit: 1000)
            for task in page {
                guard task.state == .completed, let latest = task.latest, let settled = latest.settledAt else {
                    throw Measured.Failure(description: "the task \(task.key) is \(task.state.rawValue)")
                }
                keys.append(latest.submissionKey)
                first = min(first, latest.submittedAt)
                last = max(last, settled)
            }
            guard let end = page.last else { break }
            place = end.id
        }
        try store.close()
        return (keys, last - first)
    }

    /// When tasks are asked for at the model's documented cadence.
    static func cadence(speed: Int) -> PollCadence {
        (EmbeddedCatalogue.catalogue[model]?.cadence ?? .fallback).divided(bySpeed: Double(speed))
    }

    static func lateInterval(speed: Int) -> Duration {
        SchedulerSettings().divided(bySpeed: Double(speed)).lateInterval
    }
}
