import DailiesCore
import DailiesStore
import Testing

@testable import TestSupport

/// `dailies retry`.
struct RetryTests {
    @Test func `failed tasks are queued again under the next attempt number, without a request`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane"), Scene.spec("tilt")])
        try scene.sendFailed("dolly")
        try scene.sendFailed("crane", code: "http_400")
        let outcome = try await scene.dailies("retry", "--state", "failed", key: nil)
        #expect(
            outcome
                == Outcome(
                    0,
                    out:
                        "2 tasks queued again; nothing charged so far\n3 tasks waiting in the store; the next `dailies run` or "
                        + "`dailies resume` submits them, and each rendered clip is charged\n")
        )
        for key in ["dolly", "crane"] {
            let task = try scene.task(key)
            #expect(task.state == .queued)
            #expect(task.attempt == 2)
            #expect(task.latest == nil)
        }
        #expect(
            try scene.events("dolly") == [
                "intent", "accepted reply", "failed rule:not_billed render_failed", "retried",
            ])
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `a resume with nothing to do suggests a retry of failed tasks`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendFailed("dolly")
        try scene.sendFailed("crane")
        let outcome = try await scene.online("resume")
        #expect(outcome.code == 0 && outcome.out == "")
        let lines = outcome.err.split(separator: "\n").map(String.init)
        #expect(lines.count == 3, "\(outcome.err)")
        #expect(
            lines[0].hasPrefix("nothing to resume: ") && lines[0].contains(" has no unfinished tasks for ")
                && lines[1] == "2 failed; to render them again:")
        #expect(lines[2].hasPrefix("  dailies retry --state failed"), "\(lines)")
    }

    @Test func `a failure code, tag or batch filters the tasks to retry`() async throws {
        let scene = try await Scene()
        let acme = [TaskSpec.Tag(name: "client", value: "acme")]
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane", tags: acme), Scene.spec("tilt")])
        for (key, code) in [("dolly", "http_400"), ("crane", "render_failed"), ("tilt", "render_failed")] {
            try scene.sendFailed(key, code: code)
        }
        #expect(try await scene.dailies("retry", "--failure-code", "http_400").code == 0)
        #expect(try scene.task("dolly").state == .queued)
        #expect(try scene.task("crane").state == .failed)
        #expect(try await scene.dailies("retry", "--tag", "client=acme").code == 0)
        #expect(try scene.task("crane").state == .queued)
        #expect(try scene.task("tilt").state == .failed)
        let none = try await scene.dailies("retry", "--batch", "forest", "--failure-code", "nothing")
        #expect(none == Outcome(0, out: "no matching tasks; nothing changed\n"))
    }

    @Test func `a task removed from its manifest is retried only by key`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.importManifest([Scene.spec("crane")])
        #expect(try scene.task("dolly").withdrawn == .removed)
        let filtered = try await scene.dailies("retry", "--state", "cancelled")
        #expect(filtered == Outcome(0, out: "no matching tasks; nothing changed\n"))
        let named = try await scene.dailies("retry", "dolly")
        #expect(
            named
                == Outcome(
                    0,
                    out:
                        "1 task queued again (1 never sent)\n2 tasks waiting in the store; the next `dailies run` or "
                        + "`dailies resume` submits them, and each rendered clip is charged\n"))
        #expect(try scene.task("dolly").attempt == 1)
    }

    @Test func `a retry of an unsettled task is refused, and nothing changes`() async throws {
        let scene = try await Scene()
        try scene.importManifest(
            ["failed", "uncertain", "accepted", "running", "lost", "waiting"].map { Scene.spec($0) })
        try scene.sendFailed("failed")
        try scene.sendUncertain("uncertain")
        try scene.sendAccepted("accepted", as: "vt_1")
        try scene.sendAccepted("running", as: "vt_2") { [.running($0)] }
        let fault = ProviderError(kind: .status, status: 404, code: "task_not_found", message: "no such task")
        try scene.sendAccepted("lost", as: "vt_3") { [.lost($0, fault)] }
        let outcome = try await scene.dailies("retry", "failed", "uncertain", "accepted", "running", "lost", "waiting")
        #expect(
            outcome
                == Outcome(
                    65,
                    err: """
                        dailies: forest/uncertain: it is uncertain; run `dailies reconcile` first
                        dailies: forest/accepted: it is still at the provider; wait for it to finish, or cancel it
                        dailies: forest/running: it is still at the provider; wait for it to finish, or cancel it
                        dailies: forest/lost: the provider no longer knows it; run `dailies reconcile`, or give it up with \
                        `dailies reconcile --assume-lost`
                        dailies: forest/waiting: it is already waiting
                        dailies: nothing changed

                        """))
        #expect(try scene.task("failed").state == .failed)
    }

    @Test func `a completed task is rendered again only by key with --again`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendCompleted("dolly")
        let refused = try await scene.dailies("retry", "dolly")
        #expect(
            refused
                == Outcome(
                    65,
                    err: """
                        dailies: forest/dolly: it is completed; use --again to render and charge it again
                        dailies: nothing changed

                        """))
        let again = try await scene.dailies("retry", "dolly", "--again", "--json")
        #expect(again == Outcome(0, out: #"{"retried":1,"never_sent":0,"new_takes":1,"waiting":2}"# + "\n"))
        let task = try scene.task("dolly")
        #expect(task.state == .queued)
        #expect(task.attempt == 2)
        // The cost of the first take stays in the task's total.
        #expect(task.credits?.description == "1.2")
        #expect(try scene.events("dolly").last == "retried user")
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `a task whose cost is still being queried cannot be retried`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendAccepted("dolly", as: "vt_1") {
            [.settled($0, Settlement(end: .completed, charges: [], isCostAwaited: true))]
        }
        let outcome = try await scene.dailies("retry", "dolly", "--again")
        #expect(outcome.code == 65)
        #expect(outcome.err.contains("forest/dolly: its cost is not known yet; run `dailies resume` first\n"))
        #expect(try scene.task("dolly").state == .completed)
    }

    @Test func `a new seed is reproducible, and differs for each attempt`() async throws {
        var seeds: [String] = []
        for _ in 1...2 {
            let scene = try await Scene()
            try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
            try scene.sendFailed("dolly")
            try scene.sendCompleted("crane")
            #expect(try await scene.dailies("retry", "dolly", "--new-seed").code == 0)
            #expect(try await scene.dailies("retry", "crane", "--again", "--new-seed").code == 0)
            for key in ["dolly", "crane"] {
                let request = try scene.task(key).request.text
                seeds.append(String(try #require(request.firstMatch(of: #/"seed":(\d+)\}/#)).1))
            }
            #expect(try scene.events("dolly").suffix(2) == ["retried", "reseeded user"])
        }
        #expect(seeds[0] == seeds[2] && seeds[1] == seeds[3] && seeds[0] != seeds[1])
    }

    @Test func `invalid combinations of arguments are refused`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let cases: [(words: [String], message: String)] = [
            ([], "specify which tasks: keys, --state, --tag, --batch or --failure-code"),
            (["--state", "completed"], "retry accepts only --state failed or cancelled, not completed"),
            (["--state", "failed", "--again"], "--again requires task keys"),
            (["dolly", "--failure-code", "x"], "use either keys or --failure-code, not both"),
        ]
        for (words, message) in cases {
            let outcome = try await scene.dailies(words: ["retry"] + words)
            #expect(outcome.code == 64)
            #expect(outcome.err.hasPrefix("Error: \(message)\n"), "\(outcome.err)")
        }
    }
}
