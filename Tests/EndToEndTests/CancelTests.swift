import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// `dailies cancel`.
struct CancelTests {
    private static let options = "--provider simulator --base-url {URL} --speed 1000"
    private static let acme = [TaskSpec.Tag(name: "client", value: "acme")]

    @Test func `unsent tasks are cancelled immediately, without an API key`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly", tags: Self.acme), Scene.spec("crane"), Scene.spec("tilt")])
        let tagged = try await scene.dailies("cancel", "--tag", "client=acme", key: nil)
        #expect(tagged == Outcome(0, out: "1 cancelled before being sent\n"))
        let named = try await scene.dailies("cancel", "crane", "crane", "dolly", key: nil)
        #expect(
            named
                == Outcome(
                    0,
                    out: """
                        forest/dolly: nothing to cancel: cancelled before it was sent
                        1 cancelled before being sent, 1 already finished

                        """))
        #expect(try scene.task("tilt").state == .queued)
        #expect(try scene.task("crane").withdrawn == .cancelled)
        #expect(try scene.events("crane") == ["withdrawn user cancelled"])
        #expect(
            try await scene.dailies("cancel", "--all", "--yes") == Outcome(0, out: "1 cancelled before being sent\n"))
        #expect(try await scene.dailies("cancel", "--all") == Outcome(0, out: "nothing to cancel\n"))
    }

    @Test func `tasks queued at the provider are looked up and cancelled free of charge`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        let id = try #require(try scene.simulator?.submit(key: Scene.submissionKey("dolly")))
        try scene.sendAccepted("dolly", as: id)
        let outcome = try await scene.online("cancel", "--state", "queued")
        #expect(
            outcome
                == Outcome(
                    0,
                    out: """
                        forest/dolly: cancelled at the provider free of charge
                        1 cancelled before being sent, 1 cancelled at the provider

                        """))
        #expect(try scene.task("dolly").state == .cancelled)
        #expect(try scene.task("dolly").credits == .zero)
        #expect(try scene.simulator?.bill().total == "0")
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `rendering tasks are skipped without --even-if-charged`() async throws {
        // With this seed it waits five seconds and renders for 65, which is long enough on a busy machine.
        let scene = try await Scene(simulator: ["--speed", "1", "--seed", "2"])
        try scene.importManifest([Scene.spec("dolly")])
        let simulator = try #require(scene.simulator)
        let id = try simulator.submit(key: Scene.submissionKey("dolly"))
        try scene.sendAccepted("dolly", as: id)
        try await blocking { try simulator.wait(for: id, toBe: "running") }
        let left = try await scene.online("cancel", "dolly")
        #expect(
            left
                == Outcome(
                    5,
                    out: """
                        forest/dolly: skipped: already rendering; cancelling may be partly charged (use --even-if-charged)
                        1 skipped while rendering

                        """))
        #expect(try scene.task("dolly").state == .running)
        let cancelled = try await scene.online("cancel", "dolly", "--even-if-charged")
        #expect(cancelled.code == 0)
        let task = try scene.task("dolly")
        #expect(task.state == .cancelled)
        #expect(task.credits?.description == (try simulator.bill().total))
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test(arguments: ["later", "never"])
    func `a partial charge missing from the cancel reply is queried once, and else unknown`(
        cancellation: String
    ) async throws {
        let scene = try await Scene(simulator: ["--speed", "1", "--seed", "2", "--cancellation", cancellation])
        try scene.importManifest([Scene.spec("dolly")])
        let simulator = try #require(scene.simulator)
        let id = try simulator.submit(key: Scene.submissionKey("dolly"))
        try scene.sendAccepted("dolly", as: id)
        try await blocking { try simulator.wait(for: id, toBe: "running") }
        let cancelled = try await scene.online("cancel", "dolly", "--even-if-charged")
        #expect(cancelled.code == 0, "\(cancelled)")
        let task = try scene.task("dolly")
        #expect(task.state == .cancelled && task.latest?.isCostAwaited == false)
        #expect(task.credits?.description == (cancellation == "later" ? try simulator.bill().total : nil))
        let events = try scene.events("dolly")
        #expect(
            events.suffix(2) == ["running", "cancelled reply cancelled"])
        if cancellation == "never" {
            #expect(cancelled.out.contains("unknown cost"), "\(cancelled)")
            let again = try await scene.online("reconcile")
            #expect(
                again.code == 0
                    && again.out.contains("forest/dolly, attempt 1: the provider still does not report its cost"))
            let json = try await scene.online("reconcile", "--json")
            #expect(json.out.contains("\"verdict\":\"cost_unknown\"") && json.out.contains("\"costs_asked\":1"))
            #expect(try scene.events("dolly") == events)
        }
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test(arguments: [false, true])
    func `a task that has started rendering is recorded at its cost, even if the cancel reply omits it`(
        isSilent: Bool
    ) async throws {
        let faults = "rendersBeforeCancel=1" + (isSilent ? ",silentCancelCost=1" : "")
        let scene = try await Scene(simulator: ["--speed", "0.001", "--fault", faults])
        try scene.importManifest([Scene.spec("dolly")])
        let simulator = try #require(scene.simulator)
        let id = try simulator.submit(key: Scene.submissionKey("dolly"))
        try scene.sendAccepted("dolly", as: id)
        let outcome = try await scene.online("cancel", "dolly")
        let charged = try simulator.bill().total
        #expect(outcome.code == 0 && charged != "0")
        #expect(outcome.out.contains("forest/dolly: cancelled at the provider for \(charged) credits\n"), "\(outcome)")
        #expect(try scene.task("dolly").credits?.description == charged)
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `a user's cancel replaces the pending cancel of a guard`() async throws {
        let scene = try await Scene(simulator: ["--speed", "0.001"])
        try scene.importManifest([Scene.spec("dolly")])
        let id = try #require(try scene.simulator?.submit(key: Scene.submissionKey("dolly")))
        try scene.sendAccepted("dolly", as: id) { [.cancelWanted($0, .budget)] }
        #expect(try await scene.online("cancel", "dolly").code == 0)
        let task = try scene.task("dolly")
        #expect(task.state == .cancelled && task.attempt == 1 && task.credits == .zero)
    }

    @Test func `a task that has completed is recorded as completed, and can be downloaded`() async throws {
        let scene = try await Scene(simulator: ["--speed", "100000"])
        try scene.importManifest([Scene.spec("dolly")])
        let simulator = try #require(scene.simulator)
        let id = try simulator.submit(key: Scene.submissionKey("dolly"))
        try scene.sendAccepted("dolly", as: id)
        try await blocking { try simulator.wait(for: id, toBe: "completed") }
        let outcome = try await scene.online("cancel", "dolly")
        let charged = try simulator.bill().total
        #expect(
            outcome
                == Outcome(
                    9,
                    out: """
                        forest/dolly: not cancelled: it had already completed, for \(charged) credits; \
                        run `dailies resume \(Self.options)` to download it
                        1 already completed

                        """))
        #expect(try scene.task("dolly").state == .completed)
        #expect(try scene.task("dolly").credits?.description == charged)
    }

    @Test func `an uncertain task is cancelled if it is found by its key, and else stays uncertain`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        try scene.sendUncertain("crane")
        try scene.simulator?.submit(key: Scene.submissionKey("dolly"))
        let outcome = try await scene.online("cancel", "--all")
        #expect(
            outcome
                == Outcome(
                    6,
                    out: """
                        forest/dolly: cancelled at the provider free of charge
                        forest/crane: still uncertain: not found by its submission key (404 task_not_found: no such task \
                        for this key); run `dailies reconcile \(Self.options)`
                        1 cancelled at the provider, 1 uncertain

                        """))
        #expect(
            try scene.events("dolly") == [
                "intent", "uncertain broken", "accepted query", "cancelled rule:not_billed cancelled",
            ])
        #expect(try scene.task("crane").isUncertain)
        #expect(try scene.store { try $0.problems() } == [])
    }

    @Test func `without an API key only unsent tasks are cancelled, and the exit code is 77`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendAccepted("dolly", as: "vt_1")
        let outcome = try await scene.dailies("cancel", "--all", key: nil)
        #expect(
            outcome
                == Outcome(
                    77, out: "1 cancelled before being sent\n",
                    err:
                        "dailies: 1 task at the provider cannot be cancelled: no API key; set BYTESPIKE_API_KEY "
                        + "or use --api-key-file PATH (nothing was submitted)\n"))
        #expect(try scene.task("crane").state == .cancelled)
        #expect(try scene.task("dolly").state == .queued)
    }

    @Test func `invalid combinations of arguments are refused`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let cases: [(words: [String], message: String)] = [
            ([], "specify which tasks: keys, --state, --tag, --batch or --all"),
            (["--state", "failed"], "cancel accepts only --state queued or running, not failed"),
            (["dolly", "--all"], "use either keys or --all, not both"),
            (["dolly", "--state", "queued"], "use either keys or --state/--tag, not both"),
        ]
        for (words, message) in cases {
            let outcome = try await scene.dailies(words: ["cancel"] + words)
            #expect(outcome.code == 64)
            #expect(outcome.err.hasPrefix("Error: \(message)\n"), "\(outcome.err)")
        }
        let outcome = try await scene.dailies("cancel", "nobody")
        #expect(outcome.code == 64)
        #expect(try scene.task("dolly").state == .queued)
    }

    @Test func `json output is one object per line and ends with the exit code`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        let outcome = try await scene.dailies("cancel", "dolly", "--json", key: nil)
        #expect(
            outcome
                == Outcome(
                    0,
                    out: """
                        {"type":"task","batch":"forest","key":"dolly","attempt":1,"task_id":null,"outcome":"withdrawn"}
                        {"type":"finished","withdrawn":1,"cancelled":0,"completed":0,"already_over":0,"renders":0,"asked":0,\
                        "uncertain":0,"not_cancelled":0,"told":0,"exit_code":0}

                        """))
    }
}
