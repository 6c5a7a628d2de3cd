import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Stores that earlier versions left, with the simulator that rendered for them (`Tests/Golden`).
    struct GoldenStoreTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// How the manifest of the golden store is written today.
        struct Form: CustomTestStringConvertible, Sendable {
            let ending: String
            let lineEnd: String

            static let all = ["jsonl", "json", "yaml", "csv"].flatMap { ending in
                ["\r\n", "\n", "\r"].map { Form(ending: ending, lineEnd: $0) }
            }
            var testDescription: String { "\(ending), \(lineEnd.debugDescription)" }

            /// - Parameter golden: its tasks, the defaults in the first line.
            func text(_ golden: String) throws -> String {
                let lines = try golden.split(separator: "\n").map { line -> JSONValue in
                    let text = line.replacing("\\r\\n", with: JSONText.quoted(lineEnd).dropFirst().dropLast())
                    return try JSONValue.parse(text.utf8)
                }
                let tasks = lines.dropFirst()
                let defaults = try #require(lines[0]["defaults"])
                switch ending {
                case "jsonl": return lines.map(\.compactText).joined(separator: "\n")
                case "csv": return try csv(Array(tasks), defaults)
                default:
                    // YAML takes JSON as it is.
                    let list = tasks.map(\.compactText).joined(separator: ",\n  ")
                    return "{\"defaults\": \(defaults.compactText), \"tasks\": [\n  \(list)\n]}"
                }
            }

            private func csv(_ tasks: [JSONValue], _ defaults: JSONValue) throws -> String {
                let columns = ["id", "prompt", "priority", "model", "duration_seconds", "resolution"]
                let rows = tasks.map { task in
                    let cells = columns.map { name -> String in
                        let value = task[name] ?? defaults[name]
                        return value?.string ?? value?.number ?? ""
                    }
                    return cells + [task["tags"]?["client"]?.string ?? ""]
                }
                return ([columns + ["tags.client"]] + rows).map { row in
                    row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",") + lineEnd
                }.joined()
            }
        }

        @Test(arguments: Form.all) func `a store of version 1 is finished, and nothing in it is paid for again`(
            form: Form
        ) throws {
            let golden = TestEnvironment.repository + "/Tests/Golden/version-1"
            try FileManager.default.copyItem(
                atPath: golden + ".simulator.json", toPath: test.path("simulator.json"))
            let manifest = try test.write(
                "golden.\(form.ending)", form.text(String(contentsOfFile: golden + ".jsonl", encoding: .utf8)))
            let simulator = try Simulator(test, speed: 600, ["--state", test.path("simulator.json")])
            let before = try simulator.bill()
            #expect(before.rendersByKey.values.allSatisfy { $0 == 1 } && before.rendersByKey.count == 16)

            // The store names the port that its simulator had.
            let dump = try String(contentsOfFile: golden + ".sql", encoding: .utf8)
            try StoreFile.write(test.store, dump.replacing("http://127.0.0.1:18080", with: simulator.url))
            let run = try test.finishRun(
                [manifest], at: simulator, ["--batch", "golden", "--same-batch"],
                environment: ["BYTESPIKE_API_KEY": "golden-key-000000"])
            #expect(run.code == 3, "\(run.out)\(run.err)")

            let store = try StoreFile(test.store)
            #expect(
                try store.rows("SELECT state, count(*) FROM task GROUP BY state")
                    == ["cancelled|1", "completed|13", "failed|3"])
            #expect(
                try store.number("SELECT count(*) FROM task WHERE state = 'completed' AND output_path IS NULL") == 0)
            let after = try simulator.bill()
            #expect(after.rendersByKey == before.rendersByKey, "something was rendered once more")
            let report = try test.finish(["report", "--store", test.store, "--json"])
            #expect(report.out.contains("\"credits\":\(after.total)"), "the bill is \(after.total): \(report.out)")

            // Today's plan and explanation know the task without an id by the key that version 1 gave it.
            let words = ["--store", test.store, "--batch", "golden"]
            let plan = try test.finish(
                ["plan", manifest, "--tasks", "--provider", "simulator", "--base-url", simulator.url] + words)
            #expect(plan.out.contains("7vqhyunbkqejvrfc"), "\(plan.out)\(plan.err)")
            #expect(!plan.out.contains("removed") && !plan.out.contains("changed"), "\(plan.out)")
            let explained = try test.finish(["explain", manifest, "7vqhyunbkqejvrfc"] + words)
            #expect(explained.code == 0 && !explained.out.contains("not in the manifest"), "\(explained.out)")
        }
    }
}
