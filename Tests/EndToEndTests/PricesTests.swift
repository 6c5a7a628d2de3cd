import DailiesCore
import DailiesStore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Prices from bills, with the built program: per service, outliers, and `prices forget`.
@Suite(.serialized) struct PricesTests {
    /// For an 8 s clip of `sora-2-pro`, the highest published price is 3.65, so that 4.015 is reserved.
    private static let budget = ["--budget", "4.1"]

    private func prices(_ test: TestEnvironment, _ more: [String] = []) throws -> [JSONValue] {
        let shown = try test.finish(["prices", "--store", test.store, "--json"] + more)
        #expect(shown.code == 0, "\(shown.err)")
        return try #require(try shown.json()["services"]?.array)
    }

    private func sora(_ service: JSONValue) throws -> JSONValue {
        try #require(service["prices"]?.array?.first { $0["model"]?.string == "sora-2-pro" })
    }

    /// The reservation for the only clip of a batch at its submit.
    private func reserved(_ test: TestEnvironment, _ batch: String) throws -> String {
        try test.rows(
            """
            SELECT amount_text FROM event JOIN batch ON batch.id = event.batch_id
            WHERE name = '\(batch)' AND kind = 'intent'
            """)
    }

    @Test func `bills of one service change neither the limit nor the plan of another`() throws {
        let test = try TestEnvironment()
        let (play, real) = (try test.simulator(["--price-change", "0=4"]), try test.simulator())
        let first = try test.run(
            try test.manifest("play.jsonl", clips: 1), at: play, ["--batch", "play", "--accept-quote"])
        #expect(first.code == 0, "\(first.err)")
        #expect(try test.bill(play).total == "14.4")
        let manifest = try test.manifest("real.jsonl", clips: 1)
        let plan = try test.plan(manifest, ["--json"] + test.options(real).prefix(4)).json()
        #expect(plan["prices"]?.array?.first?["source_kind"]?.string == "published")
        let run = try test.run(manifest, at: real, Self.budget)
        #expect(run.code == 0, "\(run.out)\(run.err)")
        #expect(try reserved(test, "real") == "4.015")

        let services = try prices(test)
        #expect(services.map { $0["base_url"]?.string } == [play, real].sorted())
        for (url, highest) in [(play, "1.8"), (real, "0.45")] {
            let only = try prices(test, ["--provider", "simulator", "--base-url", url + "/"])
            #expect(only.map { $0["base_url"]?.string } == [url])
            let line = try sora(only[0])
            #expect(line["bills"]?["highest"]?.number == highest && line["bills"]?["count"]?.number == "1")
            #expect(line["published"]?["highest"]?.number == "0.5" && line["trusts_estimates"]?.bool == false)
        }
    }

    @Test func `an absurd bill blocks no model, is shown as an outlier and can be forgotten`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator(["--fault", "absurdBill=1"])
        let first = try test.run(try test.manifest("one.jsonl", clips: 1), at: url, Self.budget)
        #expect(first.code == 8, "\(first.out)\(first.err)")
        #expect(first.err.contains("was billed 3600 credits, more than the "), "\(first.err)")
        #expect(try test.bill(url).total == "3600")
        try test.control(url, #"{"faults":false}"#)
        let line = try sora(try prices(test)[0])
        #expect(
            line["bills"]?["outliers"]?.array?.map(\.number) == ["450"] && line["bills"]?["highest"]?.isNull == true)
        let text = try test.finish(["prices", "--store", test.store]).out
        #expect(text.contains("simulator at \(url)\n"), "\(text)")
        let second = try test.run(try test.manifest("two.jsonl", clips: 1), at: url, Self.budget)
        #expect(second.code == 0, "\(second.out)\(second.err)")
        let both = try sora(try prices(test)[0])
        #expect(both["bills"]?["outliers"]?.array?.map(\.number) == ["450"])
        #expect(both["bills"]?["highest"]?.number == "0.45" && both["bills"]?["lowest"]?.number == "0.45")

        let forgotten = try test.finish(["prices", "forget", "sora-2-pro", "--store", test.store])
        #expect(
            forgotten.code == 0
                && forgotten.out.hasPrefix("forgot the bills of sora-2-pro 1080p at simulator at \(url);"),
            "\(forgotten.out)\(forgotten.err)")
        #expect(try sora(try prices(test)[0])["bills"]?.isNull == true)
        let again = try test.finish(["prices", "forget", "sora-2-pro", "--store", test.store])
        #expect(again.code == 64 && again.err.contains("no bills of \"sora-2-pro\" to forget"), "\(again.err)")
    }

    @Test func `a price of the user overrides the bills, and a warning shows both`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator(["--price-change", "1=2"])
        let first = try test.run(try test.manifest("one.jsonl", clips: 2), at: url, ["--accept-quote"])
        #expect(first.code == 0, "\(first.err)")
        let second = try test.run(
            try test.manifest("two.jsonl", clips: 1), at: url,
            ["--accept-quote", "--max-credits-per-task", "4", "--budget", "100"])
        #expect(second.code == 0, "\(second.err)")
        #expect(
            second.err.contains(
                "warning: clips of sora-2-pro 1080p were billed up to 7.2 credits, more than your figure of 4 "
                    + "(--rates, --max-credits-per-task); using your figure"), "\(second.err)")
        #expect(try reserved(test, "two") == "4.4")
    }

    @Test func `prices forget needs one service and is refused during a run`() throws {
        let test = try TestEnvironment()
        let urls = try [test.simulator(), test.simulator()]
        for (number, url) in urls.enumerated() {
            let manifest = try test.manifest("batch-\(number).jsonl", clips: 1)
            #expect(try test.run(manifest, at: url).code == 0)
        }
        func forget(_ more: [String]) throws -> TestEnvironment.Finished {
            try test.finish(["prices", "forget", "sora-2-pro", "--store", test.store] + more)
        }
        let both = try forget([])
        #expect(both.code == 64 && both.err.contains("select one with --provider and --base-url"), "\(both.err)")
        #expect(try forget(["--resolution", "720p", "--base-url", urls[0]]).code == 64)
        do {
            let runner = try Store.lock(test.store)
            let refused = try forget(["--base-url", urls[0]])
            #expect(refused.code == 11 && refused.err.contains("then forget"), "\(refused.err)")
            withExtendedLifetime(runner) {}
        }
        let one = try forget(["--resolution", "1080p", "--base-url", urls[0], "--json"])
        #expect(one.code == 0, "\(one.err)")
        let json = try one.json()
        #expect(json["type"]?.string == "prices_forgotten" && json["base_url"]?.string == urls[0])
        #expect(json["forgotten"]?.array?.map { $0["resolution"]?.string } == ["1080p"])
        let services = try prices(test)
        let counts = try services.map { try sora($0)["bills"]?["count"]?.number }
        let found = zip(services, counts).map { "\($0["base_url"]?.string ?? "") \($1 ?? "none")" }
        #expect(Set(found) == ["\(urls[0]) none", "\(urls[1]) 1"])
    }

    @Test(arguments: [["forget"], ["--resolution", "720p"], ["forgive", "sora-2-pro"], ["--base-url", "ftp://x"]])
    func `invalid arguments are refused`(words: [String]) throws {
        let test = try TestEnvironment()
        #expect(try test.finish(["prices", "--store", test.store] + words).code == 64)
    }
}
