import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The output of a run without a terminal, by verbosity.
    struct VerboseTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private func run(_ more: [String]) throws -> TestEnvironment.Finished {
            let simulator = try Simulator(test, speed: 1000)
            let words = test.runArguments([try test.manifest(clips: 3)], at: simulator).filter { $0 != "--json" }
            return try test.finish(words + more)
        }

        @Test func `--verbose prints every step of every task once, with its time`() throws {
            let run = try run(["--verbose"])
            #expect(run.code == 0 && run.out == "")
            let lines = run.err.split(separator: "\n").map(String.init)
            for number in 1...3 {
                let key = "clip-00\(number)"
                let steps = [
                    #"submitted: \#(key) to veo-3\.1-fast"#,
                    #"accepted: \#(key) as task_[0-9A-Z]{26}, estimated at [0-9.]+ credits"#,
                    #"completed: \#(key) for [0-9.]+ credits"#,
                    #"saved: \#(key) as \#(NSRegularExpression.escapedPattern(for: test.renders))/batch/\#(key)\.mp4"#,
                ]
                let places = try steps.map { step in
                    let line = try Regex(#"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  "# + step)
                    let hits = lines.indices.filter { lines[$0].wholeMatch(of: line) != nil }
                    #expect(hits.count == 1, "\(step) stands \(hits.count) times in:\n\(run.err)")
                    return hits.first ?? -1
                }
                #expect(places == places.sorted(), "out of order:\n\(run.err)")
            }
        }

        @Test func `--quiet prints only the summary, and both flags together are refused`() throws {
            let quiet = try run(["--quiet"])
            #expect(quiet.code == 0 && quiet.out == "")
            let expected = #/(?:warning: [^\n]*\n)*\n3 completed; 3 clips saved; [0-9.]+ credits\n/#
            #expect(quiet.err.wholeMatch(of: expected) != nil, "\(quiet.err)")
            let both = try test.finish(["run", "x.jsonl", "--quiet", "--verbose"])
            #expect(both.code == 64 && both.err.contains("--quiet and --verbose cannot be used together"))
        }
    }
}
