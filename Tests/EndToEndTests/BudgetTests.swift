import DailiesCore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Tag budgets and high quotes, with the built program.
@Suite(.serialized) struct BudgetTests {
    private func tagged(_ test: TestEnvironment) throws -> String {
        let lines = ["acme", "acme", "other"].enumerated().map { index, client in
            """
            {"id": "clip-\(index)", "model": "sora-2-pro", "prompt": "\(index)", "duration_seconds": 8, \
            "tags": {"client": "\(client)"}}
            """
        }
        return try test.write("batch.jsonl", lines.joined(separator: "\n") + "\n")
    }

    @Test func `a tag budget is stored, applies only to its tasks, and can be raised`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try tagged(test)
        let first = try test.run(manifest, at: url, ["--budget", "500", "--budget", "tag:client=acme=4.1"])
        #expect(first.code == 8 && first.err.contains("client=acme"), "\(first.err)")
        #expect(try test.bill(url).accepted == 2)
        // It also applies to the next run without being repeated.
        #expect(try test.run(manifest, at: url).code == 8)
        #expect(try test.bill(url).accepted == 2)
        let plan = try test.plan(manifest, ["--json"] + test.options(url).dropLast(4)).json()
        let batch = try #require(plan["batches"]?.array?.first)
        let tag = try #require(batch["tag_budgets"]?.array?.first)
        #expect(tag["tag"]?.string == "client" && tag["value"]?.string == "acme" && tag["budget"]?.number == "4.1")
        // One clip of acme has settled: 4.1 less its 3.6 credits.
        #expect(tag["room"]?.number == "0.5" && batch["room"]?.number == "492.8")
        let last = try test.run(manifest, at: url, ["--budget", "tag:client=acme=none"])
        #expect(last.code == 0, "\(last.err)")
        #expect(try test.bill(url).accepted == 3)
    }

    @Test(arguments: [["--budget", "5", "--budget", "6"], ["--budget", "tag:a=b"], ["--budget", "tag:=b=3"]])
    func `invalid budgets are refused`(options: [String]) throws {
        let test = try TestEnvironment()
        let manifest = try test.manifest(clips: 1)
        let run = try test.finish(["run", manifest, "--store", test.store] + options)
        #expect(run.code == 64)
        #expect(try test.names() == ["batch.jsonl"])
    }

    @Test func `a price that triples stops the model before anything is overspent`() throws {
        // Slow enough that the cancel arrives while the clip waits.
        let test = try TestEnvironment(speed: 5)
        let url = try test.simulator(["--price-change", "1=3"])
        let manifest = try test.write(
            "batch.jsonl",
            (1...4).map { number in
                """
                {"id": "clip-\(number)", "model": "seedance-fast", "prompt": "\(number)", "duration_seconds": 4}

                """
            }.joined())
        let run = try test.run(manifest, at: url, ["--concurrency", "1"])
        #expect(run.code == 5, "\(run.err)")
        #expect(
            run.err.contains("quotes 0.36 credits for a clip of seedance-fast, more than the expected maximum of 0.12"),
            "\(run.err)")
        #expect(run.err.contains("--accept-quote"))
        let bill = try test.bill(url)
        #expect(bill.total == "0.12" && bill.accepted == 2)
        let status = try test.finish(["status", "--store", test.store, "--json"]).json()
        #expect(status["total"]?["queued"]?.number == "3" && status["total"]?["cancelled"]?.number == "0")
        #expect(status["total"]?["waits_again"]?["quote"]?.number == "1")
        #expect(status["total"]?["credits"]?.number == "0.12")
        let words =
            "queued again: 1, because the provider's quote is higher than expected; use --accept-quote to render them"
        #expect(run.err.contains(words), "\(run.err)")
        #expect(try test.finish(["status", "--store", test.store]).out.contains(words))
        #expect(try test.plan(manifest, Array(test.options(url).prefix(4))).out.contains(words))
    }

    private func status(_ test: TestEnvironment, _ name: String, store: String? = nil) throws -> Int {
        let json = try test.finish(["status", "--store", store ?? test.store, "--json"]).json()
        return try #require(Int(json["total"]?[name]?.number ?? ""), "no \(name)")
    }

    /// Clips cost 3.6 credits. The remainder of this budget is between the published price and 1.1 times the estimate.
    @Test func `a budget renders as many clips as fit, reports it, and a higher one renders the rest`()
        throws
    {
        let test = try TestEnvironment(speed: 2000)
        let manifest = try test.manifest(clips: 200)
        let options = ["--concurrency", "40", "--no-download"]
        let rehearsal = try test.finish(
            ["rehearse", manifest, "--speed", "2000", "--budget", "62.260"] + options)
        #expect(rehearsal.code == 8, "\(rehearsal.err)")
        let store = test.path("rehearsal.sqlite")
        // 17 clips cost 61.2.
        #expect([16, 17].contains(try status(test, "completed", store: store)))
        #expect(try status(test, "cancelled", store: store) == 0)

        let url = try test.simulator()
        #expect(try test.run(manifest, at: url, ["--budget", "62.260"] + options).code == 8)
        #expect([16, 17].contains(try test.bill(url).accepted))
        let rest = try test.run(manifest, at: url, ["--budget", "10000"] + options)
        #expect(rest.code == 0, "\(rest.err)")
        #expect(try test.bill(url).total == "720")
        #expect(try status(test, "completed") == 200)
    }

    @Test func `a clip that exceeds the budget at a new price waits again, and a higher budget renders it`() throws {
        let test = try TestEnvironment(speed: 20)
        let url = try test.simulator(["--price-change", "1=3"])
        let manifest = try test.manifest(clips: 3)
        let options = ["--accept-quote", "--no-download", "--concurrency", "1"]
        // After a clip of 3.6 credits the budget allows another one, but not one of 10.8.
        let run = try test.run(manifest, at: url, ["--budget", "12"] + options)
        #expect(run.code == 8, "\(run.err)")
        #expect(
            run.err.contains("estimates 10.8 credits for a clip of sora-2-pro, more than the budget 12 allows"),
            "\(run.err)")
        let words =
            "queued again: 1, because the provider's estimate exceeds the budget; raise --budget to render them"
        #expect(run.err.contains(words), "\(run.err)")
        #expect(try test.bill(url).total == "3.6")
        #expect(try test.run(manifest, at: url, ["--budget", "100"] + options).code == 0)
        #expect(try test.bill(url).total == "25.2")
    }

    @Test func `the suggested command after a budget stop names a budget that is enough for the rest`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.manifest(clips: 6, more: #", "tags": {"client": "a b"}"#)
        let options = ["--no-download", "--budget", "8", "--budget=tag:client=a b=4.5"]
        let run = try test.run(manifest, at: url, options)
        #expect(run.code == 8, "\(run.err)")
        let lines = run.err.split(separator: "\n").map(String.init)
        let head = try #require(lines.firstIndex(of: "to continue:"), "\(run.err)")
        let command = lines[head + 1]
        #expect(command.components(separatedBy: "--budget").count == 3, "\(command)")
        let budget = try #require(command.firstMatch(of: #/ --budget ([0-9.]+) /#)?.1)
        let tag = try #require(command.firstMatch(of: #/ --budget 'tag:client=a b=([0-9.]+)' /#)?.1)
        // Spending is below both; six clips cost 21.6, and may cost more.
        #expect(try [budget, tag].allSatisfy { try #require(Double($0)) >= 21.6 }, "\(command)")
        let more = ["--no-download", "--budget", String(budget), "--budget", "tag:client=a b=\(tag)"]
        let rest = try test.run(manifest, at: url, more)
        #expect(rest.code == 0, "\(rest.err)")
        #expect(try test.bill(url).total == "21.6")
    }

    @Test func `with estimates of 0, no more is submitted than the published price allows`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator(["--fault", "zeroEstimate=1"])
        let run = try test.run(
            try test.manifest(clips: 40), at: url, ["--budget", "10", "--concurrency", "40", "--no-download"])
        #expect(run.code == 8, "\(run.err)")
        let bill = try test.bill(url)
        #expect(bill.total == "7.2" && bill.accepted == 2)
    }

    @Test func `clips whose quotes are too high wait again, and are rendered once quotes are accepted`() throws {
        // Slow enough that the cancels arrive while the clips wait.
        let test = try TestEnvironment(speed: 20)
        let url = try test.simulator(["--fault", "quoteAbovePrice=1"])
        let manifest = try test.manifest(clips: 3)
        for night in 1...2 {
            let run = try test.run(manifest, at: url, ["--concurrency", "1", "--no-download"])
            #expect(run.code == 5 && run.err.contains("--accept-quote"), "\(run.err)")
            let bill = try test.bill(url)
            #expect(bill.total == "0" && bill.accepted == night)
            #expect(try status(test, "queued") == 3)
        }
        let fast = try test.run(manifest, at: url, ["--accept-quote", "--no-download"])
        #expect(fast.code == 0, "\(fast.err)")
        #expect(try status(test, "completed") == 3)
        let report = try test.finish(["report", "--store", test.store, "--json"]).json()
        let bill = try test.bill(url)
        #expect(report["total"]?["credits"]?.number == bill.total)
    }

    @Test func `a bill far above its quote stops the model even without a budget, and the message names both figures`()
        throws
    {
        let test = try TestEnvironment()
        let url = try test.simulator(["--fault", "billAboveQuote=1"])
        let manifest = try test.manifest(clips: 10)
        let run = try test.run(manifest, at: url, ["--concurrency", "1", "--no-download"])
        #expect(run.code == 5, "\(run.err)")
        let bill = try test.bill(url)
        #expect(bill.accepted == 1)
        #expect(
            run.err.contains(
                "the provider billed \(bill.total) credits for a clip of sora-2-pro after quoting 3.6"),
            "\(run.err)")
        #expect(try test.run(manifest, at: url, ["--accept-quote", "--no-download"]).code == 0)
        #expect(try test.bill(url).accepted == 10)
    }
}
