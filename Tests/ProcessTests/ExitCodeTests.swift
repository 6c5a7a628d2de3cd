import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// What a script sees: the exit code, data on standard output, words on standard error.
    struct ExitCodeTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// The code, and that the last line of the data repeats it.
        private func expect(
            _ run: TestEnvironment.Finished, _ code: Int32, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(run.code == code, "\(run.err)", sourceLocation: sourceLocation)
            let objects = try run.out.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
            #expect(objects.allSatisfy { $0["type"]?.string != nil }, sourceLocation: sourceLocation)
            #expect(objects.last?["type"]?.string == "finished", "\(run.out)", sourceLocation: sourceLocation)
            #expect(objects.last?["exit_code"]?.number == "\(code)", sourceLocation: sourceLocation)
        }

        @Test func `0: everything is completed and saved`() throws {
            let simulator = try Simulator(test, speed: 1000)
            try expect(try test.finishRun([try test.manifest(clips: 3)], at: simulator), 0)
        }

        @Test func `0: not asked to be saved`() throws {
            let simulator = try Simulator(test, speed: 1000)
            try expect(try test.finishRun([try test.manifest(clips: 3)], at: simulator, ["--no-download"]), 0)
            #expect(test.files(below: test.renders) == [])
        }

        @Test func `3: some renders failed, free of charge`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--fault", "failRender=1"])
            try expect(try test.finishRun([try test.manifest(clips: 3)], at: simulator), 3)
            #expect(try test.report().credits == "0")
            #expect(try test.status("failed") == 3)
        }

        @Test func `5: the provider cannot be reached for longer than the patience`() throws {
            let gone = try Simulator(test, speed: 200)
            try gone.child.killNow()
            let manifest = try test.manifest(clips: 3)
            try expect(try test.finishRun([manifest], at: gone, ["--max-wait", "60s"]), 5)
            #expect(try test.status("queued") == 3)
            #expect(try test.status("uncertain") == 0)
            let back = try Simulator(test, speed: 200, port: gone.port)
            try expect(try test.finishRun([manifest], at: back), 0)
            try test.expectAllPaidOnce(back, tasks: 3)
        }

        @Test func `5: an outage outlasts the patience while tasks render`() throws {
            let simulator = try Simulator(test, speed: 200)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 3)
            let run = try test.startRun([manifest], at: simulator, ["--max-wait", "60s"])
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 3 }
            try simulator.control(#"{"outage": true}"#)
            try expect(TestEnvironment.Finished(child: run), 5)
            try simulator.control(#"{"outage": false, "model_slots": null}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `5: what is past its poll window is left for the next run`() throws {
            let simulator = try Simulator(test, speed: 200)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 3)
            try expect(try test.finishRun([manifest], at: simulator, ["--poll-window", "30s"]), 5)
            #expect(try simulator.bill().accepted == 3)
            try simulator.control(#"{"model_slots": null}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `7: the wallet is empty`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--balance", "0.2"])
            let manifest = try test.manifest(clips: 5)
            let run = try test.finishRun([manifest], at: simulator)
            try expect(run, 7)
            #expect(run.out.contains("out of credits"))
            #expect(try test.status("completed") == 2)
            #expect(try test.status("queued") == 3)
            try simulator.control(#"{"top_up": 10}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 5)
        }

        @Test func `8: the budget is reached, and holds without being repeated`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = try test.manifest(clips: 12)
            // A clip costs 0.08, and until one has settled it might cost 0.4.
            try expect(try test.finishRun([manifest], at: simulator, ["--budget", "0.9"]), 8)
            let spent = try #require(Double(try test.report().credits))
            #expect(spent > 0.3 && spent <= 0.9)
            let submits = try simulator.bill().submits
            try expect(try test.finishRun([manifest], at: simulator), 8)
            #expect(try simulator.bill().submits == submits)
            try expect(try test.finishRun([manifest], at: simulator, ["--budget", "none"]), 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test func `9: paid clips cannot be fetched, and the next run fetches them without paying`() throws {
            let simulator = try Simulator(test, speed: 200, ["--fault", "expireURL=1"])
            let manifest = try test.manifest(clips: 3)
            try expect(try test.finishRun([manifest], at: simulator, ["--max-wait", "30s"]), 9)
            #expect(try test.status("paid_not_saved") == 3)
            #expect(try test.report().credits == (try simulator.bill().total))
            try simulator.control(#"{"faults": false}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            #expect(try simulator.bill().submits == 3)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `a download that is cut again and again is put together from its parts`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--fault", "cutDownload=1", "--padding", "300000"])
            try expect(try test.finishRun([try test.manifest(clips: 3)], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `11: a second runner names the first`() throws {
            // The first run must not pass its tasks' poll window before the second has started.
            let simulator = try Simulator(test, speed: 100)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 3)
            let first = try test.startRun([manifest], at: simulator)
            try first.wait(for: "its tasks to be accepted") { $0.count("accepted") == 3 }
            let second = try test.finishRun([manifest], at: simulator)
            try expect(second, 11)
            let words = "another run is using the store (process \(first.pid), since "
            #expect(second.err.contains(words), "\(second.err)")
            #expect(second.err.contains("); wait for it or stop it (reading still works)"), "\(second.err)")
            #expect(try simulator.bill().submits == 3)
            // The lock dies with its process.
            try first.killNow()
            try simulator.control(#"{"model_slots": null}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test(arguments: [
            ["--no-such-flag"], ["--concurrency", "0"], ["--speed", "7"], ["--budget", "much"],
            ["--base-url", "http://example.com"], ["--max-wait", "soon"], ["--concurrency", "model:=3"],
            ["--concurrency", "model:x=0"], ["--concurrency", "2", "--concurrency", "3"], ["--rate", "0/s"],
            ["--rate", "2"], ["--cadence", "adaptive:2"], ["--canary", "0"], ["--canary-max-credits", "2"],
        ]) func `64: what is asked for makes no sense`(_ words: [String]) throws {
            let simulator = try Simulator(test, speed: 1000)
            let run = try test.finishRun([try test.manifest(clips: 1)], at: simulator, words)
            #expect(run.code == 64, "\(run.err)")
            #expect(!run.err.isEmpty)
            #expect(try simulator.bill().submits == 0)
        }

        @Test func `65: a broken manifest is refused with every place, and nothing is begun`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = try test.write(
                "broken.jsonl",
                """
                {"id": "a", "model": "veo-3.1-fast", "prompt": "x", "duration_seconds": 2}
                {"id": "b", "model": "veo-3.1-fast", "prompt": "x", "duration_seconds": 99}
                {"id": "c", "model": "veo-3.1-fast", "promt": "x", "duration_seconds": 2}
                """)
            let run = try test.finishRun([manifest], at: simulator)
            try expect(run, 65)
            let problems = try run.out.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
                .filter { $0["type"]?.string == "problem" }
            #expect(problems.map { $0["line"]?.number } == ["2", "3", "3"], "\(run.out)")
            #expect(problems.allSatisfy { $0["file"]?.string == manifest })
            #expect(run.err.contains("nothing was submitted"))
            #expect(try simulator.bill().submits == 0)
            #expect(test.files() == [manifest], "something was made")
        }

        @Test func `65: a manifest that is not there, and one whose tasks have changed`() throws {
            let simulator = try Simulator(test, speed: 1000)
            try expect(try test.finishRun([test.path("none.yaml")], at: simulator), 65)
            #expect(test.files() == [])
            let manifest = try test.manifest(clips: 2)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            _ = try test.manifest(clips: 3, seconds: 3)
            try expect(try test.finishRun([manifest], at: simulator), 65)
            #expect(try simulator.bill().submits == 2)
        }

        @Test func `77: without a key nothing is begun`() throws {
            let simulator = try Simulator(test, speed: 1)
            let manifest = try test.manifest(clips: 1)
            let run = try test.finish(["run", manifest, "--base-url", simulator.url, "--store", test.store, "--json"])
            try expect(run, 77)
            #expect(run.err.contains("BYTESPIKE_API_KEY"), "\(run.err)")
            #expect(try simulator.bill().submits == 0)
            #expect(test.files() == [manifest], "something was made")
        }

        @Test func `77: a key that is refused stops the run, and no task has failed`() throws {
            let simulator = try Simulator(test, speed: 1000)
            try simulator.control(#"{"reject_keys": true}"#)
            let manifest = try test.manifest(clips: 3)
            try expect(try test.finishRun([manifest], at: simulator), 77)
            #expect(try test.status("queued") == 3)
            try simulator.control(#"{"reject_keys": false}"#)
            try expect(try test.finishRun([manifest], at: simulator), 0)
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `data goes to standard output and words to standard error`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let arguments = test.runArguments([try test.manifest(clips: 3)], at: simulator).filter { $0 != "--json" }
            let run = try test.finish(arguments)
            #expect(run.code == 0)
            #expect(run.out == "")
            #expect(run.err.contains("3 completed; 3 clips saved; 0.24 credits"), "\(run.err)")
            #expect(!run.err.contains("\u{1B}"), "colours without a terminal")
        }
    }
}
