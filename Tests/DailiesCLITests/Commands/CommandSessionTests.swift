import DailiesCore
import DailiesStore
import Foundation
import Testing

@testable import DailiesCLI

/// Commands during a run that ends before it has carried all of them out. The test is that run.
struct CommandSessionTests {
    private static let keys = ["clip-001", "clip-002"]
    private static let instant = Instant(milliseconds: 1_000_000)

    private static func attempt(_ task: Int64) -> AttemptID { AttemptID(task: TaskID(task), number: 1) }

    /// Two tasks that were sent with an unknown outcome.
    private func uncertainStore(_ path: String) throws -> Store {
        let store = try Store.open(path, for: .running)
        let definition = BatchDefinition(
            name: "batch", manifestPath: "/m.yaml", provider: "bytespike", baseURL: "https://api.example",
            outputDirectory: "/renders", budget: .unchanged)
        let tasks = Self.keys.map { key in
            TaskSpec(
                key: TaskKey(key), shape: RequestShape(model: ModelID("sora-2"), durationSeconds: 4, resolution: nil),
                prompt: key, request: CanonicalRequest(text: #"{"prompt":"\#(key)"}"#), tags: [], priority: 0,
                output: nil)
        }
        _ = try store.importManifest(definition, at: Self.instant) { body in try tasks.forEach(body) }
        let fault = ProviderError(kind: .timedOut, message: "no answer")
        let changes = (1...2 as ClosedRange<Int64>).flatMap { task -> [Mutation.Kind] in
            let submission = Submission(
                attempt: Self.attempt(task), key: SubmissionKey("key-\(task)"), model: ModelID("sora-2"),
                dialect: .flat,
                account: KeyFingerprint("0123456789ab"), body: Array("{}".utf8))
            return [
                .intent(Intent(submission: submission, reserved: nil)), .uncertain(Self.attempt(task), fault),
            ]
        }
        try store.writeAndWait(changes.map { Mutation(at: Self.instant, $0) })
        return store
    }

    @Test func `what an ended run left undone is carried out by the command, and the rest is not done twice`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "/dailies-session-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let path = folder + "/dailies.sqlite"
        try uncertainStore(path).close()

        var lock = Optional(try Store.lock(path))
        let run = try Store.open(path, for: .running)
        let words = ["--without-asking", "--json", "--store", path]
        let command = Task { () async -> (any Error)? in
            do {
                try await ReconcileCommand.parse(Self.keys.flatMap { ["--assume-lost", $0] } + words).run()
                return nil
            } catch {
                return error
            }
        }
        var told: [UserCommand] = []
        while told.count < 2 {
            await Pause.now(for: .milliseconds(2))
            told = try run.pendingCommands(after: nil, isForced: true, at: Self.instant).commands
        }
        try run.writeAndWait([
            Mutation(at: Self.instant, .settled(Self.attempt(1), .assumedLost(reason: "given up"))),
            Mutation(at: Self.instant, .commandEnded(told[0].id, .assumedLost, message: nil)),
        ])
        try run.close()
        withExtendedLifetime(lock) {}
        lock = nil

        let ending = await command.value
        #expect((ending as? Stop)?.message == nil)
        let after = try Store.open(path, for: .reading)
        let counts = try after.summary().total
        #expect(counts.states == [.failed: 2] && counts.uncertain == 0)
        #expect(
            try after.outcomes(of: [told[0].id, told[1].id]).mapValues(\.outcome) == [
                told[0].id: .assumedLost, told[1].id: .revoked,
            ])
        try after.close()
    }
}
