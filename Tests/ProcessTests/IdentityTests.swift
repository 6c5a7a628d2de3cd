import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Providers that mix tasks up, gateways before them, and a clock that was ahead, with the built program.
    struct IdentityTests {
        let stage: Stage
        init() throws { stage = try Stage() }

        @Test func `one ID for several submits is one clip, paid once, and the others are named`() throws {
            let simulator = try Simulator(stage, speed: 500, ["--echo", "never", "--fault", "sameTaskID=1"])
            let manifest = try stage.manifest(clips: 6)
            let words = stage.runArguments([manifest], at: simulator).filter { $0 != "--json" }
            let first = try stage.finish(words + ["--concurrency", "1"])
            #expect(first.code == 6, "\(first.err)")
            let bill = try simulator.bill()
            #expect(bill.accepted == 1 && bill.charges == 1)
            #expect(try stage.report().credits == bill.total)
            #expect(try stage.status("completed") == 1)
            let owner = "which belongs to clip-001, attempt 1, in batch batch"
            #expect(first.err.contains("uncertain: clip-002: the reply names the task task_"), "\(first.err)")
            #expect(first.err.contains(owner), "\(first.err)")
            let explained = try stage.finish(["explain", "clip-002", "--store", stage.store])
            #expect(explained.out.contains("outcome unknown (task_id_taken: the reply names the task task_"))
            #expect(explained.out.contains(owner), "\(explained.out)")

            // The provider comes to itself: what was answered wrongly is asked for, and rendered.
            try simulator.control(#"{"faults": false}"#)
            let second = try stage.finishRun([manifest], at: simulator, ["--key-memory", "365d"])
            #expect(second.code == 0, "\(second.err)")
            try stage.expectAllPaidOnce(simulator, tasks: 6)
        }

        @Test func `a gateway's 4xx fails no task, and the next run renders them all`() throws {
            let simulator = try Simulator(stage, speed: 500, ["--fault", "gatewayPage4xx=1"])
            let manifest = try stage.manifest(clips: 12)
            let run = try stage.finishRun([manifest], at: simulator, ["--max-wait", "60s"])
            // With a page under 404 or 405 for its first answer the base URL looks wrong.
            #expect([5, 64].contains(run.code), "\(run.err)")
            #expect(try stage.status("queued") == 12 && stage.status("uncertain") == 0)
            #expect(try simulator.bill().submits == 0)
            try simulator.control(#"{"faults": false}"#)
            #expect(try stage.finishRun([manifest], at: simulator).code == 0)
            try stage.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test func `a base URL that leads nowhere stops the run before anything is marked`() throws {
            let service = try stage.startScript { _ in
                "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found"
            }
            let words = stage.runArguments([try stage.manifest(clips: 300)], at: service).filter { $0 != "--json" }
            let run = try stage.finish(words)
            #expect(run.code == 64, "\(run.err)")
            let reason =
                "stopped: the API does not answer at \(service.url); check the base URL (HTTP status 404 without the API's "
                + "error text: 404 page not found)\n"
            #expect(run.err.contains(reason), "\(run.err)")
            #expect(service.requests.count { $0.isSubmit } == 1)
            #expect(try stage.status("queued") == 300 && stage.status("failed") == 0)
        }

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `a clock that was ahead once holds no poll up, and is told of`() throws {
            let clocks = stage.path("clocks")
            let ahead = withUnsafeBytes(of: (Int64(86_400), Int64(0))) { Data($0) }
            try ahead.write(to: URL(fileURLWithPath: clocks))
            let simulator = try Simulator(stage, speed: 100)
            let done = try stage.manifest("done.jsonl", clips: 1)
            let environment = FailpointLibrary.environment(["FAULT_CLOCKS": clocks])
            #expect(try stage.finish(stage.runArguments([done], at: simulator), environment: environment).code == 0)
            let report = try stage.finish(["report", "--store", stage.store])
            #expect(
                report.err.contains(
                    "warning: 1 attempt settled in the future, counted as settled now: the clock was ahead"),
                "\(report.err)")

            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try stage.manifest(clips: 2)
            let first = try stage.startRun([manifest], at: simulator, environment: environment)
            try first.wait(for: "its tasks to be accepted") { $0.count("accepted") == 2 }
            try first.killNow()
            try simulator.control(#"{"model_slots": null}"#)
            // Until the future has come it would be a day: fifteen minutes at this speed.
            let words = stage.runArguments([manifest], at: simulator).filter { $0 != "--json" }
            let began = Date()
            let second = try stage.finish(words)
            #expect(second.code == 0, "\(second.err)")
            #expect(Date().timeIntervalSince(began) < 120)
            #expect(second.err.contains("2 unfinished attempts have times in the future, treated as now: "))
            try stage.expectAllPaidOnce(simulator, tasks: 3)
        }
    }
}
