import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// `dailies promote`.
struct PromoteTests {
    private static let draft =
        #"{"aspect_ratio":"16:9","duration_seconds":4,"model":"veo-3.1-fast","prompt":"a pine forest","resolution":"720p","seed":9007199254740993}"#

    private func scene() async throws -> Scene {
        let scene = try await Scene()
        try scene.importManifest([
            Scene.spec("cook", request: Self.draft), Scene.spec("crowd", request: Self.draft), Scene.spec("unmade"),
        ])
        try scene.sendCompleted("cook")
        try scene.sendCompleted("crowd")
        return scene
    }

    @Test func `finals have the drafts' exact prompts and seeds and the new model`() async throws {
        let scene = try await scene()
        let outcome = try await scene.dailies(
            "promote", "cook", "--model", "sora-2-pro", "--resolution", "1080p", "--duration-seconds", "8")
        #expect(outcome.code == 0, "\(outcome.err)")
        let lines = outcome.out.split(separator: "\n")
        #expect(lines.first == #"{"batch":"forest-finals"}"#)
        #expect(lines.count == 2)
        let final = try JSONValue.parse(lines[1].utf8)
        #expect(final["id"]?.string == "cook")
        #expect(final["prompt"]?.string == "a pine forest")
        #expect(final["seed"]?.number == "9007199254740993")
        #expect(final["model"]?.string == "sora-2-pro")
        #expect(final["resolution"]?.string == "1080p")
        #expect(final["duration_seconds"]?.number == "8")
        try scene.write(outcome.out, to: "finals.jsonl")
        #expect(try await scene.dailies("plan", "finals.jsonl").code == 0)
    }

    @Test func `all completed drafts of a batch can be promoted to a new batch`() async throws {
        let outcome = try await scene().dailies(
            "promote", "--batch", "forest", "--model", "sora-2-pro", "--as", "show reel")
        #expect(outcome.code == 0, "\(outcome.err)")
        let lines = outcome.out.split(separator: "\n")
        #expect(lines.first == #"{"batch":"show reel"}"#)
        #expect(try lines.dropFirst().map { try JSONValue.parse($0.utf8)["id"]?.string } == ["cook", "crowd"])
    }

    @Test func `fields that are invalid for the new model are reported, and nothing is written`() async throws {
        let outcome = try await scene().dailies(
            "promote", "cook", "--model", "sora-2-pro", "--duration-seconds", "600")
        #expect(outcome.code == 65)
        #expect(outcome.out == "")
        #expect(outcome.err.contains("finals.jsonl:2:") && outcome.err.contains("duration_seconds"))
        #expect(outcome.err.contains("nothing was written"))
    }

    @Test func `a draft that is not completed is reported, and nothing is written`() async throws {
        let scene = try await scene()
        let outcome = try await scene.dailies("promote", "cook", "unmade", "--model", "sora-2-pro")
        #expect(
            outcome
                == Outcome(
                    65,
                    err: """
                        dailies: forest/unmade: it is queued, not sent
                        dailies: only completed drafts can be promoted; nothing was written

                        """))
        try scene.sendFailed("unmade")
        let failed = try await scene.dailies("promote", "unmade", "--model", "sora-2-pro")
        #expect(failed.code == 65 && failed.err.contains("forest/unmade: it is failed (render_failed)\n"))
        // A filter ignores tasks that are not completed.
        #expect(try await scene.dailies("promote", "--state", "failed", "--model", "sora-2-pro").code == 64)
        let all = try await scene.dailies("promote", "--batch", "forest", "--model", "sora-2-pro")
        #expect(all.out.split(separator: "\n").count == 3)
    }

    @Test func `drafts must be selected and exist`() async throws {
        let scene = try await scene()
        #expect(try await scene.dailies("promote", "--model", "sora-2-pro").code == 64)
        let none = try await scene.dailies("promote", "--state", "failed", "--model", "sora-2-pro")
        #expect(none.code == 64)
        #expect(none.err.contains("no matching completed drafts"))
    }
}
