import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Manifests in every format with the built program: only their content counts.
@Suite(.serialized) struct ManifestIdentityTests {
    private static let seeds = [11, 12, 13, 9_223_372_036_854_775_807]
    private static let common = #""model": "sora-2", "duration_seconds": 4"#

    private static func jsonl(_ seeds: [Int], more: String = "") -> String {
        seeds.map { "{\(common), \"prompt\": \"a fox: no\", \"seed\": \($0)\(more)}\n" }.joined()
    }

    /// The same four tasks in different formats.
    private static let forms: [(name: String, text: String)] = [
        ("retagged.jsonl", jsonl(seeds.reversed(), more: #", "tags": {"round": "2"}, "priority": 3"#)),
        (
            "shots.json",
            "[" + seeds.map { "{\"seed\":\($0),\"prompt\":\"\\u0061 fox: no\",\n \(common)}" }.joined(separator: ",")
                + "]"
        ),
        (
            "shots.yaml",
            """
            # the same once more
            defaults: {model: sora-2, duration_seconds: 4}
            tasks:
            - prompt: "a fox: no"
              matrix: {seed: [9223372036854775807, 12, 11, 13]}
            """
        ),
        (
            "sheet.csv",
            "\u{FEFF}prompt;seed;model;duration_seconds;tags.round\r\n"
                + seeds.map { "\"a fox: no\";\($0);sora-2;4;third\r\n" }.joined()
        ),
    ]

    @Test func `changed order, notation, format and tags submit nothing, and one changed seed submits one clip`() throws
    {
        let test = try TestEnvironment(speed: 5000)
        let url = try test.simulator()
        let first = try test.write("shots.jsonl", Self.jsonl(Self.seeds))
        #expect(try test.run(first, at: url, ["--batch", "shots"]).code == 0)
        #expect(try test.bill(url).accepted == 4)
        let bill = try test.bill(url)
        for (name, text) in Self.forms {
            let again = try test.run(
                try test.write(name, text), at: url, ["--batch", "shots", "--same-batch"])
            #expect(again.code == 0, "\(name): \(again.err)")
            #expect(try test.bill(url) == bill, "\(name)")
        }
        let piped = try test.write("no-ending", Self.jsonl(Self.seeds))
        let options = ["--batch", "shots", "--same-batch", "--output", test.path("renders")] + test.options(url)
        let fromInput = try test.finish(["run", "-", "--format", "jsonl"] + options, input: piped)
        #expect(fromInput.code == 0, "\(fromInput.err)")
        #expect(try test.bill(url).accepted == 4)
        let changed = try test.write("shots.jsonl", Self.jsonl([11, 12, 14, 9_223_372_036_854_775_807]))
        #expect(try test.run(changed, at: url, ["--batch", "shots", "--same-batch"]).code == 0)
        #expect(try test.bill(url).accepted == 5)
    }

    // MARK: Format and catalog

    private static func catalog(longest: Int, price: String = "0.5") -> String {
        """
        {"models": [{"id": "mine-1", "duration_seconds": {"min": 1, "max": \(longest)}, "resolutions": ["720p"],
          "aspect_ratios": ["16:9"], "price_quotes": [{"usd_per_second": \(price), "source": "my page"}]}]}
        """
    }

    @Test func `a plan stores the format and catalog that it was made with`() throws {
        let test = try TestEnvironment(speed: 5000)
        try test.write("models.json", Self.catalog(longest: 90))
        let url = try test.simulator(["--catalog", "models.json"])
        let manifest = try test.write(
            "shots.txt", #"{"id": "a", "model": "mine-1", "prompt": "p", "duration_seconds": 80}"#)
        let provider = Array(test.options(url).prefix(4))
        let reading = ["--format", "jsonl", "--catalog", "models.json"]
        let out = test.path("plan.json")
        let plan = try test.plan(manifest, ["--out", out, "--json"] + reading + provider)
        #expect(plan.code == 0, "\(plan.err)")
        #expect(try plan.json()["credits_high"]?.number == "40")
        let file = try JSONValue.parse(Array(try test.bytes(of: out)))
        #expect(file["format"]?.string == "jsonl")
        #expect(file["options"]?["catalog"]?.array?.first?.string?.hasSuffix("/models.json") == true)

        let options = ["--no-download"] + test.options(url)
        try test.write("models.json", Self.catalog(longest: 90, price: "0.6"))
        let stale = try test.finish(["run", "--plan", out] + options)
        #expect(stale.code == 65 && stale.err.contains("prices have changed"), "\(stale.err)")
        try test.write("models.json", Self.catalog(longest: 70))
        let refused = try test.finish(["run", "--plan", out] + options)
        #expect(refused.code == 65 && refused.err.contains("80 is not supported by mine-1"), "\(refused.err)")
        try test.write("models.json", Self.catalog(longest: 90))
        let clash = try test.finish(["run", "--plan", out, "--format", "csv"] + options)
        #expect(clash.code == 64, "\(clash.err)")
        let run = try test.finish(["run", "--plan", out] + options)
        #expect(run.code == 0, "\(run.err)")
        #expect(try test.bill(url).accepted == 1)
    }

    @Test func `run and rehearse name every problem of every manifest, make no store and send nothing`() throws {
        let test = try TestEnvironment()
        let (port, callers) = try TestEnvironment.listen()
        let first = try test.write("a.jsonl", "{\"model\":\"sora-2\",\"promt\":\"p\",\"duration_seconds\":4}\n")
        let second = try test.write("b.csv", "model;prompt;duration_seconds\nsora-2;p;400\n\u{1B}[2J;;\n")
        let before = try test.names()
        let run = ["run", first, second] + test.options("http://127.0.0.1:\(port)")
        for words in [run, ["rehearse", first, second]] {
            let refused = try test.finish(words)
            #expect(refused.code == 65)
            #expect(refused.out.isEmpty)
            let lines = refused.err.split(separator: "\n").filter { $0.hasPrefix("/") }
            #expect(lines.count == 6, "\(refused.err)")
            #expect(lines.dropFirst().first == "\(first):1:19: promt: is not a known field; did you mean prompt?")
            #expect(!refused.err.unicodeScalars.contains("\u{1B}"))
        }
        let json = try test.finish(run + ["--json"])
        #expect(json.code == 65)
        let objects = try json.out.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
        #expect(objects.filter { $0["type"]?.string == "problem" }.count == 6, "\(json.out)")
        #expect(objects.first?["field"]?.string == "prompt" && objects.first?["line"]?.number == "1")
        #expect(objects.last?["type"]?.string == "finished" && objects.last?["exit_code"]?.number == "65")
        #expect(try test.names() == before)
        #expect(callers() == 0)
    }
}
