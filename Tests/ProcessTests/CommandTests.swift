import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// What a user tells a runner from another terminal.
    struct CommandTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private func tell(_ words: String...) throws -> TestEnvironment.Finished {
            try test.finish(words + ["--store", test.store], environment: ["NO_COLOR": "1"])
        }

        /// The longest time from a command to its end, as the store has it.
        private func maximumWait() throws -> Int {
            try StoreFile(test.store).number("SELECT max(ended_at_ms - at_ms) FROM command")
        }

        /// A simulator where nothing renders until it is told to, and a run with every slot taken.
        private func standstill(clips: Int, concurrency: Int) throws -> (Simulator, Child) {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: clips)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "\(concurrency)"])
            // By the store: what is told may not be durable yet, and a runner that is stopped in the middle of a commit
            // holds everybody up.
            try run.wait(for: "the start") { $0.count("started") == 1 }
            let file = try StoreFile(test.store)
            try eventually("all slots to be taken") {
                try file.number("SELECT count(*) FROM task WHERE task_id IS NOT NULL") == concurrency
            }
            return (simulator, run)
        }

        /// Stops a runner where it holds nobody up: not in the middle of a commit.
        private func halt(_ run: Child) throws {
            try eventually("the runner to stand between two commits") {
                try run.halt()
                if try StoreFile.isFree(test.store) { return true }
                try run.goOn()
                return false
            }
        }

        @Test func `a cancel is carried out by the living runner within a second`() throws {
            let (simulator, run) = try standstill(clips: 6, concurrency: 2)
            let waiting = try tell("cancel", "clip-006")
            #expect(waiting.code == 0 && waiting.out == "1 cancelled before being sent\n", "\(waiting)")
            let sent = try tell("cancel", "clip-001")
            #expect(
                sent.out == """
                    batch/clip-001: cancelled at the provider free of charge
                    1 cancelled at the provider

                    """, "\(sent)")
            #expect(try maximumWait() < 1000)
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("withdrawn") == 1 && run.written.count("cancelled") == 1)
            let states = try StoreFile(test.store).rows("SELECT state, count(*) FROM task GROUP BY state")
            #expect(states == ["cancelled|2", "completed|4"])
            #expect(try simulator.bill().accepted == 5)
        }

        @Test func `a command outwaits another one at a slow provider, and then carries out its own`() throws {
            let simulators = try [Simulator(test, speed: 500), Simulator(test, speed: 500)]
            for (index, simulator) in simulators.enumerated() {
                try simulator.control(#"{"model_slots": 0}"#)
                let run = try test.startRun([try test.manifest("\(index).jsonl", clips: 1)], at: simulator)
                try run.wait(for: "the start") { $0.count("started") == 1 }
                let file = try StoreFile(test.store)
                try eventually("the task to be accepted") {
                    try file.number("SELECT count(*) FROM task WHERE task_id IS NOT NULL") == index + 1
                }
                try run.killNow()
            }
            func cancel(_ index: Int) throws -> Child {
                let simulator = simulators[index]
                return try test.start([
                    "cancel", "clip-001", "--batch", "\(index)", "--store", test.store, "--provider", "simulator",
                    "--base-url", simulator.url, "--speed", "500",
                ])
            }
            try simulators[0].child.halt()
            let first = try cancel(0)
            let file = try StoreFile(test.store)
            try eventually("the first to begin") { try file.number("SELECT count(started_at_ms) FROM command") == 1 }
            let second = try cancel(1)
            // Longer than a command waits for an active run.
            #expect(second.ending(within: 11) == nil)
            try simulators[0].child.goOn()
            for command in [first, second] { #expect(try command.ended() == .exited(0), "\(command.written)") }
            #expect(try file.rows("SELECT state, count(*) FROM task GROUP BY state") == ["cancelled|2"])
            for simulator in simulators { #expect(try simulator.bill().total == "0") }
        }

        @Test func `a command that is being carried out is not withdrawn`() throws {
            let (simulator, run) = try standstill(clips: 2, concurrency: 2)
            try run.killNow()
            try simulator.child.halt()
            let cancel = try test.start([
                "cancel", "clip-001", "--store", test.store, "--provider", "simulator", "--base-url", simulator.url,
                "--speed", "500",
            ])
            let file = try StoreFile(test.store)
            try eventually("the command to begin") { try file.number("SELECT count(started_at_ms) FROM command") == 1 }
            let refused = try test.finishRun([test.path("batch.jsonl")], at: simulator)
            #expect(
                refused.code == 11 && refused.err.contains("is in use: another command is using the store (process "),
                "\(refused)")
            cancel.send(SIGINT)
            poll(nil, 0, 100)
            try simulator.child.goOn()
            #expect(try cancel.ended() == .exited(130))
            #expect(cancel.written.errText.contains("1 of the commands may still take effect"))
            #expect(try file.one("SELECT coalesce(outcome, 'open') FROM command") != "taken_back")
        }

        @Test func `a failed task is rendered again by the active runner`() throws {
            let simulator = try Simulator(test, speed: 60, ["--fault", "failRender=1"])
            let run = try test.startRun([try test.manifest(clips: 8)], at: simulator, ["--concurrency", "1"])
            try run.wait(for: "a failure") { $0.count("failed") >= 1 }
            // The next one waits at the provider, so that the run goes on.
            try simulator.control(#"{"faults": false, "model_slots": 0}"#)
            let file = try StoreFile(test.store)
            try eventually("the failure to be durable") {
                try file.number("SELECT count(*) FROM task WHERE state = 'failed'") >= 1
            }
            let failed = try file.one("SELECT key FROM task WHERE state = 'failed' LIMIT 1")
            let retried = try tell("retry", failed)
            #expect(retried.code == 0 && retried.out == "1 task queued again for the active run\n", "\(retried)")
            #expect(try maximumWait() < 1000)
            try simulator.control(#"{"model_slots": null}"#)
            try run.ended()
            let attempt = try StoreFile(test.store).one("SELECT state, attempt FROM task WHERE key = '\(failed)'")
            #expect(attempt == "completed|2")
        }

        @Test func `a paused run holds still and waits, and goes on when it is told to`() throws {
            let (simulator, run) = try standstill(clips: 8, concurrency: 2)
            let paused = try tell("pause")
            #expect(paused.code == 0 && paused.out == "paused: everything\napplied by the active run\n", "\(paused)")
            #expect(try maximumWait() < 1000)
            try simulator.control(#"{"model_slots": null}"#)
            try run.wait(for: "what is in flight") { $0.count("saved") == 2 }
            #expect(run.ending(within: 0.5) == nil, "a paused run waits")
            #expect(try simulator.bill().submits == 2)
            #expect(try tell("unpause").out == "no longer paused: everything\napplied by the active run\n")
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 8)
        }

        @Test func `a pause without a runner holds for the next one`() throws {
            let simulator = try Simulator(test, speed: 500)
            #expect(try test.finishRun([try test.manifest("first.jsonl", clips: 1)], at: simulator).code == 0)
            let unnamed = try tell("pause", "--model", "")
            #expect(unnamed.code == 64 && unnamed.err.contains("--model needs the name of a model"), "\(unnamed)")
            #expect(try tell("pause").out == "paused: everything\napplies to the next run\n")
            let run = try test.startRun([try test.manifest(clips: 2)], at: simulator)
            try run.wait(for: "the word that it is paused") { $0.outText.contains("paused by `dailies pause`") }
            #expect(run.ending(within: 0.3) == nil)
            #expect(try simulator.bill().submits == 1)
            #expect(try tell("unpause").code == 0)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `a higher limit is followed at once`() throws {
            let (simulator, run) = try standstill(clips: 8, concurrency: 2)
            let told = try tell("concurrency", "5")
            #expect(told.out == "nothing is paused\nat most 5 tasks in flight\napplied by the active run\n", "\(told)")
            try run.wait(for: "more in flight") { $0.count("accepted") == 5 }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0))
            #expect(try simulator.bill().maximumInFlight == 5)
        }

        @Test func `what a killed runner was told is done by the one who told it`() throws {
            let (simulator, run) = try standstill(clips: 4, concurrency: 1)
            try halt(run)
            let cancel = try test.start(
                ["cancel", "clip-004", "--store", test.store], environment: ["NO_COLOR": "1"])
            let file = try StoreFile(test.store)
            try eventually("the command to be written") { try file.number("SELECT count(*) FROM command") == 1 }
            try run.killNow()
            #expect(try cancel.ended() == .exited(0), "\(cancel.written.errText)")
            #expect(cancel.written.outText == "1 cancelled before being sent\n")
            #expect(try file.one("SELECT outcome FROM command") == "taken_back")
            #expect(try file.one("SELECT state FROM task WHERE key = 'clip-004'") == "cancelled")
            withExtendedLifetime(simulator) {}
        }

        @Test func `what a killed runner was told and nobody took back is done by the next run`() throws {
            let (simulator, run) = try standstill(clips: 4, concurrency: 1)
            try halt(run)
            let cancel = try test.start(["cancel", "clip-004", "--store", test.store])
            let file = try StoreFile(test.store)
            try eventually("the command to be written") { try file.number("SELECT count(*) FROM command") == 1 }
            try cancel.killNow()
            try run.killNow()
            try simulator.control(#"{"model_slots": null}"#)
            let next = try test.finishRun([test.path("batch.jsonl")], at: simulator)
            #expect(next.code == 0, "\(next.err)")
            #expect(try file.one("SELECT outcome FROM command") == "withdrawn")
            #expect(try file.one("SELECT state FROM task WHERE key = 'clip-004'") == "cancelled")
            #expect(try simulator.bill().accepted == 3)
        }

        /// Submits a task to the simulator past the program, and returns its ID.
        private func submit(_ simulator: Simulator, key: String) throws -> String {
            let body = #"{"model":"veo-3.1-fast","prompt":"take 1","duration_seconds":2,"out_task_id":"\#(key)"}"#
            let reply = try HTTP.exchange(
                simulator.port, "POST", "/v1/tasks/submit", headers: ["Authorization: Bearer any-key-will-do-here"],
                body: body)
            return try #require(try JSONValue.parse(reply.body)["task_id"]?.string, "\(reply.text)")
        }

        @Test func `an active run looks up, adopts and gives up uncertain tasks`() throws {
            let simulator = try Simulator(test, speed: 500, ["--keys", "ignored", "--fault", "serverErrorBefore=1"])
            let first = try test.manifest("first.jsonl", clips: 3)
            #expect(try test.finishRun([first], at: simulator, ["--max-wait", "1000s"]).code == 6)
            #expect(try test.status("uncertain") == 3)
            try simulator.control(#"{"faults": false, "model_slots": 0}"#)
            let run = try test.startRun([try test.manifest(clips: 2)], at: simulator)
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 2 }

            let lookedUp = try tell("reconcile")
            #expect(lookedUp.code == 6 && lookedUp.out.hasSuffix("3 tasks: none resolved; unresolved: 3 uncertain\n"))
            let remote = try submit(simulator, key: "by-hand")
            let adopted = try tell("reconcile", "--batch", "first", "--adopt", "clip-001=\(remote)")
            #expect(adopted.out.contains("verdict:  adopted; recorded as \(remote)\n"), "\(adopted)")
            let given = try tell(
                "reconcile", "--batch", "first", "--assume-lost", "clip-002", "--assume-lost", "clip-003")
            #expect(given.code == 0 && given.out.contains("2 tasks: 2 assumed lost; none unresolved\n"), "\(given)")
            #expect(try maximumWait() < 1000)

            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            let states = try StoreFile(test.store).rows("SELECT state, count(*) FROM task GROUP BY state")
            #expect(states == ["completed|3", "failed|2"])
            #expect(try simulator.bill().accepted == 3)
        }

        @Test func `a killed command is carried out by the next run, and nothing twice`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 400)
            try simulator.control(#"{"model_slots": 0}"#)
            let first = try test.startRun([manifest], at: simulator, ["--concurrency", "20"])
            try first.wait(for: "all slots to be taken") { $0.count("accepted") == 20 }
            try first.killNow()
            let cancel = try test.start(
                ["cancel", "--all", "--yes"]
                    + test.runArguments([], at: simulator).dropFirst().filter { word in
                        !["--output", test.renders, "--json", "--poll-window", "1000h"].contains(word)
                    })
            let file = try StoreFile(test.store)
            try eventually("commands to be written") { try file.number("SELECT count(*) FROM command") > 0 }
            try cancel.killNow()
            try simulator.control(#"{"model_slots": null}"#)
            let next = try test.finishRun([manifest], at: simulator, ["--concurrency", "20"])
            #expect(next.code == 0, "\(next.err)")
            #expect(try file.number("SELECT count(*) FROM command WHERE ended_at_ms IS NULL") == 0)
            let bill = try simulator.bill()
            #expect(bill.rendersByKey.values.allSatisfy { $0 == 1 })
            let (completed, cancelled) = (
                try file.number("SELECT count(*) FROM task WHERE state = 'completed'"),
                try file.number("SELECT count(*) FROM task WHERE state = 'cancelled'")
            )
            #expect(completed + cancelled == 400 && completed == bill.charges)
        }
    }
}
