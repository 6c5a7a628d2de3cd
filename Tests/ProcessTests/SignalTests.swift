import Foundation
import Testing

extension ProcessSuite {
    /// Ctrl-C and the stop of a service.
    struct SignalTests {
        let stage: Stage
        init() throws { stage = try Stage() }

        @Test(
            .enabled(if: Child.slowed == nil, Child.slowed),
            arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
        func `the first signal ends submission within 100 ms and lets what is in the air land`(
            _ signal: Int32, _ code: Int32
        ) throws {
            let simulator = try Simulator(stage, speed: 500)
            let proxy = try stage.startProxy(before: simulator)
            let manifest = try stage.manifest(clips: 150)
            let run = try stage.startRun([manifest], at: proxy, ["--concurrency", "20"])
            try run.wait(for: "the middle of it") { $0.count("accepted") >= 40 }
            let moment = Date().timeIntervalSince1970 * 1000
            run.send(signal)
            #expect(try run.ended() == .exited(code), "\(run.written.errText)")
            let submits = proxy.requests.filter(\.isSubmit)
            #expect(submits.count < 150, "there was nothing left to stop")
            #expect(submits.filter { $0.at > moment + 100 }.map { $0.at - moment } == [])
            #expect(try stage.status("in_the_air") == 0)
            let output = run.written
            #expect(output.errText.contains("stopping: nothing new is sent"))
            #expect(output.lines.last?.contains("\"exit_code\":\(code)") == true)
            #expect(try stage.finishRun([manifest], at: proxy, ["--concurrency", "20"]).code == 0)
            try stage.expectAllPaidOnce(simulator, tasks: 150)
        }

        @Test func `a second Ctrl-C leaves at once, and that is safe`() throws {
            let simulator = try Simulator(stage, speed: 500)
            let manifest = try stage.manifest(clips: 40)
            let run = try stage.startRun([manifest], at: simulator, ["--concurrency", "10"])
            try run.wait(for: "the middle of it") { $0.count("accepted") >= 12 }
            // What is in the air does not land from here on.
            try simulator.child.halt()
            try run.wait(for: "a submit without an answer") { $0.count("submitted") > $0.count("accepted") }
            run.send(SIGINT)
            try run.wait(for: "the word that it stops") { $0.errText.contains("stopping") }
            #expect(run.ending(within: 0.3) == nil, "it did not wait for what is in the air")
            run.send(SIGINT)
            #expect(run.ending(within: 2) == .exited(130))
            try simulator.child.goOn()
            #expect(try stage.finishRun([manifest], at: simulator).code == 0)
            try stage.expectAllPaidOnce(simulator, tasks: 40)
        }
    }
}
