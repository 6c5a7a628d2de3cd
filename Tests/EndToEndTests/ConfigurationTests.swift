import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Settings from files: precedence and refused settings.
struct ConfigurationTests {
    private static let own = ".config/dailies/config.yaml"

    private func scene(own: String? = nil, beside: (name: String, text: String)? = nil) async throws -> Scene {
        let scene = try await Scene()
        try FileManager.default.createDirectory(
            atPath: scene.folder + "/.config/dailies", withIntermediateDirectories: true)
        if let own { try scene.write(own, to: Self.own) }
        if let beside { try scene.write(beside.text, to: beside.name) }
        return scene
    }

    /// Name, value and origin of each setting that `doctor` lists.
    private func settings(_ scene: Scene, _ words: String..., key: String? = Scene.keyText) async throws -> [String] {
        let outcome = try await scene.dailies(words: ["doctor", "--offline", "--json"] + words, key: key)
        let json = try JSONValue.parse(Array(outcome.out.utf8))
        return (json["settings"]?.array ?? []).map { setting in
            ["name", "value", "from"].map { setting[$0]?.string ?? "?" }.joined(separator: " | ")
        }
    }

    @Test func `options override the environment, which overrides the project file, which overrides the user file`()
        async throws
    {
        let scene = try await scene(
            own: "output: mine\nmax_wait: 1h\nbase_url: https://mine.example\ncadence: documented\n",
            beside: ("dailies.yaml", "# for all of us\nmax_wait: 2h\n"))
        var found = try await settings(scene)
        #expect(found.contains("output | mine | {FOLDER}/\(Self.own):1"), "\(found)")
        #expect(found.contains("max-wait | 2h | dailies.yaml:2"), "\(found)")
        #expect(found.contains("cadence | documented | {FOLDER}/\(Self.own):4"), "\(found)")
        #expect(found.contains("base URL | https://mine.example | {FOLDER}/\(Self.own):3"), "\(found)")
        found = try await settings(scene, "--output", "typed")
        #expect(found.contains("output | typed | --output"), "\(found)")
        #expect(found.contains { $0.hasPrefix("API key | fingerprint ") && $0.hasSuffix("| $BYTESPIKE_API_KEY") })
    }

    @Test func `a run takes options from the project file next to its manifest`() async throws {
        let scene = try await Scene(simulator: ["--speed", "1000"])
        try FileManager.default.createDirectory(atPath: scene.folder + "/job", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: scene.folder + "/.config/dailies", withIntermediateDirectories: true)
        try scene.write("output: clips\n", to: Self.own)
        try scene.write("concurrency: 2 # at most\nbudget: [5]\n", to: "job/.dailies.yaml")
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "job/one.jsonl")
        let outcome = try await scene.online("run", "job/one.jsonl")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(scene.exists("clips/one/dolly.mp4"))
        #expect(try scene.store { try $0.batches().first?.budget?.description } == "5")
        #expect(
            outcome.err.hasPrefix(
                "settings from the project file: concurrency 2 (job/.dailies.yaml:1), budget 5 (job/.dailies.yaml:2)\n")
        )
    }

    @Test func `a command takes only the settings it has from a file, and accepts no abbreviated names`() async throws {
        let scene = try await scene(
            own: "no_download: true\n", beside: ("dailies.yaml", "rate: 2/s\ntrust-5xx: false\n"))
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        // `plan` has --rates but not --rate.
        let plan = try await scene.dailies("plan", "one.jsonl")
        #expect(plan.code == 0, "\(plan.err)")
        let rehearsal = try await scene.dailies("rehearse", "one.jsonl", "--speed", "1000")
        #expect(rehearsal.code == 0 && !scene.exists("rehearsal/one/dolly.mp4"), "\(rehearsal.err)")
    }

    @Test func `the API key can come from a command`() async throws {
        let scene = try await scene(own: "api_key_command: printf 'test-key\\nsecond line'\n")
        let found = try await settings(scene, key: nil)
        #expect(
            found.contains("API key | fingerprint \(Scene.account.text) | {FOLDER}/\(Self.own):1"), "\(found)")
        try scene.write("api_key_command: exit 3\n", to: Self.own)
        let outcome = try await scene.dailies("reconcile", "--batch", "x", key: nil)
        #expect(outcome.code != 0)
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        #expect(
            try await scene.dailies("reconcile", key: nil)
                == Outcome(77, err: "dailies: {FOLDER}/\(Self.own):1: api_key_command failed with exit code 3\n"))
    }

    @Test func `a project file can neither set where the API key is sent nor run a command`() async throws {
        for line in ["base_url: https://evil.example", "api_key_command: cat /etc/passwd", "api_key_file: x"] {
            let scene = try await scene(beside: ("dailies.yaml", line + "\n"))
            let outcome = try await scene.dailies("status")
            #expect(outcome.code == 64)
            #expect(outcome.err.hasPrefix("dailies: dailies.yaml:1:1: "), "\(outcome.err)")
            #expect(outcome.err.contains("is not allowed in a project file, which may come from another person"))
        }
    }

    @Test func `a project file may tighten a guard but never loosen one`() async throws {
        let looser = [
            "accept_quote: true", "accept_quote: yes", "trust-5xx: on", "no_download: true", "retries: 5",
            "budget: none",
            "quote_tolerance: 400", "concurrency: 500", "rates: rates.json", "catalog: models.json",
            "store: other.sqlite",
            "output: elsewhere", "max_credits_per_task: 0.01", "budget_mode: soft", "pause_after_rejections: 0",
            "canary_success_rate: 0", "retry_rules: rules.json", "poll_window: 1", "dialect: params",
            "usd_per_credit: 2",
        ]
        for line in looser {
            let scene = try await scene(beside: ("dailies.yaml", line + "\n"))
            try scene.write(
                #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
            for words in [["run", "one.jsonl"], ["plan", "one.jsonl"], ["resume"], ["doctor", "--offline"]] {
                let outcome = try await scene.dailies(words: words)
                #expect(outcome.code == 64, "\(line): \(words): \(outcome)")
                #expect(outcome.err.hasPrefix("dailies: dailies.yaml:1:"), "\(outcome.err)")
                #expect(outcome.err.contains("your user file"), "\(outcome.err)")
            }
            #expect(!scene.exists("dailies.sqlite"))
        }
    }

    @Test func `the user file and the command line may loosen what a project file may not`() async throws {
        let scene = try await scene(own: "concurrency: 30\n", beside: ("dailies.yaml", "concurrency: 25\n"))
        var found = try await settings(scene)
        #expect(found.contains("concurrency | 25 | dailies.yaml:1"), "\(found)")
        try scene.write("{}\n", to: Self.own)
        #expect(
            try await scene.dailies("doctor", "--offline").err
                == "dailies: dailies.yaml:1:14: concurrency: 25 is looser than 5, the value without this file; a project file "
                + "may only tighten this setting; set it in your user file or use --concurrency 25; see "
                + "`dailies help configuration`\n")
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        let plan = try await scene.dailies("plan", "one.jsonl", "--concurrency", "40", "--json")
        #expect(plan.code == 0, "\(plan.err)")
        #expect(try JSONValue.parse(plan.out.utf8)["concurrency"]?.number == "40")
        found = try await settings(try await self.scene(own: "accept_quote: on\nretries: 3\n"))
        #expect(found.contains("accept-quote | true | {FOLDER}/\(Self.own):1"), "\(found)")
    }

    @Test func `a project file lowers a stored budget but never raises it`() async throws {
        let scene = try await Scene(simulator: ["--speed", "1000"])
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        func budget() throws -> String? { try scene.store { try $0.batches().first?.budget?.description } }
        #expect(try await scene.online("run", "one.jsonl", "--budget", "9", "--budget", "tag:a=b=3").code == 0)
        for (line, expected) in [("budget: 400", "9"), ("budget: [7, \"tag:a=b=1\"]", "7"), ("budget: 8", "7")] {
            try scene.write(line + "\n", to: "dailies.yaml")
            for command in [["run", "one.jsonl"], ["resume"]] {
                #expect(try await scene.online(words: command).code == 0)
            }
            #expect(try budget() == expected, "\(line)")
        }
        let id = try scene.store { try #require(try $0.batches().first).id }
        #expect(try scene.store { try $0.tagBudgets(id).map { "\($0.position.cap?.description ?? "none")" } } == ["1"])
        let json = try await scene.online("plan", "one.jsonl", "--json")
        let plan = try JSONValue.parse(json.out.utf8)
        #expect(plan["batches"]?.array?.first?["budget"]?.number == "7")
        #expect(plan["folder_settings"]?.array?.first?["from"]?.string == "dailies.yaml:1")
        // The command line may raise it.
        #expect(try await scene.online("run", "one.jsonl", "--budget", "20").code == 0)
        #expect(try budget() == "20")
    }

    @Test func `a run starts by printing what the project file changed`() async throws {
        let scene = try await Scene(simulator: ["--speed", "1000"])
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        try scene.write("canary: 1\nretries: 0\n", to: "dailies.yaml")
        let outcome = try await scene.online("run", "one.jsonl", "--json")
        #expect(outcome.code == 0, "\(outcome.err)")
        let first = try JSONValue.parse(outcome.out.split(separator: "\n")[0].utf8)
        // retries: 0 is the default and changes nothing.
        #expect(
            first.compactText
                == #"{"type":"folder_settings","settings":[{"name":"canary","value":"1","from":"dailies.yaml:1"}]}"#)
        try scene.write("retries: 0\n", to: "dailies.yaml")
        #expect(try await !scene.online("run", "one.jsonl").err.contains("the project file"))
    }

    @Test(arguments: [
        ("ture", "\"ture\" is"), ("1", "\"1\" is"), ("\"\"", "\"\" is"), ("[true, true]", "\"true\" is"),
        ("[]", "an empty list is"),
    ])
    func `a flag takes true or false, and other values are refused with their position`(
        _ text: String, _ words: String
    ) async throws {
        for flag in ["accept_quote", "no-color", "no_download", "trust-5xx"] {
            let scene = try await scene(own: "max_wait: 1h\n\(flag): \(text)\n")
            let outcome = try await scene.dailies("status")
            #expect(outcome.code == 64)
            let place = text == "[]" ? "2:1" : "2:\(flag.count + 3 + (text.hasPrefix("[") ? 1 : 0))"
            #expect(
                outcome.err
                    == "dailies: {FOLDER}/\(Self.own):\(place): \(flag): \(words) not a boolean; use true or false\n")
        }
    }

    @Test(arguments: ["true", "Yes", "on", "\"y\""])
    func `a flag also takes YAML's other booleans`(_ word: String) async throws {
        let scene = try await scene(own: "no_download: \(word)\n")
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        let rehearsal = try await scene.dailies("rehearse", "one.jsonl", "--speed", "1000")
        #expect(rehearsal.code == 0 && !scene.exists("rehearsal/one/dolly.mp4"), "\(rehearsal.err)")
    }

    @Test func `invalid settings are refused with their position`() async throws {
        let cases: [(name: String, text: String, message: String)] = [
            (
                "dailies.yaml", "cadence: adaptive\nconcurency: 5\n",
                "dailies.yaml:2:1: \"concurency\" is not a setting; your user file may set "
            ),
            ("dailies.yaml", "batch: x\n", "dailies.yaml:1:1: \"batch\" is not a setting; your user file may set "),
            (
                "dailies.yaml", "max_wait: 1h\nmax-wait: 2h\n",
                "dailies.yaml:2:1: max-wait appears twice; keep one of them"
            ),
            (
                "dailies.yaml", "max_wait: [1h, 2h]\n",
                "dailies.yaml:1:1: max_wait takes one value; write max_wait: value"
            ),
            ("dailies.yaml", "retries: few\n", "dailies.yaml:1:10: \"few\" is not a valid value of retries; see "),
            (
                "dailies.yaml", "output: {a: b}\n",
                "dailies.yaml:1:1: output is not a plain value; write output: value, or a list of values"
            ),
            (
                "dailies.yaml", "- output\n", "dailies.yaml:1:1: is not a mapping; write lines of the form name: value"
            ),
        ]
        for (name, text, message) in cases {
            let outcome = try await scene(beside: (name, text)).dailies("status")
            #expect(outcome.code == 64 && outcome.err.hasPrefix("dailies: \(message)"), "\(outcome.err)")
        }
        let both = try await scene(beside: ("dailies.yaml", "max_wait: 1h\n"))
        try both.write("max_wait: 2h\n", to: ".dailies.yaml")
        #expect(
            try await both.dailies("status").err
                == "dailies: both .dailies.yaml and dailies.yaml exist; keep only one of them\n")
    }

    @Test func `a TOML file of an earlier version is refused with how to convert it`() async throws {
        func message(_ file: String, _ yaml: String) -> String {
            "dailies: \(file): TOML is no longer read; move its lines to \(yaml), write `name: value` instead of "
                + "`name = value`, and delete \(file); see `dailies help configuration`\n"
        }
        let project = try await scene(beside: (".dailies.toml", "max_wait = \"2h\"\n"))
        try project.write("max_wait: 1h\n", to: "dailies.yaml")
        for command in ["status", "resume", "doctor"] {
            #expect(
                try await project.dailies(command) == Outcome(64, err: message(".dailies.toml", "dailies.yaml")))
        }
        let user = try await scene()
        try user.write("budget = [5]\n", to: ".config/dailies/config.toml")
        let folder = "{FOLDER}/.config/dailies"
        #expect(
            try await user.dailies("status")
                == Outcome(64, err: message("\(folder)/config.toml", "\(folder)/config.yaml")))
    }

    @Test func `a rehearsal uses its own folder regardless of configuration files`() async throws {
        let scene = try await scene(own: "output: real\nstore: real.sqlite\n", beside: ("dailies.yaml", "budget: 0\n"))
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        let outcome = try await scene.dailies("rehearse", "one.jsonl", "--speed", "1000")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(scene.exists("rehearsal/one/dolly.mp4") && !scene.exists("real") && !scene.exists("real.sqlite"))
    }
}
