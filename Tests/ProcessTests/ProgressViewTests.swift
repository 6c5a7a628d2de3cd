import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The live view on a terminal.
    struct LiveViewTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private func terminal(_ words: [String], width: Int, height: Int = 24) throws -> Terminal {
            try Terminal(
                words, width: width, height: height,
                environment: ["TERM": "xterm-256color", "HOME": test.folder, "SWIFT_BACKTRACE": "enable=no"],
                folder: test.folder)
        }

        private func run(_ manifest: String, at simulator: Simulator, _ more: [String] = []) -> [String] {
            test.runArguments([manifest], at: simulator).filter { $0 != "--json" } + more
        }

        /// The view is shown once, and every line fits.
        private func expectWhole(_ screen: Screen, _ location: SourceLocation = #_sourceLocation) {
            #expect(screen.faults == [], sourceLocation: location)
            #expect(screen.lines.count { $0.contains("━") || $0.contains("──") } == 1, sourceLocation: location)
            #expect(screen.lines.allSatisfy { $0.count <= screen.width }, sourceLocation: location)
        }

        @Test(arguments: [40, 80, 200])
        func `the view fits the terminal and shows the progress`(_ width: Int) throws {
            let simulator = try Simulator(test, speed: 60)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(
                "a-rather-long-name-of-a-campaign.jsonl", clips: 12, model: "sora-2", seconds: 4)
            let terminal = try terminal(
                run(manifest, at: simulator, ["--concurrency", "3", "--budget", "50"]), width: width)
            let screen = try terminal.wait(for: "three in flight") { screen in
                screen.lines.contains { $0.contains("3 in flight") }
                    && screen.lines.contains { $0.contains("reserved") }
            }
            expectWhole(screen)
            let text = screen.lines.joined(separator: "\n")
            for words in ["0/12  0 %", "9 waiting", "0 credits spent", "budget 50", "clip-001", "queued"] {
                #expect(text.contains(words), "\(words) is missing at \(width):\n\(text)")
            }
            let task = try #require(screen.lines.first { $0.hasPrefix("  clip-001") })
            #expect(task.contains("sora-2") == (width >= 60), "\(task)")
            #expect(!text.contains("done in"), "a forecast out of nothing")
            terminal.send(SIGINT)
            #expect(try terminal.ended() == 130)
        }

        @Test func `the view follows the terminal's size, is removed at the end, and redraws without clearing`() throws
        {
            let simulator = try Simulator(test, speed: 200)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 40)
            let terminal = try terminal(run(manifest, at: simulator, ["--concurrency", "6"]), width: 80)
            try terminal.wait(for: "the first clips") { $0.lines.contains { $0.contains("6 in flight") } }
            for (width, height) in [(40, 24), (200, 30), (60, 12), (80, 24)] {
                let frames = terminal.shown.frames
                terminal.resize(width: width, height: height)
                let screen = try terminal.wait(for: "two drawings at \(width)") { $0.frames > frames }
                expectWhole(screen)
            }
            #expect(terminal.shown.wipes == 0)
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try terminal.ended() == 0)
            let last = terminal.shown
            #expect(!last.history.contains { $0.contains("━") }, "the view is gone:\n\(last.history)")
            #expect(last.history.contains("40 completed; 40 clips saved; 3.2 credits"), "\(last.history)")
        }

        @Test func `the view shows failures and pauses`() throws {
            let simulator = try Simulator(test, speed: 60, ["--balance", "0.25", "--fault", "failRender=1"])
            let manifest = try test.manifest(clips: 4)
            let terminal = try terminal(run(manifest, at: simulator, ["--concurrency", "1"]), width: 80)
            let failed = try terminal.wait(for: "a failure") { $0.lines.contains { $0.hasPrefix("✗ clip-") } }
            expectWhole(failed)
            terminal.send(SIGINT)
            _ = try terminal.ended()
            #expect(terminal.shown.history.contains { $0.hasPrefix("failed: ") })
            #expect(terminal.shown.history.contains { $0.contains("dailies retry --failure-code") })
        }

        @Test func `a pause shows its reason and how to resume`() throws {
            let simulator = try Simulator(test, speed: 60)
            let manifest = try test.manifest(clips: 4)
            try simulator.control(#"{"model_slots": 0}"#)
            let terminal = try terminal(run(manifest, at: simulator, ["--concurrency", "1"]), width: 80)
            try terminal.wait(for: "one in flight") { $0.lines.contains { $0.contains("1 in flight") } }
            #expect(try test.finish(["pause", "--store", test.store]).code == 0)
            let screen = try terminal.wait(for: "the pause") { $0.lines.contains { $0.contains("dailies unpause") } }
            expectWhole(screen)
            terminal.send(SIGINT)
            _ = try terminal.ended()
        }

        @Test func `a pause counts down on the screen`() throws {
            let body = #"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"slow down"}}"#
            let service = try test.startScript { request in
                request.isSubmit
                    ? "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 40\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            }
            let words = test.runArguments([try test.manifest(clips: 2)], at: service).filter { $0 != "--json" }
            let terminal = try terminal(words, width: 100)
            func secondsLeft(_ screen: Screen) -> Int? {
                let line = screen.lines.first { $0.hasPrefix("◷ waiting: the provider's rate limit, retrying in ") }
                return (line?.firstMatch(of: #/ in (\d+) s: slow down$/#)?.1).flatMap { Int($0) }
            }
            let screen = try terminal.wait(for: "the wait") { secondsLeft($0) != nil }
            expectWhole(screen)
            let first = try #require(secondsLeft(screen))
            #expect((1...40).contains(first))
            try terminal.wait(for: "a second less, and then another") {
                secondsLeft($0).map { $0 <= first - 2 } ?? false
            }
            terminal.send(SIGINT)
            #expect(try terminal.ended() == 130)
        }

        @Test func `SIGUSR1 prints a status summary, with and without a terminal`() throws {
            let simulator = try Simulator(test, speed: 60)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 4)
            let plain = try test.start(run(manifest, at: simulator, ["--concurrency", "2"]))
            try plain.wait(for: "the start") { $0.errText.contains("4 of 4 clips remaining") }
            let file = try StoreFile(test.store)
            try eventually("two in flight") {
                try file.number("SELECT count(*) FROM task WHERE task_id IS NOT NULL") == 2
            }
            plain.send(SIGUSR1)
            try plain.wait(for: "the snapshot") {
                $0.errText.contains("0 completed · 0 saved · 2 in flight · 2 waiting")
            }
            plain.send(SIGINT)
            #expect(try plain.ended() == .exited(130))
        }
    }

    /// `status --watch` and `status`.
    struct WatchTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test func `status --watch follows the run and never blocks the store's log`() throws {
            let simulator = try Simulator(test, speed: 300)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 30)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "3"])
            try run.wait(for: "the start") { $0.count("started") == 1 }
            let watch = try test.start(["status", "--watch", "--json", "--store", test.store])
            try watch.wait(for: "the slots to be taken") { $0.outText.contains(#""in_flight":3"#) }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            try watch.wait(for: "the end") { $0.outText.contains(#""completed":30"#) }
            // The log can be checkpointed and truncated while the watcher is still running.
            try eventually("the log to be cut") { try StoreFile.checkpoint(test.store) }
            watch.send(SIGINT)
            _ = try watch.ended()
        }

        @Test func `the view of status --watch fits any height`() throws {
            let manifests = try (1...30).map { try test.manifest("batch-\($0).jsonl", clips: 2) }
            let simulator = try Simulator(test, speed: 1000)
            let run = try test.finishRun(manifests, at: simulator, ["--budget", "0"])
            #expect(run.code == 8, "\(run.err)")
            let terminal = try Terminal(
                ["status", "--watch", "--store", test.store], width: 120, height: 16,
                environment: ["TERM": "xterm-256color", "HOME": test.folder], folder: test.folder, showsData: true)
            func expectWhole(_ screen: Screen, _ location: SourceLocation = #_sourceLocation) {
                #expect(screen.scrolledOff == [], sourceLocation: location)
                #expect(screen.faults == [], sourceLocation: location)
                #expect(
                    screen.lines.contains { $0.hasPrefix("and ") && $0.hasSuffix(" more") }, sourceLocation: location)
                #expect(screen.lines.contains { $0.hasPrefix("total") }, sourceLocation: location)
            }
            let screen = try terminal.wait(for: "the table") { $0.lines.contains { $0.hasPrefix("total") } }
            expectWhole(screen)
            #expect(screen.lines.contains { $0.hasPrefix("and 18 more") }, "\(screen.lines)")
            for (width, height) in [(120, 9), (44, 24), (120, 24)] {
                let frames = terminal.shown.frames
                terminal.resize(width: width, height: height)
                let screen = try terminal.wait(for: "a drawing at \(height)") { $0.frames > frames }
                #expect(screen.faults == [])
                #expect(screen.lines.contains { $0.hasPrefix("total") }, "\(screen.lines)")
            }
            terminal.send(SIGINT)
            _ = try terminal.ended()
        }

        @Test func `status says who works, and what is paused`() throws {
            let simulator = try Simulator(test, speed: 60)
            try simulator.control(#"{"model_slots": 0}"#)
            let run = try test.startRun([try test.manifest(clips: 3)], at: simulator, ["--concurrency", "1"])
            try run.wait(for: "the start") { $0.count("accepted") == 1 }
            #expect(try test.finish(["pause", "--store", test.store]).code == 0)
            let status = try test.finish(["status", "--store", test.store])
            #expect(status.out.contains("\npaused: everything\nactive run: process \(run.pid), since "))
            run.send(SIGINT)
            _ = try run.ended()
            #expect(try !test.finish(["status", "--store", test.store]).out.contains("a runner"))
        }
    }
}
