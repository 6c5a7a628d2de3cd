import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Limits, canaries and rules as a user gives them.
    struct FlowTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test func `a limit for one model, a pace and the adaptive cadence are kept`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let run = try test.finishRun(
                [try test.manifest(clips: 12)], at: simulator,
                [
                    "--concurrency", "9", "--concurrency", "model:veo-3.1-fast=2", "--rate", "200/s", "--cadence",
                    "adaptive",
                ])
            #expect(run.code == 0, "\(run.err)")
            #expect(try simulator.bill().maximumInFlight <= 2)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test func `every event of a task names its batch, so that equal keys of two batches stay apart`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifests = try ["day.jsonl", "night.jsonl"].map { try test.manifest($0, clips: 3) }
            let run = try test.finishRun(manifests, at: simulator)
            #expect(run.code == 0, "\(run.err)")
            let events = try run.out.split(separator: "\n").map { try JSONValue.parse($0.utf8) }
            for batch in ["day", "night"] {
                let saved = events.filter { $0["type"]?.string == "saved" && $0["batch"]?.string == batch }
                #expect(saved.compactMap { $0["key"]?.string }.sorted() == ["clip-001", "clip-002", "clip-003"])
            }
            #expect(!events.contains { $0["key"] != nil && $0["batch"] == nil })
            let others = try ["dawn.jsonl", "dusk.jsonl"].map { try test.manifest($0, clips: 1) }
            let text = try test.finish(
                test.runArguments(others, at: simulator).filter { $0 != "--json" } + ["--verbose"])
            #expect(text.code == 0, "\(text.err)")
            for name in ["dawn/clip-001", "dusk/clip-001"] {
                #expect(text.err.contains("saved: \(name) as "), "\(text.err)")
            }
        }

        @Test func `a canary that comes out badly stops the run before the rest`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--fault", "failRenderByPolicy=1"])
            let run = try test.finishRun(
                [try test.manifest(clips: 9)], at: simulator, ["--concurrency", "5", "--canary", "2"])
            #expect(run.code == 5, "\(run.err)")
            #expect((run.out + run.err).contains("0 of 2 canary clips completed"), "\(run.out)\(run.err)")
            #expect(try simulator.bill().accepted == 2)
        }

        @Test func `rejections in a row end submission, and the rest can be run later`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--fault", "failRenderByPolicy=1"])
            let manifest = try test.manifest(clips: 9)
            let options = ["--concurrency", "1", "--pause-after-rejections", "3"]
            let run = try test.finishRun([manifest], at: simulator, options)
            #expect(run.code == 5, "\(run.err)")
            #expect(
                (run.out + run.err).contains("the content policy rejected 3 clips in a row"), "\(run.out)\(run.err)")
            #expect(try simulator.bill().accepted == 3)
            try simulator.control(#"{"faults": false}"#)
            #expect(try test.finishRun([manifest], at: simulator, options).code == 3)
            #expect(try simulator.bill().accepted == 9)
        }

        @Test func `a rule tries rejected prompts again with another seed, as often as --retries says`() throws {
            let simulator = try Simulator(test, speed: 1000, ["--fault", "failRenderByPolicy=1"])
            let rules = try test.write(
                "rules.json", #"[{"code": "content_policy_violation", "then": "new_seed"}]"#)
            let run = try test.finishRun(
                [try test.manifest(clips: 2)], at: simulator, ["--retries", "2", "--retry-rules", rules])
            #expect(run.code == 3, "\(run.err)")
            #expect(try simulator.bill().accepted == 6)
        }

        @Test(arguments: [
            #"{"then": "skip"}"#, #"[{"code": "x"}]"#, #"[{"then": "wait"}]"#, #"[{"status": 7, "then": "skip"}]"#,
            #"[{"cod": "x", "then": "skip"}]"#, "[", "",
        ]) func `65: retry rules that make no sense are refused with their place`(_ text: String) throws {
            let simulator = try Simulator(test, speed: 1000)
            let rules = try test.write("rules.json", text)
            let run = try test.finishRun([try test.manifest(clips: 1)], at: simulator, ["--retry-rules", rules])
            #expect(run.code == 65 && (run.out + run.err).contains("rules.json:1:"), "\(run.code ?? -1) \(run.err)")
            #expect(try simulator.bill().submits == 0)
        }
    }
}
