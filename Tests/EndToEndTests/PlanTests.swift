import DailiesCore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// `dailies plan`.
@Suite(.serialized) struct PlanTests {
    @Test func `a plan of a new batch counts and prices every task, and writes nothing`() throws {
        let test = try TestEnvironment()
        let manifest = try test.manifest(clips: 3)
        let before = try test.names()
        let (port, callers) = try TestEnvironment.listen()
        let plan = try test.plan(
            manifest,
            [
                "--json", "--tasks", "--provider", "simulator", "--base-url", "http://127.0.0.1:\(port)", "--budget",
                "100",
            ])
        #expect(plan.code == 0, "\(plan.err)")
        let json = try plan.json()
        #expect(json["to_render"]?.number == "3" && json["unknown_prices"]?.number == "0")
        #expect(json["tasks"]?.array?.count == 3)
        let low = try credits(json["credits_low"]), high = try credits(json["credits_high"])
        #expect(low > .zero && low <= high)
        let price = try #require(json["prices"]?.array?.first)
        #expect(price["source_kind"]?.string == "published" && price["source_date"]?.string == "2026-11-23")
        #expect(json["batches"]?.array?.first?["room"]?.number == "100")
        #expect(try test.names() == before)
        #expect(callers() == 0)
    }

    @Test func `a task list of any length is complete and aligned`() throws {
        let test = try TestEnvironment()
        let manifest = try test.manifest(clips: 2000)
        let options = ["--tasks", "--provider", "simulator", "--base-url", "http://127.0.0.1:9"]
        let json = try test.plan(manifest, ["--json"] + options).json()
        let tasks = try #require(json["tasks"]?.array)
        #expect(tasks.map { $0["key"]?.string } == (1...2000).map { "clip-\($0)" })
        #expect(tasks.allSatisfy { $0["stands"]?.string == "new" && $0["batch"]?.string == "batch" })
        #expect(json["exit_code"]?.number == "0")

        let lines = try test.plan(manifest, options).out.split(separator: "\n")
        let list = lines.drop { !$0.hasPrefix("batch  task") }.map(String.init)
        #expect(list.count == 2001)
        #expect(list.first == "batch  task       status  model           credits  source")
        #expect(list[1].hasPrefix("batch  clip-1     new     sora-2-pro  1.85 – 3.65  published: "))
        #expect(list[2000].hasPrefix("batch  clip-2000  new     sora-2-pro  1.85 – 3.65  published: "))
    }

    @Test func `after a run the prices are learned, and planning changes no byte of the store`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.manifest(clips: 1)
        #expect(try test.run(manifest, at: url).code == 0)
        let more = try test.manifest("more.jsonl", clips: 3)
        let before = try test.bytes(of: test.store)
        let options = Array(test.options(url).prefix(4))
        let submits = try test.bill(url).accepted
        let plan = try test.plan(more, ["--json", "--batch", "batch", "--detailed-exitcode"] + options)
        #expect(plan.code == 2, "\(plan.err)")
        let json = try plan.json()
        let batch = try #require(json["batches"]?.array?.first)
        #expect(batch["paid"]?.number == "1" && batch["new"]?.number == "2" && json["to_render"]?.number == "2")
        #expect(json["prices"]?.array?.first?["source_kind"]?.string == "learned")
        let bill = try #require(Credits.read(try test.bill(url).total)?.credits)
        #expect(try credits(json["credits_low"]) == Credits(nano: 2 * bill.nano))
        #expect(try test.bytes(of: test.store) == before)
        #expect(try test.bill(url).accepted == submits)
        let done = try test.plan(manifest, ["--detailed-exitcode"] + options)
        #expect(done.code == 0 && done.out.contains("nothing to do"), "\(done.out)\(done.err)")
    }

    @Test func `the time follows the limit of all tasks in flight and that of a model`() throws {
        let test = try TestEnvironment()
        let clips = (1...6).map { number in
            #"{"id": "\#(number)", "model": "sora-2-pro", "prompt": "p\#(number)", "duration_seconds": 8}"#
        }
        let manifest = try test.write("six.jsonl", clips.joined(separator: "\n"))
        // 120 to 180 s for a clip.
        let expected: [(options: [String], low: String, high: String)] = [
            (["--concurrency", "3"], "240", "480"),
            (["--concurrency", "3", "--concurrency", "model:sora-2-pro=1"], "720", "1080"),
            (["--concurrency", "model:sora-2-pro=2"], "360", "630"),
            (["--concurrency", "2", "--concurrency", "model:sora-2-pro=9"], "360", "630"),
        ]
        for (options, low, high) in expected {
            let plan = try test.plan(manifest, ["--json"] + options)
            let seconds = try plan.json()["seconds"]
            #expect(seconds?["low"]?.number == low && seconds?["high"]?.number == high, "\(options): \(plan.out)")
        }
        let text = try test.plan(manifest, ["--concurrency", "25", "--concurrency", "model:sora-2-pro=2"]).out
        #expect(text.contains("at 25 (2 of sora-2-pro) in flight"), "\(text)")
        #expect(try test.plan(manifest, ["--concurrency", "model:sora-2-pro=0"]).code == 64)
    }

    @Test func `rates of the user are named as the source, and an unknown price is never zero`() throws {
        let test = try TestEnvironment()
        let manifest = try test.write(
            "mixed.jsonl",
            """
            {"id": "a", "model": "sora-2-pro", "prompt": "a", "duration_seconds": 8}
            {"id": "b", "model": "nobody-knows-1", "prompt": "b", "duration_seconds": 8}

            """)
        let rates = try test.write(
            "rates.json",
            #"{"sora-2-pro": {"per_second": "0.1", "fee": "0.2", "source": "contract 7", "date": "2026-11-01"}}"#)
        let plan = try test.plan(manifest, ["--json", "--rates", rates])
        let json = try plan.json()
        #expect(json["credits_low"]?.number == "1" && json["credits_high"]?.number == "1")
        #expect(json["unknown_prices"]?.number == "1")
        let prices = try #require(json["prices"]?.array)
        #expect(prices[0]["source"]?.string == "contract 7" && prices[0]["source_date"]?.string == "2026-11-01")
        #expect(prices[1]["credits_low"]?.isNull == true && prices[1]["source"]?.isNull == true)
        let table = try test.plan(manifest, ["--rates", rates]).out
        #expect(table.contains("1 + 1 unknown") && table.contains("contract 7 (2026-11-01)"), "\(table)")
        let broken = try test.write("broken.json", "{\"sora-2-pro\": {\"per_second\": \"a lot\",\n \"cost\": 3}}")
        let refused = try test.plan(manifest, ["--rates", broken])
        #expect(refused.code == 65)
        #expect(refused.err.contains("broken.json:1:31:") && refused.err.contains("broken.json:2:2:"), "\(refused.err)")
    }

    @Test func `an invalid manifest is refused with 65`() throws {
        let test = try TestEnvironment()
        let manifest = try test.write("wrong.jsonl", "{\"id\": \"a\", \"prompt\": 3}\n")
        #expect(try test.plan(manifest).code == 65)
        #expect(try test.finish(["plan"]).code == 64)
    }

    // MARK: Saved plans

    @Test func `a plan runs once, as long as nothing has changed`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(test, url)
        let run = try carryOut(plan, test, url)
        #expect(run.code == 0, "\(run.err)")
        #expect(try test.bill(url).accepted == 2)
        let again = try carryOut(plan, test, url)
        #expect(again.code == 65 && again.err.contains("the store"), "\(again.err)")
        #expect(try test.bill(url).accepted == 2)
    }

    @Test func `a plan is refused after its manifest changes`() throws {
        try expectStale("manifest") { test in _ = try test.manifest(clips: 3) }
    }

    @Test func `comments and member order do not make a plan stale`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(test, url)
        try test.write(
            "batch.jsonl",
            """
            {"duration_seconds": 8, "prompt": "take 1", "model": "sora-2-pro", "id": "clip-1"}
            {"prompt": "take 2", "duration_seconds": 8, "id": "clip-2", "model": "sora-2-pro"}

            """)
        let run = try carryOut(plan, test, url)
        #expect(run.code == 0, "\(run.err)")
    }

    @Test func `a plan is refused after prices change`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let rates = #"{"sora-2-pro": {"per_second": "0.4"}}"#
        try test.write("rates.json", rates)
        let plan = try written(test, url, ["--rates", "rates.json"])
        try test.write("rates.json", rates.replacing("0.4", with: "0.5"))
        let run = try carryOut(plan, test, url)
        #expect(run.code == 65 && run.err.contains("prices"), "\(run.err)")
        #expect(try test.bill(url).accepted == 0)
    }

    @Test func `a plan is refused with a different API key`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(test, url, key: "sk-first-key-of-this-test")
        let run = try carryOut(plan, test, url, key: "sk-other-key-of-this-test")
        #expect(run.code == 65 && run.err.contains("key"), "\(run.err)")
        #expect(try test.bill(url).accepted == 0)
        let text = String(decoding: try test.bytes(of: plan), as: UTF8.self)
        #expect(!text.contains("sk-first-key-of-this-test"))
        #expect(try carryOut(plan, test, url, key: "sk-first-key-of-this-test").code == 0)
    }

    @Test func `a plan for a different service, dialect, key or batch is refused, and the error names the difference`()
        throws
    {
        let test = try TestEnvironment()
        let (url, other) = (try test.simulator(), try test.simulator())
        let plan = try written(test, url)
        let cases: [(words: [String], said: String)] = [
            (["--base-url", other], "--base-url is \(other), but \(url) in the plan"),
            (["--dialect", "params"], "--dialect is params, but flat in the plan"),
            (["--budget", "5"], "--budget is 5, but not set in the plan"),
            (["--concurrency", "9"], "--concurrency is 9, but 5 in the plan"),
            (["--quote-tolerance", "50"], "--quote-tolerance is 50, but 10 in the plan"),
            (["--accept-quote"], "--accept-quote is true, but not set in the plan"),
            (["--accept-changes"], "--accept-changes is true, but not set in the plan"),
            (["--max-credits-per-task", "3"], "--max-credits-per-task is 3, but not set in the plan"),
            (["--rate", "1/h"], "--rate is 1/h, but not set in the plan"),
            (["--budget-mode", "soft"], "--budget-mode is soft, but not set in the plan"),
            (["--batch", "other"], "--batch is \"other\", but the plan is for \"batch\""),
        ]
        for (words, said) in cases {
            // If an option is given twice, the last one counts.
            let run = try test.finish(["run", "--plan", plan] + test.options(url) + words)
            #expect(run.code == 65 && run.err.contains(said), "\(words): \(run.code) \(run.err)")
        }
        let all = try test.finish(
            ["run", "--plan", plan, "--json"] + test.options(url) + ["--budget", "5", "--concurrency", "9"])
        #expect(all.code == 65 && all.err.contains("--budget is 5") && all.err.contains("--concurrency is 9"))
        #expect(try JSONValue.parse(Array(all.out.utf8))["exit_code"]?.number == "65", "\(all.out)")
        #expect(try !test.names().contains("dailies.sqlite"))
        #expect(try test.bill(url).accepted == 0 && test.bill(other).accepted == 0)
        // Repeating the same value is not a difference.
        let run = try test.finish(
            ["run", "--plan", plan, "--batch", "batch", "--concurrency", "5", "--dialect", "flat"] + test.options(url))
        #expect(run.code == 0, "\(run.err)")
    }

    @Test func `a run uses the budget and limits of its plan, even if configuration files have changed`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(
            test, url,
            ["--budget", "1", "--concurrency", "2", "--concurrency", "model:sora-2-pro=1", "--rate", "100/s"])
        let shown = try test.plan(test.path("batch.jsonl"), ["--budget", "1"] + test.options(url).prefix(4)).out
        #expect(shown.contains("not enough even at the lowest price"), "\(shown)")
        try test.write("dailies.yaml", "concurrency: 4\nmax_wait: 1min\n")
        let run = try test.finish(["run", "--plan", plan, "--json"] + test.options(url))
        // A clip costs more than that.
        #expect(run.code == 8, "\(run.err)")
        #expect(try test.bill(url).total == "0")
        let lines = try run.out.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
        #expect(lines.first { $0["type"]?.string == "started" }?["concurrency"]?.number == "2")
        let settings = lines.first { $0["type"]?.string == "folder_settings" }?["settings"]?.array ?? []
        #expect(settings.map { $0["name"]?.string } == ["max-wait"])
        #expect(try test.rows("SELECT budget_nano FROM batch") == "1000000000")
    }

    @Test func `a plan made without an API key warns, and is never run`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.manifest(clips: 2)
        let options = ["--base-url", url, "--store", test.store]
        let made = try test.finish(["plan", manifest, "--out", "plan.json"] + options)
        #expect(made.code == 0 && made.err.contains("this plan was made without an API key"), "\(made.err)")
        let key = ["BYTESPIKE_API_KEY": "sk-some-key-of-this-test"]
        let words = ["run", "--plan", test.path("plan.json"), "--speed", "\(test.speed)"] + options
        let run = try test.finish(words, environment: key)
        #expect(run.code == 65 && run.err.contains("without an API key"), "\(run.err)")
        #expect(try test.bill(url).accepted == 0)
        let keyed = try test.finish(["plan", manifest, "--out", "plan.json"] + options, environment: key)
        #expect(keyed.code == 0 && !keyed.err.contains("API key"), "\(keyed.err)")
        let again = try test.finish(words + ["--no-download"], environment: key)
        #expect(again.code == 0, "\(again.err)")
    }

    @Test func `a plan uses the key of the key command and the limits of the concurrency command`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        try FileManager.default.createDirectory(
            atPath: test.path(".config/dailies"), withIntermediateDirectories: true)
        try test.write(".config/dailies/config.yaml", "api_key_command: printf sk-printed-by-a-command\n")
        let manifest = try test.manifest(clips: 1)
        let speed = ["--speed", "\(test.speed)", "--no-download"]
        let options = ["--base-url", url, "--store", test.store]
        #expect(try test.finish(["run", manifest] + options + speed).code == 0)
        #expect(try test.finish(["concurrency", "3", "--store", test.store]).code == 0)
        let more = try test.manifest(clips: 2)
        let plan = try test.finish(["plan", more, "--out", "plan.json", "--json"] + options)
        #expect(plan.code == 0 && !plan.err.contains("API key"), "\(plan.err)")
        #expect(try plan.json()["concurrency"]?.number == "3")
        let file = try JSONValue.parse(Array(try test.bytes(of: test.path("plan.json"))))
        #expect(file["options"]?["concurrency"]?.array?.map(\.string) == ["3"])
        let run = try test.finish(["run", "--plan", test.path("plan.json")] + options + speed)
        #expect(run.code == 0, "\(run.err)")
        #expect(try test.bill(url).accepted == 2)
    }

    @Test func `a plan of an older version or with an unknown option is refused`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(test, url)
        let text = String(decoding: try test.bytes(of: plan), as: UTF8.self)
        let broken = [
            text.replacing("\"version\": 2", with: "\"version\": 1"),
            text.replacing("\"dialect\"", with: "\"turbo\""),
            text.replacing("\"dialect\"", with: "\"store\""),
            text.replacing("\"flat\"", with: "7"), "{}", "",
        ]
        for text in broken {
            try test.write("plan.json", text)
            let run = try carryOut(plan, test, url)
            #expect(run.code == 65, "\(run.err)")
        }
        #expect(try test.finish(["run", "--plan", plan, "--help"]).code == 0)
        #expect(try test.bill(url).accepted == 0)
    }

    @Test func `clips without a known price are priced at the maximum per task`() throws {
        let test = try TestEnvironment()
        let manifest = try test.write(
            "new.jsonl", #"{"id": "a", "model": "nobody-knows-1", "prompt": "a", "duration_seconds": 8}"#)
        let json = try test.plan(manifest, ["--json", "--max-credits-per-task", "2.5"]).json()
        #expect(json["credits_low"]?.number == "0" && json["credits_high"]?.number == "2.5")
        #expect(json["prices"]?.array?.first?["source_kind"]?.string == "bound")
    }

    @Test func `a submit rate makes a plan longer`() throws {
        let test = try TestEnvironment()
        let manifest = try test.manifest(clips: 6)
        let seconds = try test.plan(manifest, ["--json", "--concurrency", "6", "--rate", "6/h"]).json()["seconds"]
        #expect(seconds?["low"]?.number == "3000" && seconds?["high"]?.number == "3330")
    }

    private func expectStale(_ word: String, after change: (TestEnvironment) throws -> Void) throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let plan = try written(test, url)
        try change(test)
        let run = try carryOut(plan, test, url)
        #expect(run.code == 65 && run.err.contains("stale") && run.err.contains(word), "\(run.err)")
        #expect(try test.bill(url).accepted == 0)
    }

    /// The path of a plan of two clips.
    private func written(
        _ test: TestEnvironment, _ url: String, _ more: [String] = [], key: String? = nil
    ) throws -> String {
        let manifest = try test.manifest(clips: 2)
        let plan = try test.finish(
            ["plan", manifest, "--out", "plan.json"] + test.options(url) + more, environment: environment(key))
        try #require(plan.code == 0, "\(plan.err)")
        return test.path("plan.json")
    }

    private func carryOut(
        _ plan: String, _ test: TestEnvironment, _ url: String, key: String? = nil
    ) throws -> TestEnvironment.Finished {
        try test.finish(["run", "--plan", plan] + test.options(url), environment: environment(key))
    }

    private func environment(_ key: String?) -> [String: String] { key.map { ["BYTESPIKE_API_KEY": $0] } ?? [:] }

    private func credits(_ value: JSONValue?) throws -> Credits {
        try #require(Credits.read(value?.number ?? "")?.credits)
    }
}
