import DailiesCore
import ExactJSON
import Foundation
import Testing

/// Can it run away? Budgets of tags, and quotes above the plan, with the built program.
@Suite(.serialized) struct BudgetTests {
    private func tagged(_ stage: MoneyStage) throws -> String {
        let lines = ["acme", "acme", "other"].enumerated().map { index, client in
            """
            {"id": "clip-\(index)", "model": "sora-2-pro", "prompt": "\(index)", "duration_seconds": 8, \
            "tags": {"client": "\(client)"}}
            """
        }
        return try stage.write("batch.jsonl", lines.joined(separator: "\n") + "\n")
    }

    @Test func `a tag's budget is stored, holds for its tasks alone, and goes on once it is lifted`() throws {
        let stage = try MoneyStage()
        let url = try stage.simulator()
        let manifest = try tagged(stage)
        let first = try stage.run(manifest, at: url, ["--budget", "500", "--budget", "tag:client=acme=4.1"])
        #expect(first.code == 8 && first.err.contains("client=acme"), "\(first.err)")
        #expect(try stage.bill(url).accepted == 2)
        // Without being repeated it holds in the next run too.
        #expect(try stage.run(manifest, at: url).code == 8)
        #expect(try stage.bill(url).accepted == 2)
        let plan = try stage.plan(manifest, ["--json"] + stage.options(url).dropLast(4)).json()
        let batch = try #require(plan["batches"]?.array?.first)
        let tag = try #require(batch["tag_budgets"]?.array?.first)
        #expect(tag["tag"]?.string == "client" && tag["value"]?.string == "acme" && tag["budget"]?.number == "4.1")
        // One clip of acme's is settled: 4.1 less its 3.6 credits.
        #expect(tag["room"]?.number == "0.5" && batch["room"]?.number == "492.8")
        let last = try stage.run(manifest, at: url, ["--budget", "tag:client=acme=none"])
        #expect(last.code == 0, "\(last.err)")
        #expect(try stage.bill(url).accepted == 3)
    }

    @Test(arguments: [["--budget", "5", "--budget", "6"], ["--budget", "tag:a=b"], ["--budget", "tag:=b=3"]])
    func `budgets that make no sense are refused`(options: [String]) throws {
        let stage = try MoneyStage()
        let manifest = try stage.manifest(clips: 1)
        let run = try stage.finish(["run", manifest, "--store", stage.store] + options)
        #expect(run.code == 64)
        #expect(try stage.files() == ["batch.jsonl"])
    }

    @Test func `a price that triples stops the model before anything is overspent`() throws {
        // Slow enough that the cancel arrives while the clip waits.
        let stage = try MoneyStage(speed: 5)
        let url = try stage.simulator(["--price-change", "1=3"])
        let manifest = try stage.write(
            "batch.jsonl",
            (1...4).map { number in
                """
                {"id": "clip-\(number)", "model": "seedance-fast", "prompt": "\(number)", "duration_seconds": 4}

                """
            }.joined())
        let run = try stage.run(manifest, at: url, ["--concurrency", "1"])
        #expect(run.code == 5, "\(run.err)")
        #expect(run.err.contains("asks 0.36 credits") && run.err.contains("cost 0.12 at most"), "\(run.err)")
        #expect(run.err.contains("--accept-quote"))
        let bill = try stage.bill(url)
        #expect(bill.total == "0.12" && bill.accepted == 2)
        let status = try stage.finish(["status", "--store", stage.store, "--json"]).json()
        #expect(status["total"]?["queued"]?.number == "2" && status["total"]?["cancelled"]?.number == "1")
        #expect(status["total"]?["credits"]?.number == "0.12")
    }
}
