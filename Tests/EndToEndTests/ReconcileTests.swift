import DailiesCore
import DailiesStore
import Foundation
import Testing

@testable import TestSupport

/// `dailies reconcile`.
struct ReconcileTests {
    private static let evidence = """
        forest/dolly, attempt 1: uncertain
          sent:     2025-06-01T00:00:00Z with submission key dollyaaaaaaaaaaaaaaaaaaa, API key 62af8704764f
          reply:    broken: the service closed the connection without a response

        """
    private static let unknown = "not found (404 task_not_found: no such task for this key)"
    private static let options = "--provider simulator --base-url {URL} --speed 1000"

    @Test func `reconcile needs no API key if no task is uncertain or lost`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let outcome = try await scene.dailies("reconcile", key: nil)
        #expect(outcome == Outcome(0, out: "no uncertain or lost tasks\n"))
    }

    @Test func `a task found by its submission key is recorded and proves that the provider honors keys`() async throws
    {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let id = try #require(try scene.simulator?.submit(key: Scene.submissionKey("dolly")))
        let outcome = try await scene.online("reconcile")
        #expect(
            outcome
                == Outcome(
                    0,
                    out: Self.evidence + """
                          lookup:   by its submission key: found, queued
                          verdict:  found; recorded as {ID}
                          to resume: dailies resume \(Self.options)

                        1 task: 1 found; none unresolved

                        """))
        let task = try scene.task("dolly")
        #expect(task.latest?.remoteID?.text == id)
        #expect(try scene.events("dolly") == ["intent", "uncertain broken", "accepted query"])
        let trust = try scene.store {
            try $0.keyTrust(baseURL: scene.baseURL, account: Scene.account, dialect: .flat)
        }
        #expect(trust == .honored)
    }

    @Test func `a task that has completed at the provider is settled with its cost`() async throws {
        let scene = try await Scene(simulator: ["--speed", "100000"])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let simulator = try #require(scene.simulator)
        let id = try simulator.submit(key: Scene.submissionKey("dolly"))
        try await blocking { try simulator.wait(for: id, toBe: "completed") }
        let outcome = try await scene.online("reconcile")
        #expect(
            outcome.out.contains(
                "lookup:   by its submission key: found, completed for \(try simulator.bill().total) credits\n"))
        #expect(outcome.out.contains("to download its clip: dailies resume \(Self.options)\n"))
        #expect(outcome.code == 0)
        let task = try scene.task("dolly")
        #expect(task.state == .completed)
        #expect(task.credits?.description == (try simulator.bill().total))
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `a task that is not found stays uncertain, and the output suggests commands`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: Self.evidence + """
                          lookup:   by its submission key: \(Self.unknown)
                          verdict:  still uncertain: it may be rendering and billed; it will not be resubmitted unless you request it
                          if you know its task id: dailies reconcile --adopt dolly=TASK_ID \(Self.options)
                          to give up: dailies reconcile --assume-lost dolly \(Self.options)

                        1 task: none resolved; unresolved: 1 uncertain

                        """))
        #expect(try scene.task("dolly").isUncertain)
        #expect(try scene.events("dolly") == ["intent", "uncertain broken", "asked"])
        #expect(try scene.simulator?.bill().total == "0")
    }

    @Test func `if the provider honors keys, reconcile suggests a resume, which resubmits the task`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly", at: Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        try scene.apply([Self.honored(at: scene.baseURL)])
        let outcome = try await scene.online("reconcile", "--key-memory", "365d")
        #expect(outcome.code == 6)
        #expect(
            outcome.out.contains("this provider honors submission keys, so a run may resubmit the same request"))
        #expect(outcome.out.contains("to resume: dailies resume \(Self.options)\n"))
    }

    private static func honored(at baseURL: String) -> Mutation.Kind {
        .keyTrust(
            KeySupportRecord(
                baseURL: baseURL, account: Scene.account, dialect: .flat, trust: .honored, evidence: "echo"))
    }

    @Test func `an old submission key may be forgotten, so a run does not resubmit the task`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        try scene.apply([Self.honored(at: scene.baseURL)])
        let outcome = try await scene.online("reconcile")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: Self.evidence + """
                          lookup:   by its submission key: \(Self.unknown)
                          verdict:  still uncertain: this provider honors submission keys but may have forgotten this one; it \
                        may be rendering and billed, and will not be resubmitted unless you request it
                          if you know its task id: dailies reconcile --adopt dolly=TASK_ID \(Self.options)
                          to give up: dailies reconcile --assume-lost dolly \(Self.options)

                        1 task: none resolved; unresolved: 1 uncertain

                        """))
        #expect(try scene.task("dolly").isUncertain)
    }

    @Test func `a lookup by key that returns another attempt's task settles nothing and proves no keys`()
        async throws
    {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        let id = try #require(try scene.simulator?.submit(key: Scene.submissionKey("dolly")))
        try scene.sendAccepted("crane", as: id)
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile")
        #expect(outcome.code == 6)
        let words =
            "the provider returned the task {ID}, which belongs to crane, attempt 1, in batch forest for its "
            + "submission key"
        #expect(outcome.out.contains("  lookup:   by its submission key: \(words)\n"))
        #expect(outcome.out.contains("  verdict:  still uncertain: \(words)\n"))
        #expect(try scene.events("dolly") == ["intent", "uncertain broken", "uncertain task_id_taken"])
        let trust = try scene.store {
            try $0.keyTrust(baseURL: scene.baseURL, account: Scene.account, dialect: .flat)
        }
        #expect(trust == .unknown)
        #expect(try await scene.dailies("explain", "dolly").out.contains(words))
    }

    @Test func `a submit that was in flight when the run ended is looked up too`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.send("dolly")
        let outcome = try await scene.online("reconcile")
        #expect(outcome.code == 6)
        #expect(outcome.out.contains("reply:    no reply was recorded: the run ended while the submit was in flight\n"))
        #expect(try scene.task("dolly").isUncertain)
    }

    @Test func `a task of another account is not looked up, and the output names the key that it needs`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile", key: "other-key")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: Self.evidence + """
                          verdict:  still uncertain: it needs the API key 62af8704764f, which sent it: use that key with \
                        --api-key-file; if another key of the same account replaced it, run `dailies reconcile \
                        --same-account` to transfer the task

                        1 task: none resolved; unresolved: 1 uncertain
                        1 clip needs the API key 62af8704764f: run with that key, or with --same-account if it was replaced \
                        by another key of the same account

                        """))
        #expect(try scene.events("dolly") == ["intent", "uncertain broken"])
    }

    @Test func `a task accepted with another key is not uncertain, and the output names the key`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendAccepted("dolly", as: "vt_1")
        try scene.sendAccepted("crane", as: "vt_2") { [.running($0)] }
        let words =
            "2 clips need the API key 62af8704764f: run with that key, or with --same-account if it was replaced by "
            + "another key of the same account\n"
        let outcome = try await scene.online("reconcile", key: "other-key")
        #expect(outcome == Outcome(0, out: "no uncertain or lost tasks\n" + words))
        let json = try await scene.online("reconcile", "--json", key: "other-key").out
        #expect(json.contains(#""needs_key":[{"key_fingerprint":"62af8704764f","clips":2}]"#))
        #expect(try await scene.online("reconcile") == Outcome(0, out: "no uncertain or lost tasks\n"))

        // Without a key, the key used last counts.
        for (key, isShown) in [("other-key", true), (nil, false)] {
            let status = try await scene.dailies("status", key: key)
            #expect(status.out.contains(words) == isShown)
            let explained = try await scene.dailies("explain", "crane", key: key)
            #expect(
                explained.out.hasPrefix(
                    isShown
                        ? "forest/crane: the next run would not submit it: it is running, and needs the API key 62af8704764f: "
                            + "run with that key, or with --same-account"
                        : "forest/crane: the next run would not submit it: it is running; a run will resume it"))
        }
    }

    @Test func `after a key transfer, reconcile does not promise that a run resubmits uncertain tasks`() async throws {
        let scene = try await Scene(simulator: ["--one-account", "--echo", "always"])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.online("reconcile", "--same-account", key: "other-key")
        #expect(outcome.code == 6)
        #expect(outcome.err.contains("1 clip transferred from the API key 62af8704764f to the API key "))
        #expect(
            outcome.out.contains(
                "verdict:  still uncertain: it may be rendering and billed; it will not be resubmitted"))
        #expect(!outcome.out.contains("needs the API key"))
        #expect(try scene.events("dolly").contains("handed_over user"))
        // The old key, which sent the task, is back.
        let back = try await scene.online("reconcile", "--same-account")
        #expect(back.err.contains("to the API key 62af8704764f\n"))
        #expect(try scene.task("dolly").latest?.isTransferred == false)
        let again = try await scene.online("reconcile", "--same-account")
        #expect(again.err.contains("--same-account: no clip needs another API key"))
    }

    @Test func `for a task of another provider, the output names the options to reach it`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        let outcome = try await scene.dailies("reconcile", "--base-url", "http://127.0.0.1:9")
        #expect(outcome.code == 6)
        #expect(
            outcome.out.contains(
                "still uncertain: it belongs to simulator at {URL}; use --provider simulator --base-url {URL}\n"))
    }

    @Test func `a refused key ends with 77, an unreachable provider with 6`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        try scene.sendUncertain("crane")
        try scene.simulator?.control(#"{"reject_keys":true}"#)
        let refused = try await scene.online("reconcile")
        #expect(refused.code == 77)
        #expect(refused.out.contains("verdict:  still uncertain: the provider refused the request: 401 "))
        try scene.simulator?.control(#"{"reject_keys":false,"outage":true}"#)
        let away = try await scene.online("reconcile")
        #expect(away.code == 6)
        #expect(away.out.components(separatedBy: "lookup:").count == 3)
        #expect(
            away.out.components(separatedBy: "verdict:  still uncertain: the provider is not responding").count == 3)
        #expect(try scene.events("crane") == ["intent", "uncertain broken"])
    }

    @Test func `a lost task is looked up by its id, and stays lost or is found again`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        let gone = ProviderError(kind: .status, status: 404, code: "task_not_found", message: "no such task")
        try scene.sendAccepted("dolly", as: "vt_gone") { [.lost($0, gone)] }
        let id = try #require(try scene.simulator?.submit(key: "whatever"))
        try scene.sendAccepted("crane", as: id) { [.lost($0, gone)] }
        let outcome = try await scene.online("reconcile")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: """
                        forest/dolly, attempt 1: lost
                          sent:     2025-06-01T00:00:00Z with submission key dollyaaaaaaaaaaaaaaaaaaa, API key 62af8704764f
                          task id:  vt_gone
                          reason:   task_not_found: no such task
                          lookup:   by its task id: \(Self.unknown)
                          verdict:  still lost: it may be rendered and billed; it will not be resubmitted
                          to give up: dailies reconcile --assume-lost dolly \(Self.options)

                        forest/crane, attempt 1: lost
                          sent:     2025-06-01T00:00:00Z with submission key craneaaaaaaaaaaaaaaaaaaa, API key 62af8704764f
                          task id:  {ID}
                          reason:   task_not_found: no such task
                          lookup:   by its task id: found, queued
                          verdict:  found; recorded as {ID}
                          to resume: dailies resume \(Self.options)

                        2 tasks: 1 found; unresolved: 1 lost

                        """))
        #expect(try scene.task("crane").latest?.lostAt == nil)
        #expect(try scene.task("dolly").latest?.lostAt != nil)
    }

    @Test(arguments: [true, false])
    func `a found task whose estimate exceeds the budget is cancelled while that is free`(
        _ isOfTag: Bool
    ) async throws {
        let scene = try await Scene(simulator: [])
        let acme = TaskSpec.Tag(name: "client", value: "acme")
        // Far below any price of the simulator.
        let cap = Credits(nano: 100_000_000)
        try scene.importManifest([Scene.spec("dolly", tags: [acme])], budget: isOfTag ? .none : .cap(cap))
        if isOfTag {
            try scene.store { store in
                try store.setTagBudget(try #require(try store.batches().first).id, acme, cap, at: Scene.start)
            }
        }
        try scene.send("dolly", reserved: cap.nano) { [.uncertain($0, ProviderError(kind: .broken, message: "cut"))] }
        try scene.simulator?.submit(key: Scene.submissionKey("dolly"))
        let outcome = try await scene.online("reconcile")
        let task = try scene.task("dolly")
        #expect(task.state == .queued && task.attempt == 2 && task.heldBack == .budget)
        #expect(task.credits == .zero)
        #expect(
            outcome.out.contains(
                "found, but its estimate exceeds the budget; cancellation requested while it is free: "
                    + "cancelled free of charge\n  to render it, use a higher --budget: dailies resume "))
        #expect(
            try scene.events("dolly").suffix(3) == [
                "cancel_wanted budget", "cancelled rule:not_billed cancelled", "waits_again budget",
            ])
    }

    @Test func `reconcile --same-account refuses a store with an active run`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let lock = try Store.lock(scene.path)
        let outcome = try await scene.dailies("reconcile", "--same-account")
        #expect(
            outcome
                == Outcome(
                    11,
                    err:
                        "dailies: the store dailies.sqlite is in use by an active run ({PROCESS}, since {TIME}); wait for the run "
                        + "or stop it, then reconcile\n"))
        withExtendedLifetime(lock) {}
    }

    @Test func `a cancel is queued if the active run does not process it`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let lock = try Store.lock(scene.path)
        let outcome = try await scene.dailies("cancel", "dolly")
        #expect(
            outcome
                == Outcome(
                    5,
                    out: """
                        forest/dolly: queued for the active run
                        1 queued for the active run

                        """))
        #expect(try scene.task("dolly").state == .queued)
        #expect(
            try scene.store { try $0.pendingCommands(after: nil, isForced: true, at: Scene.start).commands.count } == 1)
        withExtendedLifetime(lock) {}
    }

    @Test func `reconcile without a store fails and creates none`() async throws {
        let scene = try await Scene()
        let outcome = try await scene.dailies("reconcile")
        #expect(
            outcome
                == Outcome(
                    64,
                    err:
                        "dailies: no store at dailies.sqlite; `dailies run MANIFEST` creates one, or choose another with --store PATH\n"
                ))
        #expect(!FileManager.default.fileExists(atPath: scene.path))
    }
}
