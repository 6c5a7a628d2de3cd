import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// Manual resolutions of `dailies reconcile`: `--adopt` and `--assume-lost`.
struct UserWordTests {
    private static let options = "--provider simulator --base-url {URL} --speed 1000"

    // MARK: --adopt

    @Test func `an adopted task is checked with the provider and recorded as adopted`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        try scene.sendUncertain("crane")
        // Replies in the flat dialect echo no key, so another task's id cannot be recognized.
        let id = try #require(try scene.simulator?.submit(key: "another"))
        let outcome = try await scene.online("reconcile", "--adopt", "dolly=\(id)")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: """
                        forest/dolly, attempt 1: uncertain
                          sent:     2025-06-01T00:00:00Z with submission key dollyaaaaaaaaaaaaaaaaaaa, API key 62af8704764f
                          reply:    broken: the service closed the connection without a response
                          lookup:   by the task id {ID}: found, queued
                          verdict:  adopted; recorded as {ID}
                          to resume: dailies resume \(Self.options)

                        1 task: 1 adopted; unresolved: 1 uncertain

                        """))
        #expect(try scene.task("dolly").latest?.remoteID?.text == id)
        #expect(try scene.events("dolly") == ["intent", "uncertain broken", "accepted adopted"])
        // Only the named task was looked up.
        #expect(try scene.events("crane") == ["intent", "uncertain broken"])
    }

    @Test func `a task id that the provider does not know is not adopted`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile", "--adopt", "dolly=vt_nobody")
        #expect(outcome.code == 6)
        #expect(outcome.out.contains("verdict:  refused: the provider does not know vt_nobody; still uncertain\n"))
        #expect(try scene.task("dolly").isUncertain)
    }

    @Test func `a task id of another task in this store is not adopted`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        let id = try #require(try scene.simulator?.submit(key: "another"))
        try scene.sendAccepted("crane", as: id)
        let outcome = try await scene.online("reconcile", "--adopt", "dolly=\(id)")
        #expect(outcome.code == 6)
        #expect(
            outcome.out.contains(
                "verdict:  refused: the task {ID} belongs to crane, attempt 1, in batch forest; still uncertain\n"))
        #expect(try scene.task("dolly").isUncertain)
    }

    @Test func `a task id of an earlier take of the same task is not adopted`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        let id = try #require(try scene.simulator?.submit(key: "another"))
        try scene.sendAccepted("dolly", as: id) { attempt in
            [
                .settled(attempt, Settlement(end: .failed, charges: [.notBilled], failureCode: "render_failed")),
                .retried(attempt.task),
            ]
        }
        try scene.sendUncertain("dolly", take: 2)
        let outcome = try await scene.online("reconcile", "--adopt", "dolly=\(id)")
        #expect(outcome.code == 6)
        #expect(
            outcome.out.contains(
                "verdict:  refused: the task {ID} belongs to dolly, attempt 1, in batch forest; still uncertain\n"))
        #expect(try scene.task("dolly").isUncertain)
        let explained = try await scene.dailies("explain", "dolly")
        #expect(explained.out.contains("the task {ID} belongs to dolly, attempt 1, in batch forest"))
    }

    @Test func `a task id that the provider has for another key is not adopted`() async throws {
        let scene = try await Scene(simulator: ["--echo", "always"])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let id = try #require(try scene.simulator?.submit(key: "another"))
        let outcome = try await scene.online("reconcile", "--adopt", "dolly=\(id)")
        #expect(
            outcome.out.contains(
                "verdict:  refused: the provider answers with the submission another; still uncertain\n"))
        #expect(outcome.code == 6)
    }

    @Test func `a task key that contains equals signs can be adopted`() async throws {
        let scene = try await Scene(simulator: [])
        let key = "takes/aspect_ratio=16:9,seed=1"
        try scene.importManifest([Scene.spec(key)])
        try scene.sendUncertain(key)
        let id = try #require(try scene.simulator?.submit(key: "another"))
        let outcome = try await scene.online("reconcile", "--adopt", "\(key)=\(id)")
        #expect(outcome.code == 0)
        #expect(try scene.task(key).latest?.remoteID?.text == id)
    }

    // MARK: --assume-lost

    @Test func `a task assumed lost fails with an unknown cost, and can be retried`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile", "--assume-lost", "dolly")
        #expect(
            outcome
                == Outcome(
                    0,
                    out: """
                        forest/dolly, attempt 1: uncertain
                          sent:     2025-06-01T00:00:00Z with submission key dollyaaaaaaaaaaaaaaaaaaa, API key 62af8704764f
                          reply:    broken: the service closed the connection without a response
                          lookup:   by its submission key: not found (404 task_not_found: no such task for this key)
                          verdict:  assumed lost: failed, cost unknown; it may have been billed
                          to render it again: dailies retry dolly

                        1 task: 1 assumed lost; none unresolved

                        """))
        let task = try scene.task("dolly")
        #expect(task.state == .failed)
        #expect(task.failureCode == "assumed_lost")
        #expect(task.credits == nil)
        // A possible bill stays reserved under the budget.
        #expect(task.latest?.reserved == Credits(nano: 5_000_000_000))
        #expect(try scene.events("dolly") == ["intent", "uncertain broken", "asked", "failed user assumed_lost"])
        #expect(try await scene.dailies("retry", "dolly").code == 0)
        #expect(try scene.task("dolly").attempt == 2)
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `a task that the provider still has is not assumed lost`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        try scene.simulator?.submit(key: Scene.submissionKey("dolly"))
        let outcome = try await scene.online("reconcile", "--assume-lost", "dolly")
        #expect(outcome.code == 0)
        #expect(outcome.out.contains("verdict:  not assumed lost: the provider has this task; recorded as {ID}\n"))
        #expect(try scene.task("dolly").latest?.remoteID != nil)
        #expect(try scene.task("dolly").state == .queued)
    }

    @Test func `a lost task can be assumed lost too`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendAccepted("dolly", as: "vt_gone") {
            [.lost($0, ProviderError(kind: .status, status: 404, message: "no such task"))]
        }
        let outcome = try await scene.online("reconcile", "--assume-lost", "dolly")
        #expect(outcome.code == 0)
        #expect(try scene.task("dolly").failureCode == "assumed_lost")
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `nothing is assumed lost while the provider is unreachable`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        try scene.simulator?.control(#"{"outage":true}"#)
        let outcome = try await scene.online("reconcile", "--assume-lost", "dolly")
        #expect(outcome.code == 6)
        #expect(try scene.task("dolly").isUncertain)
    }

    @Test func `without the key that sent a task, --assume-lost needs --without-asking`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let refused = try await scene.online("reconcile", "--assume-lost", "dolly", key: "other-key")
        #expect(refused.code == 6)
        #expect(
            refused.out.contains(
                "verdict:  refused: it needs the API key 62af8704764f, which sent it: use that key with --api-key-file; if "
                    + "another key of the same account replaced it, run `dailies reconcile --same-account` to transfer the task; "
                    + "if it is gone for good, add --without-asking; still uncertain\n"))
        #expect(try scene.task("dolly").isUncertain)
        let given = try await scene.dailies("reconcile", "--assume-lost", "dolly", "--without-asking", key: nil)
        #expect(given.code == 0)
        #expect(try scene.task("dolly").failureCode == "assumed_lost")
    }

    // MARK: Invalid arguments

    @Test func `a resolution of a task that is not uncertain is refused before any request`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendCompleted("dolly")
        let cases: [(words: [String], message: String)] = [
            (
                ["--adopt", "dolly=vt_1"],
                "the task \"dolly\" is completed and saved; only an uncertain task can be adopted"
            ),
            (
                ["--assume-lost", "crane"],
                "the task \"crane\" is queued, not sent; only an uncertain or lost task can be assumed lost"
            ),
            (
                ["--assume-lost", "nobody"],
                "no task \"nobody\" in the store; run `dailies export --format csv` to list all keys"
            ),
            (["--adopt", "dolly"], "--adopt must be KEY=TASK_ID, not \"dolly\""),
            (["--adopt", "dolly="], "--adopt must be KEY=TASK_ID, not \"dolly=\""),
            (["--batch", "hills"], "no batch \"hills\" in the store; known batches: \"forest\""),
        ]
        for (words, message) in cases {
            let outcome = try await scene.dailies(words: ["reconcile"] + words)
            #expect(outcome == Outcome(64, err: "dailies: \(message)\n"))
        }
    }

    @Test func `a key in two batches requires --batch, and suggested commands include it`() async throws {
        let scene = try await Scene(simulator: [])
        for batch in ["forest", "hills"] {
            try scene.importManifest([Scene.spec("dolly")], batch: batch)
        }
        try scene.sendUncertain("dolly")
        let unclear = try await scene.online("reconcile", "--assume-lost", "dolly")
        #expect(
            unclear
                == Outcome(
                    64,
                    err:
                        "dailies: the task \"dolly\" is in 2 batches: \"forest\", \"hills\"; choose one with --batch NAME\n"
                ))
        let clear = try await scene.online("reconcile", "--batch", "forest", "--assume-lost", "dolly")
        #expect(clear.code == 0)
        #expect(clear.out.contains("to render it again: dailies retry --batch forest dolly\n"))
    }

    @Test func `json output is one object per line and ends with the exit code`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile", "--json")
        let lines = try outcome.out.split(separator: "\n").map { try JSONValue.parse($0.utf8) }
        #expect(lines.count == 2)
        #expect(lines[0]["type"]?.string == "task")
        #expect(lines[0]["verdict"]?.string == "still_uncertain")
        #expect(lines[0]["submission_key"]?.string == Scene.submissionKey("dolly"))
        #expect(lines[0]["task_id"]?.isNull == true)
        #expect(
            lines[1].compactText
                == #"{"type":"finished","asked":1,"found":0,"adopted":0,"assumed_lost":0,"uncertain":1,"lost":0,"costs_asked":0,"costs_learned":0,"needs_key":[],"exit_code":6}"#
        )
        #expect(outcome.code == 6)
    }

    @Test func `text from the provider cannot control the terminal`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly\u{1B}[2J")])
        let fault = ProviderError(kind: .status, status: 502, code: "x\u{7}", message: "\u{1B}]0;title\u{7}\u{202E}")
        try scene.send("dolly\u{1B}[2J") { [.uncertain($0, fault)] }
        let outcome = try await scene.online("reconcile", key: "other-key")
        #expect(
            !(outcome.out + outcome.err).unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0 == "\u{202E}" })
        #expect(outcome.out.contains(#"reply:    x\u{7}: \u{1b}]0;title\u{7}\u{202e}"#))
    }
}
