import DailiesCore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Ledger, report and the provider's bill are equal, even if costs are reported late or differ from estimates.
@Suite(.serialized) struct LedgerTests {
    /// The amounts in the log, summed by SQLite: whole credits and billionths.
    private func ledger(_ test: TestEnvironment) throws -> String {
        let sums = try test.rows(
            """
            SELECT sum(amount_nano / 1000000000), sum(amount_nano % 1000000000)
            FROM event WHERE amount_kind = 'charged' AND amount_unit = 'credits'
            """
        ).split(separator: "|").compactMap { Int64($0) }
        try #require(sums.count == 2)
        return CreditTotal(whole: sums[0], billionths: sums[1]).description
    }

    private func report(_ test: TestEnvironment) throws -> JSONValue {
        try test.finish(["report", "--store", test.store, "--json"]).json()
    }

    @Test func `bills up to half off their estimates are booked to the last digit in ledger and report`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator(["--deviation", "50", "--seed", "7"])
        // Rates without an exact binary fraction, such as 0.1 + 0.2, and odd parts of them.
        let models = ["veo-3.1-fast", "sora-2-pro", "seedance-fast"]
        let lines = (1...60).map { number in
            """
            {"id": "clip-\(number)", "model": "\(models[number % 3])", "prompt": "\(number)", \
            "duration_seconds": \(2 + number % 4)}
            """
        }
        let manifest = try test.write("batch.jsonl", lines.joined(separator: "\n") + "\n")
        let run = try test.run(manifest, at: url, ["--concurrency", "30", "--no-download", "--accept-quote"])
        #expect([0, 9].contains(run.code), "\(run.err)")
        let bill = try test.bill(url)
        #expect(bill.accepted == 60)
        #expect(try ledger(test) == bill.total)
        let report = try report(test)
        #expect(report["total"]?["credits"]?.number == bill.total)
        #expect(report["total"]?["unknown_costs"]?.number == "0")
        #expect(report["total"]?["estimated_credits"]?.number != bill.total)
    }

    @Test func `a cost that is stated after it counted as unknown is booked once, by a later run or by reconcile`()
        throws
    {
        let test = try TestEnvironment()
        let url = try test.simulator(["--fault", "lateCost=1", "--incomplete-replies", "5"])
        let manifest = try test.manifest(clips: 2)
        // The final reply and three more queries report no cost.
        #expect(try test.run(manifest, at: url).code == 0)
        let unknown = try report(test)
        #expect(unknown["total"]?["unknown_costs"]?.number == "2" && unknown["total"]?["credits"]?.number == "0")
        #expect(unknown["total"]?["unknown_at_most_credits"]?.number == "7.2")
        let text = try test.finish(["report", "--store", test.store]).out
        #expect(text.contains("unknown cost, not included in the totals: 2, estimated at 7.2 credits"), "\(text)")
        // One query for each in a run, and one in a reconcile.
        var words = ""
        for round in 0..<8 where try report(test)["total"]?["unknown_costs"]?.number != "0" {
            let asked =
                round % 2 == 1
                ? try test.run(manifest, at: url) : try test.finish(["reconcile"] + test.options(url))
            #expect(asked.code == 0, "\(asked)")
            words += asked.out
        }
        #expect(words.contains("unknown cost"), "\(words)")
        let bill = try test.bill(url).total
        #expect(try report(test)["total"]?["credits"]?.number == bill)
        #expect(try ledger(test) == bill)
        let again = try test.finish(["reconcile"] + test.options(url))
        #expect(again.code == 0 && again.out.contains("no uncertain or lost tasks"))
        #expect(try test.run(manifest, at: url).code == 0)
        #expect(try ledger(test) == bill)
    }

    @Test func `every amount in the log has its unit, its field and its text`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        #expect(try test.run(try test.manifest(clips: 1), at: url, ["--budget", "50"]).code == 0)
        let rows = try test.rows(
            """
            SELECT amount_kind, amount_unit, amount_field, amount_text FROM event
            WHERE amount_nano IS NOT NULL ORDER BY id
            """
        ).split(separator: "\n").map(String.init)
        let kinds = rows.map { String($0.split(separator: "|")[0]) }
        #expect(Set(kinds) == ["reserved", "quoted", "charged", "released"], "\(rows)")
        #expect(rows.allSatisfy { $0.split(separator: "|").count == 4 && $0.contains("|credits|") }, "\(rows)")
        #expect(
            rows.contains { $0.hasPrefix("charged|credits|credits_used|") || $0.hasPrefix("charged|credits|credits|") })
        let lacking = "SELECT count(*) FROM event WHERE amount_nano IS NOT NULL AND amount_unit IS NULL"
        #expect(try test.rows(lacking) == "0")
    }
}
