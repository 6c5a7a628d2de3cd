import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Providers that mix tasks up, gateways before them, and a clock that was ahead, with the built program.
    struct IdentityTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test func `one ID for several submits is one clip, paid once, and the others are named`() throws {
            let simulator = try Simulator(test, speed: 500, ["--echo", "never", "--fault", "sameTaskID=1"])
            let manifest = try test.manifest(clips: 6)
            let words = test.runArguments([manifest], at: simulator).filter { $0 != "--json" }
            let first = try test.finish(words + ["--concurrency", "1"])
            #expect(first.code == 6, "\(first.err)")
            let bill = try simulator.bill()
            #expect(bill.accepted == 1 && bill.charges == 1)
            #expect(try test.report().credits == bill.total)
            #expect(try test.status("completed") == 1)
            let owner = "which belongs to clip-001, attempt 1, in batch batch"
            #expect(first.err.contains("uncertain: clip-002: the reply names the task task_"), "\(first.err)")
            #expect(first.err.contains(owner), "\(first.err)")
            let explained = try test.finish(["explain", "clip-002", "--store", test.store])
            #expect(explained.out.contains("outcome unknown (task_id_taken: the reply names the task task_"))
            #expect(explained.out.contains(owner), "\(explained.out)")

            // The provider comes to itself: what was answered wrongly is asked for, and rendered.
            try simulator.control(#"{"faults": false}"#)
            let second = try test.finishRun([manifest], at: simulator, ["--key-memory", "365d"])
            #expect(second.code == 0, "\(second.err)")
            try test.expectAllPaidOnce(simulator, tasks: 6)
        }

        @Test func `a gateway's 4xx fails no task, and the next run renders them all`() throws {
            let simulator = try Simulator(test, speed: 500, ["--fault", "gatewayPage4xx=1"])
            let manifest = try test.manifest(clips: 12)
            let run = try test.finishRun([manifest], at: simulator, ["--max-wait", "60s"])
            // With a page under 404 or 405 for its first answer the base URL looks wrong.
            #expect([5, 64].contains(run.code), "\(run.err)")
            #expect(try test.status("queued") == 12 && test.status("uncertain") == 0)
            #expect(try simulator.bill().submits == 0)
            try simulator.control(#"{"faults": false}"#)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test func `a base URL that leads nowhere stops the run before anything is marked`() throws {
            let service = try test.startScript { _ in
                "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found"
            }
            let words = test.runArguments([try test.manifest(clips: 300)], at: service).filter { $0 != "--json" }
            let run = try test.finish(words)
            #expect(run.code == 64, "\(run.err)")
            let reason =
                "stopped: the API does not answer at \(service.url); check the base URL (HTTP status 404 without the API's "
                + "error text: 404 page not found)\n"
            #expect(run.err.contains(reason), "\(run.err)")
            #expect(service.requests.count { $0.isSubmit } == 1)
            #expect(try test.status("queued") == 300 && test.status("failed") == 0)
        }

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `a clock that was ahead once holds no poll up, and is told of`() throws {
            let clocks = test.path("clocks")
            let ahead = withUnsafeBytes(of: (Int64(86_400), Int64(0))) { Data($0) }
            try ahead.write(to: URL(fileURLWithPath: clocks))
            let simulator = try Simulator(test, speed: 100)
            let done = try test.manifest("done.jsonl", clips: 1)
            let environment = FailpointLibrary.environment(["FAULT_CLOCKS": clocks])
            #expect(try test.finish(test.runArguments([done], at: simulator), environment: environment).code == 0)
            let report = try test.finish(["report", "--store", test.store])
            #expect(
                report.err.contains(
                    "warning: 1 attempt settled in the future, counted as settled now: the clock was ahead"),
                "\(report.err)")

            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 2)
            let first = try test.startRun([manifest], at: simulator, environment: environment)
            try first.wait(for: "its tasks to be accepted") { $0.count("accepted") == 2 }
            try first.killNow()
            try simulator.control(#"{"model_slots": null}"#)
            // Until the future has come it would be a day: fifteen minutes at this speed.
            let words = test.runArguments([manifest], at: simulator).filter { $0 != "--json" }
            let began = Date()
            let second = try test.finish(words)
            #expect(second.code == 0, "\(second.err)")
            #expect(Date().timeIntervalSince(began) < 120)
            #expect(second.err.contains("2 unfinished attempts have times in the future, treated as now: "))
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }
    }
}
