import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// What is asked before money is spent, and what a no leaves behind.
    struct ConfirmationTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private let environment = [
            "TERM": "dumb", "BYTESPIKE_API_KEY": "sk-some-key-of-this-test", "SWIFT_BACKTRACE": "enable=no",
        ]

        private func terminal(_ words: [String]) throws -> Terminal {
            try Terminal(
                words, width: 200, height: 24, environment: environment.merging(["HOME": test.folder]) { $1 },
                folder: test.folder, takesInput: true)
        }

        private func lines(_ prompts: [String]) -> String {
            prompts.enumerated().map { index, prompt in
                #"{"id": "clip-\#(index)", "model": "sora-2", "prompt": "\#(prompt)", "duration_seconds": 4}"# + "\n"
            }.joined()
        }

        /// As the provider itself, which is paid: only then is anything asked.
        private func words(_ command: [String], _ simulator: Simulator) -> [String] {
            command + ["--base-url", simulator.url, "--speed", "\(simulator.speed)", "--store", test.store]
        }

        private func answer(_ answer: String, _ words: [String]) throws -> (code: Int32, shown: String) {
            let terminal = try terminal(words)
            try terminal.wait(for: "the question") { $0.history.contains { $0.contains("Continue? [y/N]") } }
            try terminal.type(answer)
            let code = try terminal.ended()
            return (code, terminal.shown.history.joined(separator: "\n"))
        }

        private func dump() throws -> [String] {
            let file = try StoreFile(test.store)
            return try ["batch", "tag_budget", "task_input", "task_state", "attempt", "event", "command"].flatMap {
                table in
                try file.rows("SELECT * FROM \(table)")
            }
        }

        @Test func `a no leaves changes, removals and budgets undone, and makes no store`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = test.folder + "/m.jsonl"
            try lines(["a fox", "a stag"]).write(toFile: manifest, atomically: true, encoding: .utf8)
            let run = words(["run", manifest, "--output", test.renders], simulator)
            let first = try answer("n", run)
            #expect(first.code == 5 && first.shown.contains("2 clips will be rendered"), "\(first.shown)")
            #expect(first.shown.contains("nothing was submitted and the store was not changed"))
            #expect(!FileManager.default.fileExists(atPath: test.store))
            #expect(try answer("y", run + ["--budget", "9"]).code == 0)
            #expect(try simulator.bill().accepted == 2)

            try lines(["a fox at dusk"]).write(toFile: manifest, atomically: true, encoding: .utf8)
            let before = try dump()
            let more = ["--accept-changes", "--budget", "70", "--budget", "tag:a=b=1", "--budget-mode", "soft"]
            let refused = try answer("no", run + more)
            #expect(refused.code == 5 && refused.shown.contains("1 clips will be rendered"), "\(refused.shown)")
            #expect(try dump() == before)
            // A refusal comes before the question.
            let terminal = try terminal(run + ["--budget", "70"])
            #expect(try terminal.ended() == 65)
            #expect(!terminal.shown.history.contains { $0.contains("Continue?") })
            #expect(try dump() == before)
            #expect(try simulator.bill().accepted == 2)
            #expect(try answer("yes", run + more).code == 0)
            #expect(try simulator.bill().accepted == 3)
        }

        @Test func `the question comes after what is said of clips that are there already`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = test.folder + "/m.jsonl"
            try lines(["a fox"]).write(toFile: manifest, atomically: true, encoding: .utf8)
            let run = words(["run", manifest, "--output", test.renders], simulator)
            #expect(try answer("y", run).code == 0)
            let other = test.folder + "/other.jsonl"
            try lines(["a fox", "a stag", "a stag"]).write(toFile: other, atomically: true, encoding: .utf8)
            let refused = try answer("n", words(["run", other, "--output", test.renders], simulator))
            #expect(refused.code == 5, "\(refused.shown)")
            let said = refused.shown.components(separatedBy: "Continue?")[0]
            #expect(said.contains("note: 1 of 3 is identical to clips you have: clip-0 in m"), "\(said)")
            #expect(said.contains("note: 1 of 3 repeats the request of an earlier task"), "\(said)")
            #expect(try simulator.bill().accepted == 1)
        }

        @Test func `a no to resume leaves the budgets as they were`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = test.folder + "/m.jsonl"
            try lines(["a fox", "a stag"]).write(toFile: manifest, atomically: true, encoding: .utf8)
            let run = words(["run", manifest, "--output", test.renders, "--budget", "0.1"], simulator)
            #expect(try answer("y", run).code == 8)
            let before = try dump()
            let resume = words(["resume", "--budget", "9"], simulator)
            let refused = try answer("", resume)
            #expect(refused.code == 5, "\(refused.shown)")
            #expect(try dump() == before)
            #expect(try simulator.bill().accepted == 0)
            #expect(try answer("y", resume).code == 0)
            #expect(try simulator.bill().accepted == 2)
        }

        @Test func `another command does not wait for the answer, and nothing is cancelled that was not asked about`()
            throws
        {
            let simulator = try Simulator(test, speed: 1000)
            let run = try test.finishRun([try test.manifest(clips: 3)], at: simulator, ["--budget", "0"])
            #expect(run.code == 8, "\(run.err)")
            let cancel = ["cancel", "--all", "--store", test.store]
            func open(_ question: String) throws -> Terminal {
                let terminal = try terminal(cancel)
                try terminal.wait(for: "the question") { $0.history.contains { $0.hasPrefix(question) } }
                return terminal
            }
            let first = try open("3 tasks will be cancelled. Continue?")
            let other = try test.finish(["cancel", "clip-003", "--store", test.store])
            #expect(other.code == 0 && other.out == "1 cancelled before being sent\n", "\(other)")
            try first.type("y")
            #expect(try first.ended() == 0)
            let counts = try StoreFile(test.store).rows("SELECT state, count(*) FROM task GROUP BY state")
            #expect(counts == ["cancelled|3"])

            #expect(try test.finish(["retry", "clip-001", "--store", test.store]).code == 0)
            let second = try open("1 task will be cancelled. Continue?")
            #expect(try test.finish(["retry", "clip-002", "--store", test.store]).code == 0)
            try second.type("y")
            #expect(try second.ended() == 5)
            let shown = second.shown.history.joined(separator: "\n")
            #expect(
                shown.contains("2 tasks match now, not 1; nothing was cancelled; run the command again"), "\(shown)")
            let waiting = try StoreFile(test.store).number("SELECT count(*) FROM task WHERE state = 'queued'")
            #expect(waiting == 2)
        }
    }
}
