import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// `dailies explain`.
struct ExplainTests {
    private static let manifest = """
        batch: forest
        defaults: {model: sora-2, duration_seconds: 4}
        tasks:
          - {id: dolly, prompt: "a pine forest"}
          - {id: crane, prompt: "a crane shot"}

        """

    @Test func `explain shows a task's state, attempts and history without an API key`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendCompleted("dolly")
        let outcome = try await scene.dailies("explain", "dolly", key: nil)
        #expect(
            outcome
                == Outcome(
                    0,
                    out: """
                        forest/dolly: the next run would not submit it: it is completed and saved

                        state       completed and saved
                        model       sora-2
                        prompt      "a pine forest"
                        credits     1.2
                        clip        {FOLDER}/clips/dolly.mp4
                        attempt 1   submission key dollyaaaaaaaaaaaaaaaaaaa, flat, API key 62af8704764f, task id vt_dolly
                        history
                          2025-06-01T00:00:00Z  #1  sent with submission key dollyaaaaaaaaaaaaaaaaaaa; reserved 5 credits
                          2025-06-01T00:00:00Z  #1  accepted as vt_dolly, reported by the provider
                          2025-06-01T00:00:00Z  #1  completed, reported by the provider; charged 1.20 credits
                          2025-06-01T00:00:00Z  #1  released 5 credits
                          2025-06-01T00:00:00Z  #1  saved as {FOLDER}/clips/dolly.mp4

                        """))
    }

    @Test func `explain says for every state what the next run does`() async throws {
        let scene = try await Scene()
        try scene.importManifest(
            ["waiting", "uncertain", "accepted", "running", "unsaved", "failed", "withdrawn", "dear", "over"].map {
                Scene.spec($0)
            })
        try scene.sendCancelled("dear", for: .quote)
        try scene.sendCancelled("over", for: .budget)
        try scene.sendUncertain("uncertain")
        try scene.sendAccepted("accepted", as: "vt_1")
        try scene.sendAccepted("running", as: "vt_2") { [.running($0)] }
        try scene.sendCompleted("unsaved", isSaved: false)
        try scene.sendFailed("failed")
        try scene.apply([.withdrawn(try scene.task("withdrawn").id, .cancelled)])
        let expected = [
            "waiting": "the next run would submit it: it has not been sent",
            "dear":
                "the next run would submit it: it is waiting for attempt 2; its last attempt was cancelled: the provider's "
                + "quote is higher than expected; use --accept-quote to render it",
            "over":
                "the next run would submit it: it is waiting for attempt 2; its last attempt was cancelled: the provider's "
                + "estimate exceeds the budget; use a higher --budget to render it",
            "uncertain":
                "the next run would not submit it: it was sent and its outcome is unknown; run `dailies reconcile`",
            "accepted": "the next run would not submit it: it is queued at the provider; a run will resume it",
            "running": "the next run would not submit it: it is running; a run will resume it",
            "unsaved":
                "the next run would not submit it: it is completed, paid, not saved; a run will download its clip",
            "failed":
                "the next run would not submit it: it is failed (render_failed); run `dailies retry failed` to render it again",
            "withdrawn":
                "the next run would not submit it: it is cancelled before it was sent; run `dailies retry withdrawn` to queue it again",
        ]
        for (key, words) in expected {
            let outcome = try await scene.dailies("explain", key)
            #expect(outcome.code == 0)
            #expect(outcome.out.hasPrefix("forest/\(key): \(words)\n"), "\(outcome.out)")
        }
    }

    @Test func `an identical manifest changes nothing`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("gone")])
        try scene.sendCompleted("dolly")
        try scene.write(Self.manifest, to: "m.yaml")
        let same = try await scene.dailies("explain", "m.yaml", "dolly")
        #expect(same.out.hasPrefix("forest/dolly: the next run would not submit it: it is completed and saved\n"))
        let new = try await scene.dailies("explain", "m.yaml", "crane")
        #expect(
            new.out.hasPrefix(
                "forest/crane: the next run would submit it: the store has no task with this key in this batch\n"))
        let gone = try await scene.dailies("explain", "m.yaml", "gone")
        #expect(
            gone.out.hasPrefix(
                "forest/gone: the next run would not submit it: it is no longer in the manifest; a run will cancel it\n"
            )
        )
        let nowhere = try await scene.dailies("explain", "m.yaml", "nobody")
        #expect(
            nowhere
                == Outcome(
                    64, err: "dailies: no task \"nobody\" in \"m.yaml\" or in its batch in the store\n"))
    }

    @Test func `a changed request blocks the run, and explain shows the changed fields`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendCompleted("dolly")
        try scene.write(
            """
            batch: forest
            tasks:
              - {id: dolly, prompt: "a Pine forest", model: sora-2, duration_seconds: 8, seed: 7}

            """, to: "m.yaml")
        let outcome = try await scene.dailies("explain", "m.yaml", "dolly")
        #expect(outcome.code == 0)
        #expect(
            outcome.out.hasPrefix(
                """
                forest/dolly: a run would stop before its first submit (exit 65): its request differs from the stored one; \
                --accept-changes renders and charges it again as attempt 2
                decided by: duration_seconds, prompt, seed
                  field             stored           manifest
                  duration_seconds  4                8
                  prompt            "a pine forest"  "a Pine forest"
                  seed              -                7


                """), "\(outcome.out)")
        let json = try JSONValue.parse(
            try await scene.dailies("explain", "m.yaml", "dolly", "--json").out.utf8)
        #expect(json["verdict"]?.string == "would_stop_the_run")
        #expect(json["decided_by"]?.array?.map { $0["field"]?.string } == ["duration_seconds", "prompt", "seed"])
        #expect(json["decided_by"]?.array?.last?["manifest"]?.number == "7")
    }

    @Test func `a prompt is shown whole with its line breaks, and cannot control the terminal`() async throws {
        let scene = try await Scene()
        let long = String(repeating: "a long line ", count: 20) + "ends"
        let prompt = "\(long)\nsecond\r\n\u{1B}[31mthird"
        try scene.importManifest([
            Scene.spec("dolly", prompt: prompt, request: Scene.request("\(long)\\nsecond\\r\\n\\u001b[31mthird"))
        ])
        let outcome = try await scene.dailies("explain", "dolly")
        let indent = String(repeating: " ", count: 12)
        let words = "prompt      \"\(long)\n\(indent)second\n\(indent)\\u{1b}[31mthird\"\n"
        #expect(outcome.out.contains(words), "\(outcome.out)")
    }

    @Test func `long prompts are shown from their first difference, and similar characters are distinguished`()
        async throws
    {
        let scene = try await Scene()
        let long = String(repeating: "pine ", count: 30)
        try scene.importManifest([
            Scene.spec("dolly", prompt: long + "at dawn"), Scene.spec("crane", prompt: "caf\u{E9}"),
        ])
        try scene.write(
            """
            {"batch": "forest", "defaults": {"model": "sora-2", "duration_seconds": 4}}
            {"id": "dolly", "prompt": "\(long)at dusk"}
            {"id": "crane", "prompt": "cafe\u{301}"}

            """, to: "m.jsonl")
        let dolly = try await scene.dailies("explain", "m.jsonl", "dolly")
        #expect(dolly.out.contains("prompt  … pine pine pine at dawn\"  … pine pine pine at dusk\"\n"), "\(dolly.out)")
        #expect(dolly.out.contains("--accept-changes uses the new one, because attempt 1 has not been sent"))
        let crane = try await scene.dailies("explain", "m.jsonl", "crane")
        #expect(crane.out.contains("decided by: prompt\n"))
    }

    @Test func `a changed task without an id is new, and explain names its old version`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("old-key")])
        try scene.sendCompleted("old-key")
        try scene.write(
            """
            batch: forest
            tasks:
              - {id: new-key, prompt: "a pine forest at dawn", model: sora-2, duration_seconds: 4}

            """, to: "m.yaml")
        let outcome = try await scene.dailies("explain", "m.yaml", "new-key")
        #expect(
            outcome
                == Outcome(
                    0,
                    out: """
                        forest/new-key: the next run would submit it: the store has no task with this key in this batch
                        similar task, no longer in the manifest: old-key, completed and saved
                        differences: prompt
                          field   stored           manifest
                          prompt  "a pine forest"  "a pine forest at dawn"

                        """))
    }

    @Test func `explain without a store reports a new task and creates no store`() async throws {
        let scene = try await Scene()
        try scene.write(Self.manifest, to: "m.yaml")
        let outcome = try await scene.dailies("explain", "m.yaml", "dolly")
        #expect(outcome.code == 0)
        #expect(outcome.out.hasPrefix("forest/dolly: the next run would submit it: "))
        #expect(!scene.exists("dailies.sqlite"))
        #expect(try await scene.dailies("explain", "dolly").code == 64)
    }
}
