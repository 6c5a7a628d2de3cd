import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// SIGINT, SIGTERM and SIGHUP.
    struct SignalTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test(
            .enabled(if: Child.slowed == nil, Child.slowed),
            arguments: [(SIGHUP, Int32(129)), (SIGINT, Int32(130)), (SIGTERM, Int32(143))])
        func `the first signal ends submission within 100 ms and waits for submits in flight`(
            _ signal: Int32, _ code: Int32
        ) throws {
            // A busy machine may stop the program itself for longer; a program that is late is late each time.
            var late: [Double] = []
            for _ in 1...3 {
                late = try submitsAfter(signal, code, on: TestEnvironment())
                if late.isEmpty { return }
            }
            Issue.record("submits came this many milliseconds after the signal, three times: \(late)")
        }

        /// The times of submits later than 100 ms after the signal, in milliseconds.
        private func submitsAfter(_ signal: Int32, _ code: Int32, on test: TestEnvironment) throws -> [Double] {
            let simulator = try Simulator(test, speed: 500)
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.manifest(clips: 150)
            let run = try test.startRun([manifest], at: proxy, ["--concurrency", "20"])
            try run.wait(for: "the middle of it") { $0.count("accepted") >= 40 }
            let moment = Date().timeIntervalSince1970 * 1000
            run.send(signal)
            #expect(try run.ended() == .exited(code), "\(run.written.errText)")
            let submits = proxy.requests.filter(\.isSubmit)
            #expect(submits.count < 150, "there was nothing left to stop")
            #expect(try test.status("in_the_air") == 0)
            let output = run.written
            #expect(output.errText.contains("stopping: waiting for requests in flight"))
            #expect(output.lines.last?.contains("\"exit_code\":\(code)") == true)
            #expect(try test.finishRun([manifest], at: proxy, ["--concurrency", "20"]).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 150)
            return submits.map { $0.at - moment }.filter { $0 > 100 }
        }

        @Test func `Ctrl-C prints what continues at the provider and its maximum cost`() throws {
            let simulator = try Simulator(test, speed: 500)
            let first = try test.manifest("first.jsonl", clips: 1)
            #expect(try test.finishRun([first], at: simulator).code == 0)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 8)
            let arguments = test.runArguments([manifest], at: simulator) + ["--concurrency", "4", "--verbose"]
            let run = try test.start(arguments.filter { $0 != "--json" })
            let file = try StoreFile(test.store)
            // Not by `status`, which counts submits in flight too.
            try eventually("all slots to be taken") {
                try file.number("SELECT count(*) FROM attempt WHERE is_open AND task_id IS NOT NULL") == 4
            }
            let held = try file.number(
                "SELECT sum(reserved_nano) FROM attempt WHERE is_open AND task_id IS NOT NULL")
            #expect(held > 0)
            run.send(SIGINT)
            #expect(try run.ended() == .exited(130), "\(run.written.errText)")
            let words = "still at the provider: 4 clips; rendering and charges continue without this program (up to "
            let line = try #require(run.written.errText.split(separator: "\n").first { $0.hasPrefix(words) })
            let credits = try #require(Double(line.dropFirst(words.count).prefix { $0 != " " }))
            #expect((credits * 1e9).rounded() == Double(held), "\(line)")
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 9)
        }

        private static let midwayTasks = 300

        /// A run that was asked to stop while some of its submits get no response until the simulator continues.
        private func stopMidway(
            _ manifest: String, _ simulator: Simulator, by signal: Int32
        ) throws -> Child {
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "\(Self.midwayTasks)"])
            try run.wait(for: "the middle of it") { $0.count("accepted") >= 12 }
            try simulator.child.halt()
            try run.wait(for: "a submit without an answer") { $0.count("submitted") > $0.count("accepted") }
            run.send(signal)
            try run.wait(for: "the word that it stops") { $0.errText.contains("stopping") }
            return run
        }

        @Test func `a second Ctrl-C quits immediately, and that is safe`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: Self.midwayTasks)
            let run = try stopMidway(manifest, simulator, by: SIGINT)
            #expect(run.ending(within: 0.3) == nil, "it did not wait for the requests in flight")
            run.send(SIGINT)
            #expect(run.ending(within: 2) == .exited(130))
            try simulator.child.goOn()
            #expect(try test.finishRun([manifest], at: simulator, ["--concurrency", "50"]).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: Self.midwayTasks)
        }

        @Test(arguments: [SIGHUP, SIGTERM]) func `repeated SIGHUPs do not interrupt submits in flight`(
            first: Int32
        ) throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: Self.midwayTasks)
            let run = try stopMidway(manifest, simulator, by: first)
            for _ in 0..<5 {
                run.send(SIGHUP)
                #expect(run.ending(within: 0.05) == nil, "it did not wait for the requests in flight")
            }
            try simulator.child.goOn()
            #expect(try run.ended() == .exited(128 + first), "\(run.written.errText)")
            #expect(try test.status("in_the_air") == 0)
            #expect(try test.status("uncertain") == 0)
            #expect(try test.finishRun([manifest], at: simulator, ["--concurrency", "50"]).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: Self.midwayTasks)
        }

        @Test func `under nohup a run survives the loss of its terminal`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 4)
            let run = try test.start(
                program: "/bin/sh",
                ["-c", "trap '' HUP; exec \"$@\"", "sh", TestEnvironment.program]
                    + test.runArguments([manifest], at: simulator))
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 4 }
            for _ in 0..<3 { run.send(SIGHUP) }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(!run.written.errText.contains("stopping"))
            try test.expectAllPaidOnce(simulator, tasks: 4)
        }

        // MARK: Before anything is sent

        @Test(arguments: [SIGHUP, SIGINT, SIGTERM])
        func `a signal before the first submit ends a run with the signal's exit code`(
            signal: Int32
        ) throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 4)
            // It waits for its key.
            let fifo = test.path("key")
            try #require(mkfifo(fifo, 0o600) == 0)
            let run = try test.startRun([manifest], at: simulator, ["--api-key-file", fifo])
            // Opens once the run reads it.
            let writer = open(fifo, O_WRONLY)
            defer { close(writer) }
            run.send(signal)
            #expect(try run.ended() == .exited(128 + signal))
            #expect(run.written.errText == "dailies: stopped before anything was submitted\n")
            let last = try JSONValue.parse(Array(run.written.outText.utf8))
            #expect(last["type"]?.string == "finished" && last["exit_code"]?.number == "\(128 + signal)")
            #expect(try simulator.bill().submits == 0)
        }

        @Test func `a signal at any time during startup leaves no task uncertain`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 200)
            // Runs that do not end on their own.
            let many = ["--concurrency", "200"]
            try simulator.control(#"{"model_slots": 0}"#)
            let began = Date()
            let whole = try test.startRun([manifest], at: simulator, many)
            try whole.wait(for: "a few submits") { $0.count("accepted") >= 3 }
            let start = Date().timeIntervalSince(began)
            whole.send(SIGTERM)
            #expect(try whole.ended() == .exited(143))
            let moments = 24
            var codes: Set<Child.Ending> = []
            for moment in 0..<moments {
                let signal = [SIGHUP, SIGINT, SIGTERM][moment % 3]
                let run = try test.startRun([manifest], at: simulator, many)
                _ = run.ending(within: start * 1.2 * Double(moment) / Double(moments))
                // A closing terminal may send several SIGHUPs. A second SIGINT or SIGTERM ends the process immediately.
                for _ in 0..<(signal == SIGHUP ? 4 : 1) { run.send(signal) }
                let ending = try run.ended()
                codes.insert(ending)
                // Before the handlers are installed, the system ends the process.
                #expect([.exited(128 + signal), .killed(signal)].contains(ending), "moment \(moment)")
                let unknown = try StoreFile(test.store).rows(
                    "SELECT submission_key FROM attempt WHERE task_id IS NULL AND settled_at_ms IS NULL")
                #expect(unknown == [], "moment \(moment), \(ending)")
            }
            #expect(codes.contains { if case .exited = $0 { true } else { false } })
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try test.finishRun([manifest], at: simulator, many).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 200)
        }

        @Test func `a command other than a run is killed by the signal, as a shell expects`() throws {
            let fifo = test.path("key")
            try #require(mkfifo(fifo, 0o600) == 0)
            let run = try test.start(["doctor", "--offline", "--api-key-file", fifo])
            let writer = open(fifo, O_WRONLY)
            defer { close(writer) }
            run.send(SIGINT)
            #expect(try run.ended() == .killed(SIGINT))
        }
    }
}
