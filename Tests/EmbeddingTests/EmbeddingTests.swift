import DailiesKit
import Foundation
import Testing

@testable import TestSupport

/// The library as another package sees it: this target can use only what is public.
struct EmbeddingTests {
    /// A folder with a manifest of three clips.
    private final class Project {
        let folder = URL(fileURLWithPath: NSTemporaryDirectory()).standardizedFileURL
            .appendingPathComponent("dailies-embedding-\(UUID().uuidString)")
        var manifest: URL { folder.appendingPathComponent("shots.jsonl") }
        var store: URL { folder.appendingPathComponent("service.sqlite") }

        init() throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let lines = (1...3).map { number in
                #"{"id": "shot-\#(number)", "model": "sora-2", "prompt": "Shot \#(number)", "duration_seconds": 4}"#
                    + "\n"
            }
            try lines.joined().write(to: manifest, atomically: true, encoding: .utf8)
        }

        // A folder that stays behind harms nobody, and a deinit cannot throw.
        deinit { try? FileManager.default.removeItem(at: folder) }

        func start(_ provider: TinyProvider, budget: Credits, concurrency: Int = 2) throws -> BatchRun {
            var options = Dailies.Options()
            options.settings.concurrency = concurrency
            options.settings = options.settings.divided(bySpeed: 1000)
            return try Dailies.start(
                manifest: manifest, store: store, provider: provider, budget: budget, options: options)
        }

        func expectClips(_ report: RunReport) {
            #expect(report.result == RunResult() && report.counts.states == [.completed: 3])
            for number in 1...3 {
                #expect(FileManager.default.fileExists(atPath: folder.path + "/renders/shots/shot-\(number).mp4"))
            }
            #expect(report.spend.total.clipsSaved == 3 && report.spend.total.unknownCosts == 0)
        }
    }

    @Test func `a program around the library renders a manifest at the simulator, and its report is the bill`()
        async throws
    {
        let project = try Project()
        let simulator = try Simulator(TestEnvironment(), speed: 20)
        // The second time everything is done: nothing is sent, and nothing is paid for again.
        for _ in 1...2 {
            let charged = try await renderTonight(
                project.manifest, store: project.store, key: "a-key-of-the-program", baseURL: simulator.url)
            #expect(try charged.description == simulator.bill().total && charged > .zero)
        }
        #expect(try simulator.bill().accepted == 3)
    }

    @Test func `a custom provider needs only the protocol, and every event is reported`() async throws {
        let project = try Project()
        let provider = TinyProvider()
        let run = try project.start(provider, budget: 10)
        var saved: Set<String> = []
        for await event in run.events {
            if case .saved(let task, _) = event { saved.insert(task.key.text) }
        }
        project.expectClips(try await run.report())
        #expect(saved == ["shot-1", "shot-2", "shot-3"] && provider.renders == 3)
        #expect(try await run.report().spend.total.charged == CreditTotal(whole: 0, billionths: 30_000_000))
    }

    @Test func `a budget that has no room for a clip ends the run before anything is sent`() async throws {
        let project = try Project()
        let provider = TinyProvider()
        let report = try await project.start(provider, budget: 0).report()
        #expect(report.result.budgetReached && provider.renders == 0)
    }

    @Test func `a cancelled task stops its run, and the next one renders the rest`() async throws {
        let project = try Project()
        let provider = TinyProvider()
        let run = try project.start(provider, budget: 10, concurrency: 1)
        run.pause()
        let waiting = Task { try await run.report() }
        waiting.cancel()
        #expect(try await waiting.value.result.isInterrupted)
        project.expectClips(try await project.start(provider, budget: 10).report())
        #expect(provider.renders == 3)
    }

    @Test func `a second run of a store in use is refused, and a manifest with errors names them all`() async throws {
        let project = try Project()
        let run = try project.start(TinyProvider(), budget: 10)
        run.pause()
        #expect(throws: StoreError.self) { try project.start(TinyProvider(), budget: 10) }
        run.stop()
        _ = try await run.report()
        try "{\"id\": 1}\n{\"prompt\": 2}\n".write(to: project.manifest, atomically: true, encoding: .utf8)
        do {
            _ = try project.start(TinyProvider(), budget: 10)
            Issue.record("the manifest was accepted")
        } catch let error as ManifestError {
            #expect(error.problems.count >= 2)
        }
    }
}
