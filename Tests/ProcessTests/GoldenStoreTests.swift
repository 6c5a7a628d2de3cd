import Foundation
import Testing

extension ProcessSuite {
    /// Stores that earlier versions left, with the simulator that rendered for them (`Tests/Golden`).
    struct GoldenStoreTests {
        let stage: Stage
        init() throws { stage = try Stage() }

        @Test(arguments: [1]) func `a store of an earlier version is finished, and nothing in it is paid for again`(
            version: Int
        ) throws {
            let golden = Stage.repository + "/Tests/Golden/version-\(version)"
            for (ending, name) in [(".simulator.json", "simulator.json"), (".jsonl", "golden.jsonl")] {
                try FileManager.default.copyItem(atPath: golden + ending, toPath: stage.path(name))
            }
            let simulator = try Simulator(stage, speed: 600, ["--state", stage.path("simulator.json")])
            let before = try simulator.bill()
            #expect(before.rendersByKey.values.allSatisfy { $0 == 1 } && before.rendersByKey.count == 16)

            // The store names the port that its simulator had.
            let dump = try String(contentsOfFile: golden + ".sql", encoding: .utf8)
            try StoreFile.write(stage.store, dump.replacing("http://127.0.0.1:18080", with: simulator.url))
            let run = try stage.finishRun(
                [stage.path("golden.jsonl")], at: simulator, ["--batch", "golden", "--same-batch"],
                environment: ["BYTESPIKE_API_KEY": "golden-key-000000"])
            #expect(run.code == 3, "\(run.out)\(run.err)")

            let store = try StoreFile(stage.store)
            #expect(
                try store.rows("SELECT state, count(*) FROM task GROUP BY state")
                    == ["cancelled|1", "completed|13", "failed|3"])
            #expect(
                try store.number("SELECT count(*) FROM task WHERE state = 'completed' AND output_path IS NULL") == 0)
            let after = try simulator.bill()
            #expect(after.rendersByKey == before.rendersByKey, "something was rendered once more")
            let report = try stage.finish(["report", "--store", stage.store, "--json"])
            #expect(report.out.contains("\"credits\":\(after.total)"), "the bill is \(after.total): \(report.out)")
        }
    }
}
