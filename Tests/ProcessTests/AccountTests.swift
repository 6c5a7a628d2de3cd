import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// A user who takes another API key, or replaces the one that there was.
    struct AccountTests {
        let test: TestEnvironment
        let manifest: String
        init() throws {
            test = try TestEnvironment()
            manifest = try test.manifest(clips: 2)
        }

        private static let first = ["BYTESPIKE_API_KEY": "sk-first-Dq7zX0vJ2mKt9RwB4nYc8"]
        private static let second = ["BYTESPIKE_API_KEY": "sk-second-mKt9RwB4nYc8LhE1sPf6"]

        /// Both clips are at the provider, sent by the first key, and nobody runs.
        private func interrupt(_ more: [String] = []) throws -> Simulator {
            let simulator = try Simulator(test, speed: 100, ["--render-time", "300s-300s"] + more)
            let run = try test.startRun([manifest], at: simulator, environment: Self.first)
            try eventually("both clips to render") {
                try simulator.inFlight() == 2 && run.written.outText.matches(of: /"type":"accepted"/).count == 2
            }
            run.send(SIGINT)
            #expect(try run.ended() == .exited(130))
            return simulator
        }

        private func last(_ run: TestEnvironment.Finished) throws -> JSONValue {
            try JSONValue.parse(Array((run.out.split(separator: "\n").last ?? "").utf8))
        }

        private func run(
            _ key: [String: String], at simulator: Simulator, _ more: [String] = []
        ) throws -> String {
            let arguments = test.runArguments([manifest], at: simulator).filter { $0 != "--json" } + more
            let run = try test.finish(arguments, environment: key)
            return "\(run.code ?? -1)\n\(run.out)\(run.err)"
        }

        @Test func `clips of another key wait for it, are not uncertain, and every command names the key`() throws {
            let simulator = try interrupt()
            let json = try test.finishRun([manifest], at: simulator, environment: Self.second)
            #expect(json.code == 5, "\(json.out)\(json.err)")
            let end = try last(json)
            let need = try #require(end["needs_key"]?.array?.first)
            let key = try #require(need["key_fingerprint"]?.string)
            #expect(need["clips"]?.number == "2" && end["uncertain"]?.number == "0")
            #expect(!json.out.contains(#""type":"uncertain""#))
            // A warning of the manifest has a file, one of the run has a time.
            #expect(json.out.matches(of: /"type":"warning","at"/).count == 1)

            let words =
                "2 clips need the API key \(key): run with that key, or with --same-account if it was replaced by another key "
                + "of the same account"
            let text = try run(Self.second, at: simulator)
            #expect(text.hasPrefix("5\n"))
            #expect(text.contains("\(words)\n  \(TestEnvironment.program) run --same-account \(manifest) "), "\(text)")
            #expect(!text.contains("reconcile") && !text.contains("to continue:"), "\(text)")
            for command in [["status"], ["reconcile", "--provider", "simulator", "--base-url", simulator.url]] {
                let told = try test.finish(command + ["--store", test.store], environment: Self.second)
                #expect(told.code == 0 && told.out.contains(words), "\(told.out)\(told.err)")
            }
            let explained = try test.finish(["explain", "clip-001", "--store", test.store], environment: Self.second)
            #expect(explained.out.contains("and needs the API key \(key): run with that key"), "\(explained.out)")
            #expect(try !test.finish(["status", "--store", test.store]).out.contains(key))

            #expect(try test.finishRun([manifest], at: simulator, environment: Self.first).code == 0)
            #expect(try simulator.bill().rendersByKey.values.allSatisfy { $0 == 1 })
        }

        @Test(arguments: [false, true])
        func `a replaced key of the same account goes on with what was sent, and pays for nothing twice`(
            byReconcile: Bool
        ) throws {
            let simulator = try interrupt(["--one-account"])
            #expect(try run(Self.second, at: simulator).hasPrefix("5\n"))
            var more = ["--same-account"]
            if byReconcile {
                let place = ["--provider", "simulator", "--base-url", simulator.url, "--store", test.store]
                let handed = try test.finish(["reconcile", "--same-account"] + place, environment: Self.second)
                let told = handed.out + handed.err
                #expect(handed.code == 0 && told.contains("2 clips transferred from the API key "), "\(told)")
                more = []
            }
            let text = try run(Self.second, at: simulator, more)
            #expect(text.hasPrefix("0\n") && text.contains("2 clips saved"), "\(text)")
            #expect(text.contains(" transferred from the API key ") == !byReconcile)
            let bill = try simulator.bill()
            #expect(bill.accepted == 2 && bill.submits == 2)
            let explained = try test.finish(["explain", "clip-001", "--store", test.store])
            #expect(explained.out.contains("  transferred from the API key "), "\(explained.out)")
            // Said once: nothing is left to hand over.
            #expect(try run(Self.second, at: simulator).hasPrefix("0\n"))
        }

        @Test func `with a key of another account the provider does not know the clips, and nothing is sent again`()
            throws
        {
            let simulator = try interrupt()
            let wrong = try test.finishRun(
                [manifest], at: simulator, ["--same-account"], environment: Self.second)
            #expect(wrong.code == 6, "\(wrong.out)\(wrong.err)")
            // The old key is put back.
            let text = try run(Self.first, at: simulator, ["--same-account"])
            #expect(text.hasPrefix("0\n"), "\(text)")
            #expect(try simulator.bill().submits == 2)
        }
    }
}
