import DailiesCore
import DailiesProvider
import DailiesRunner
import Foundation
import ProviderSimulator
import Testing

/// The library as another package sees it: this target has no access but to what is public.
struct EmbeddingTests {
    /// A folder of its own, with a manifest in it.
    private final class Desk {
        let folder = NSTemporaryDirectory() + "/dailies-embedding-\(UUID().uuidString)"
        var manifest: String { folder + "/shots.jsonl" }

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let lines = (1...3).map { number in
                #"{"id": "shot-\#(number)", "model": "sora-2", "prompt": "Shot \#(number)", "duration_seconds": 4}"#
                    + "\n"
            }
            try lines.joined().write(toFile: manifest, atomically: true, encoding: .utf8)
        }

        deinit {
            // A folder that stays behind harms nobody, and a deinit cannot throw.
            try? FileManager.default.removeItem(atPath: folder)
        }

        func example(settings: SchedulerSettings = SchedulerSettings()) -> EmbeddingExample {
            EmbeddingExample(
                storePath: folder + "/service.sqlite", clipFolder: folder + "/clips",
                catalogue: EmbeddedCatalogue.catalogue, settings: settings)
        }

        func expectClips(of result: EmbeddingExample.Result) {
            #expect(result.ending == RunResult())
            #expect(Set(result.paths.keys) == ["shot-1", "shot-2", "shot-3"])
            for (key, path) in result.paths {
                #expect(path == "\(folder)/clips/shots/\(key).mp4")
                #expect(FileManager.default.fileExists(atPath: path))
            }
            #expect(result.spend.total.clipsSaved == 3 && result.spend.total.unknownCosts == 0)
        }
    }

    @Test func `a program around the library renders a manifest at the simulator, and its report is the bill`()
        async throws
    {
        let desk = try Desk()
        let clock = DispatchClock()
        var behaviour = SimulatorConfiguration()
        behaviour.speed = 2000
        let server = SimulatorServer(
            configuration: behaviour, catalogue: EmbeddedCatalogue.catalogue, port: 0, stateFile: nil,
            clock: { clock.now })
        let port = try await server.start()
        let key = try APIKey("a-key-of-the-embedding-program")
        let provider = ByteSpikeProvider(
            try ProviderConfiguration(baseURL: "http://127.0.0.1:\(port)", keys: [ModelAPIKey(key: key)]))

        do {
            try await expectBill(of: server, with: provider, account: key.fingerprint, at: desk)
        } catch {
            Issue.record(error)
        }
        await provider.shutdown()
        await server.stop()
    }

    private func expectBill(
        of server: SimulatorServer, with provider: ByteSpikeProvider, account: KeyFingerprint, at desk: Desk
    ) async throws {
        let example = desk.example(settings: SchedulerSettings().divided(bySpeed: 2000))
        let budget = Credits(nano: 100_000_000_000)
        let first = try await example.render(desk.manifest, with: provider, account: account, budget: budget)
        desk.expectClips(of: first)
        #expect(first.spend.total.charged == server.bill.total && first.spend.total.charged > .zero)

        // Everything is done: nothing is sent, and nothing is paid for again.
        let second = try await example.render(desk.manifest, with: provider, account: account, budget: budget)
        #expect(second.spend == first.spend && second.paths == first.paths)
        #expect(second.spend.total.charged == server.bill.total)
    }

    @Test func `a custom provider needs only the protocol`() async throws {
        let desk = try Desk()
        let provider = TinyProvider()
        var settings = SchedulerSettings()
        settings.concurrency = 2
        let result = try await desk.example(settings: settings.divided(bySpeed: 1000)).render(
            desk.manifest, with: provider, account: TinyProvider.account, budget: Credits(nano: 10_000_000_000))
        desk.expectClips(of: result)
        #expect(provider.renders == 3)
        #expect(result.spend.total.charged == CreditTotal(whole: 0, billionths: 30_000_000))
    }

    @Test func `a budget that has no room for a clip ends the run before anything is sent`() async throws {
        let desk = try Desk()
        let provider = TinyProvider()
        let result = try await desk.example().render(
            desk.manifest, with: provider, account: TinyProvider.account, budget: Credits(nano: 1))
        #expect(result.ending.budgetReached && provider.renders == 0)
    }
}
