import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// `dailies report`.
@Suite(.serialized) struct ReportTests {
    @Test func `every report format shows the bill, and no text of a manifest escapes its cell`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let hostile = #"<script>alert(1)</script>"#
        let manifest = try test.write(
            "batch.jsonl",
            """
            {"id": "a", "model": "sora-2-pro", "prompt": "a", "duration_seconds": 8, "tags": {"client": "\(hostile)"}}
            {"id": "b", "model": "veo-3.1-fast", "prompt": "b", "duration_seconds": 4, "tags": {"client": "=1+1"}}
            {"id": "c", "model": "veo-3.1-fast", "prompt": "c", "duration_seconds": 4}

            """)
        let run = try test.run(manifest, at: url)
        try #require(run.code == 0, "\(run.err)")
        let total = try test.bill(url).total

        let html = try report(test, ["--format", "html", "--by", "tag:client,model"])
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !html.contains("<script"))
        #expect(html.contains("<dd>\(total)</dd>") && html.contains("No waste"))
        #expect(!html.contains("USD") && !html.contains("http://") && !html.contains("https://"))
        #expect(html.components(separatedBy: "<svg").count > 4)
        // One or two days are thin bars with their figures, not columns that fill the page.
        #expect(!html.contains("<figure class=\"time\">"))
        #expect(html.contains("<figcaption>Credits charged by day (UTC)</figcaption>"))

        let csv = try report(test, ["--format", "csv", "--by", "tag:client"]).split(separator: "\r\n")
        #expect(csv.count == 5)
        #expect(csv.allSatisfy { line in !"=+-@".contains(line.first ?? "=") }, "\(csv)")
        #expect(csv.last?.hasPrefix("total,3,3,") == true && csv.last?.contains(",\(total),") == true)
        #expect(csv[0].contains("failed_but_charged_credits") && csv[0].contains("superseded_takes"))

        let json = try JSONValue.parse(Array(try report(test, ["--json", "--by", "tag:client"]).utf8))
        #expect(json["total"]?["credits"]?.number == total && json["total"]?["usd"] == nil)
        #expect(json["total"]?["paid_not_saved"]?.number == "0")
        #expect(try report(test, []).contains(total))
    }

    @Test func `dollars are shown only on request, and exactly`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let rates = try test.manifest(clips: 1)
        try #require(try test.run(rates, at: url).code == 0)
        let total = try test.bill(url).total
        let asked = ["--usd-per-credit", "0.1"]
        let json = try JSONValue.parse(Array(try report(test, ["--json"] + asked).utf8))
        let product = try #require(Decimal(string: total)) * Decimal(string: "0.1")!
        #expect(json["total"]?["usd"]?.number == "\(product)")
        #expect(try report(test, asked).contains("USD at 0.1"))
        #expect(try report(test, ["--format", "csv"] + asked).contains(",usd\r\n"))
        #expect(try report(test, ["--format", "html"] + asked).contains("USD at 0.1 per credit"))
        #expect(try test.finish(["report", "--usd-per-credit", "-1", "--store", test.store]).code == 64)
    }

    @Test func `every report format lists paid but unsaved clips as waste`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.manifest(clips: 2)
        try #require(try test.run(manifest, at: url, ["--no-download"]).code == 0)
        let total = try test.bill(url).total
        #expect(try report(test, []).contains("paid but not saved: 2, \(total) credits"))
        #expect(try report(test, ["--format", "html"]).contains("<li>paid but not saved: 2, \(total) credits</li>"))
        let json = try JSONValue.parse(Array(try report(test, ["--json"]).utf8))
        #expect(json["total"]?["paid_not_saved_credits"]?.number == total)
        let csv = try report(test, ["--format", "csv"]).split(separator: "\r\n").map { $0.split(separator: ",") }
        let column = try #require(csv[0].firstIndex(of: "paid_not_saved_credits"))
        #expect(csv[1].count > column && csv[1].contains(Substring(total)))
    }

    @Test func `the HTML report compares estimates and charges of the same clips, and shows waste first`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator(["--fault", "failRender=1"])
        let failed = try test.run(try test.manifest("failing.jsonl", clips: 2), at: url)
        #expect(failed.code == 3, "\(failed.err)")
        let good = try test.simulator()
        try #require(try test.run(try test.manifest("good.jsonl", clips: 1), at: good, ["--no-download"]).code == 0)
        let html = try report(test, ["--format", "html"])
        #expect(html.contains("<h1>Spend report: failing, good</h1>"))
        #expect(html.contains(">3.6 → 3.6</span>"), "failed clips that cost nothing are no part of the comparison")
        let waste = try #require(html.range(of: "Wasted and unknown costs")).lowerBound
        #expect(try waste < #require(html.range(of: "credits charged")).lowerBound)
        let one = try report(test, ["--format", "html", "--batch", "failing"])
        #expect(one.contains("<h1>Spend report: failing</h1>") && !one.contains("3.6"))
        let json = try JSONValue.parse(Array(try report(test, ["--json", "--batch", "good"]).utf8))
        #expect(json["total"]?["credits"]?.number == "3.6" && json["total"]?["tasks"]?.number == "1")
    }

    @Test func `after a run without downloads, the summary names the command that downloads the clips`() throws {
        let test = try TestEnvironment()
        let run = try test.run(try test.manifest(clips: 1), at: try test.simulator(), ["--no-download"])
        #expect(run.code == 0 && run.err.contains("paid but not saved: 1\n  dailies resume --store "), "\(run.err)")
    }

    @Test func `months, today and offsets are valid times, and an empty period is refused`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        try #require(try test.run(try test.manifest(clips: 1), at: url, ["--no-download"]).code == 0)
        for (since, tasks) in [("yesterday", "1"), ("2026-01", "1"), ("2099-01-01+02:00", "0")] {
            let json = try JSONValue.parse(Array(try report(test, ["--json", "--since", since]).utf8))
            #expect(json["total"]?["tasks"]?.number == tasks, "\(since)")
        }
        // Attempts settled before midnight UTC do not count as today.
        let today = try JSONValue.parse(Array(try report(test, ["--json", "--since", "today"]).utf8))
        #expect(["0", "1"].contains(today["total"]?["tasks"]?.number))
        for (since, until) in [("2026-12", "2026-11"), ("today", "today"), ("today", "yesterday")] {
            let refused = try test.finish(["report", "--since", since, "--until", until, "--store", test.store])
            #expect(refused.code == 64 && refused.err.contains("--since must be before --until"), "\(refused.err)")
        }
        for text in ["2026-13", "2026-02-29", "2026-11-23+25:00", "2026-1", "tomorrow"] {
            #expect(try test.finish(["report", "--since", text, "--store", test.store]).code == 64, "\(text)")
        }
    }

    @Test func `a report can group by a tag whose name has a comma`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.manifest(clips: 1, more: #", "tags": {"a,b": "x", "c\\d": "y"}"#)
        try #require(try test.run(manifest, at: url, ["--no-download"]).code == 0)
        let json = try JSONValue.parse(Array(try report(test, ["--json", "--by", #"tag:a\,b,model,tag:c\d"#]).utf8))
        #expect(json["by"]?.array?.map(\.string) == ["tag:a,b", "model", #"tag:c\d"#])
        let row = json["rows"]?.array?.first
        #expect(row?["tag:a,b"]?.string == "x" && row?[#"tag:c\d"#]?.string == "y")
    }

    @Test(arguments: ["model,model", "tag:client,day,tag:client"])
    func `a dimension that is listed twice is refused by name`(_ dimensions: String) throws {
        let test = try TestEnvironment()
        let refused = try test.finish(["report", "--by", dimensions, "--store", test.store])
        let name = dimensions.hasPrefix("tag") ? "tag:client" : "model"
        #expect(refused.code == 64 && refused.err.contains("--by lists \(name) more than once"), "\(refused.err)")
    }

    private func report(_ test: TestEnvironment, _ options: [String]) throws -> String {
        let finished = try test.finish(["report", "--store", test.store] + options)
        try #require(finished.code == 0, "\(finished.err)")
        return finished.out
    }
}
