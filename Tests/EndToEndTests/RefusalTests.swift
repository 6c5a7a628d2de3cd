import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// Messages of commands that are refused.
struct RefusalTests {
    @Test(arguments: [
        ["status", "--json", "--nonsense"], ["plan", "--json"], ["run", "--json"],
        ["run", "m.yaml", "--json", "--retries", "x"],
        ["report", "--json", "--since", "2026-02-29"], ["reconcile", "--json", "--without-asking"],
        ["run", "m.yaml", "--json", "--plan", "p.json"], ["retry", "--json"],
    ])
    func `a usage error with --json is a JSON line`(_ words: [String]) async throws {
        let scene = try await Scene()
        let outcome = try await scene.dailies(words: words)
        #expect(outcome.code == (words.contains("p.json") ? 65 : 64), "\(outcome)")
        let lines = outcome.out.split(separator: "\n")
        #expect(lines.count == 1, "\(outcome.out)")
        let line = try JSONValue.parse(try #require(lines.first).utf8)
        #expect(line["type"]?.string == "finished")
        #expect(line["exit_code"]?.number == "\(outcome.code)")
        let reason = try #require(line["reasons"]?.array?.first?.string)
        #expect(!reason.isEmpty && outcome.err.contains(reason), "\(reason)")
    }

    @Test func `every error of a command with --json is a JSON line`() async throws {
        let scene = try await Scene()
        try scene.write("ture", to: "dailies.yaml")
        let settings = try await scene.dailies("status", "--json")
        #expect(settings.code == 64)
        #expect(try JSONValue.parse(settings.out.utf8)["exit_code"]?.number == "64")
        try scene.write("{}", to: "dailies.yaml")
        let missing = try await scene.dailies("status", "--json")
        #expect(missing.code == 64)
        #expect(try JSONValue.parse(missing.out.utf8)["exit_code"]?.number == "64")
        let help = try await scene.dailies("status", "--json", "--help")
        #expect(help.code == 0 && help.out.hasPrefix("OVERVIEW"))
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-04-31T00:00:00Z", "2026-01-00", "26-01-01", "2026-01-01T25:00:00Z", "",
    ])
    func `a date that does not exist is refused`(_ day: String) async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        for option in ["--since", "--until"] {
            let outcome = try await scene.dailies("report", option, day)
            #expect(outcome.code == 64, "\(day): \(outcome)")
        }
        #expect(try await scene.dailies("report", "--since", "2028-02-29").code == 0)
    }

    @Test func `nonexistent dates in files are refused`() async throws {
        let scene = try await Scene()
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "m.jsonl")
        try scene.write(#"{"sora-2": {"per_second": "0.1", "date": "2026-02-29"}}"#, to: "rates.json")
        let rates = try await scene.dailies("plan", "m.jsonl", "--rates", "rates.json")
        #expect(
            rates.code == 65 && rates.err.hasPrefix("rates.json:1:42: date: \"2026-02-29\" is not a valid date\n"),
            "\(rates.err)"
        )
        try scene.write(
            #"{"models": [{"id": "sora-2", "withdrawn_upstream": "2026-02-29"}]}"#, to: "models.json")
        let models = try await scene.dailies("plan", "m.jsonl", "--catalog", "models.json")
        #expect(
            models.code == 65 && models.err.contains("withdrawn_upstream: \"2026-02-29\" is not a date"),
            "\(models.err)")
    }

    @Test func `each kind of warning is printed once, with a count`() async throws {
        let scene = try await Scene()
        let lines = (1...300).map { number in
            #"{"id": "\#(number)", "model": "sora-2", "prompt": "p", "duration_seconds": 4, "extra": {"depth": \#(number)}}"#
        }
        try scene.write(lines.joined(separator: "\n"), to: "m.jsonl")
        let plan = try await scene.dailies("plan", "m.jsonl")
        let warnings = plan.err.split(separator: "\n").filter { $0.contains("depth") }
        #expect(
            warnings == [
                "warning: m.jsonl:1:89: extra.depth: "
                    + "is not a published field of sora-2 (300 times); it is sent unchanged"
            ], "\(plan.err)")
    }

    @Test func `suggested commands are quoted and use the same store`() async throws {
        let scene = try await Scene()
        let key = "x; touch pwned #"
        try scene.importManifest([Scene.spec(key), Scene.spec("--all"), Scene.spec("'\u{301}; touch pwned; '")])
        for key in [key, "--all", "'\u{301}; touch pwned; '"] { try scene.sendFailed(key) }
        func advice(_ words: String...) async throws -> String {
            let outcome = try await scene.dailies(words: ["explain"] + words)
            #expect(outcome.code == 0, "\(outcome.err)")
            return String(outcome.out.split(separator: "\n")[0].split(separator: "`")[1])
        }
        #expect(try await advice(key) == "dailies retry 'x; touch pwned #'")
        #expect(
            try await advice("--store", scene.path, "--", "--all")
                == "dailies retry --store {FOLDER}/dailies.sqlite -- --all")
        #expect(try await advice("'\u{301}; touch pwned; '") == "dailies retry ''\\''\u{301}; touch pwned; '\\'''")
        // The suggested command works.
        #expect(try await scene.dailies("retry", "--", "--all").code == 0)
        #expect(try scene.task("--all").state == .queued)
    }

    @Test func `suggested commands for a key in several batches include the batch`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.importManifest([Scene.spec("dolly")], batch: "night; market")
        try scene.store { store in
            let row = try #require(try store.tasks(called: TaskKey("dolly")).last)
            try store.writeAndWait([Mutation(at: Scene.start, .withdrawn(row.id, .cancelled))])
        }
        let outcome = try await scene.dailies("explain", "dolly", "--batch", "night; market")
        #expect(
            outcome.out.contains("run `dailies retry --batch 'night; market' dolly` to queue it again"),
            "\(outcome.out)")
    }
}
