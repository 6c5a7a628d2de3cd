import ExactJSON
import Foundation
import Testing

/// Settings from files: who comes before whom, and what is refused.
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

    @Test func `an option comes before the environment, that before the file beside the manifest, that before the own`()
        async throws
    {
        let scene = try await scene(
            own: "output: mine\nmax_wait: 1h\nbase_url: https://mine.example\n",
            beside: ("dailies.yaml", "# for all of us\noutput: ours\n"))
        var found = try await settings(scene)
        #expect(found.contains("output | ours | dailies.yaml:2"), "\(found)")
        #expect(found.contains("max-wait | 1h | {FOLDER}/\(Self.own):2"), "\(found)")
        #expect(found.contains("base URL | https://mine.example | {FOLDER}/\(Self.own):3"), "\(found)")
        found = try await settings(scene, "--output", "typed")
        #expect(found.contains("output | typed | --output"), "\(found)")
        #expect(found.contains { $0.hasPrefix("API key | fingerprint ") && $0.hasSuffix("| $BYTESPIKE_API_KEY") })
    }

    @Test func `a run takes its options from the file beside its manifest`() async throws {
        let scene = try await Scene(simulator: ["--speed", "1000"])
        try FileManager.default.createDirectory(atPath: scene.folder + "/job", withIntermediateDirectories: true)
        try scene.write("output = \"clips\" # a folder\nbudget = [5]\n", to: "job/.dailies.toml")
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "job/one.jsonl")
        let outcome = try await scene.online("run", "job/one.jsonl")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(scene.exists("clips/one/dolly.mp4"))
        #expect(try scene.store { try $0.batches().first?.budget?.description } == "5")
    }

    @Test func `a command takes of a file what it knows, and nothing by half a name`() async throws {
        let scene = try await scene(beside: ("dailies.yaml", "rate: 2/s\nno_download: true\ntrust-5xx: false\n"))
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        // `plan` knows --rates, and no --rate.
        let plan = try await scene.dailies("plan", "one.jsonl")
        #expect(plan.code == 0, "\(plan.err)")
        let rehearsal = try await scene.dailies("rehearse", "one.jsonl", "--speed", "1000")
        #expect(rehearsal.code == 0 && !scene.exists("rehearsal/one/dolly.mp4"), "\(rehearsal.err)")
    }

    @Test func `the key may come from a command of one's own`() async throws {
        let scene = try await scene(own: "api_key_command: printf 'test-key\\nsecond line'\n")
        let found = try await settings(scene, key: nil)
        #expect(
            found.contains("API key | fingerprint \(Scene.account.text) | {FOLDER}/\(Self.own):1"), "\(found)")
        try scene.write("api_key_command: exit 3\n", to: Self.own)
        let outcome = try await scene.dailies("reconcile", "--batch", "x", key: nil)
        #expect(outcome.code != 0)
        try scene.enrol([Scene.spec("dolly")])
        try scene.sendUncertain("dolly")
        #expect(
            try await scene.dailies("reconcile", key: nil)
                == Outcome(77, err: "dailies: {FOLDER}/\(Self.own):1: api_key_command failed (3)\n"))
    }

    @Test func `the folder of a manifest cannot say where the key goes, nor run anything`() async throws {
        for line in ["base_url: https://evil.example", "api_key_command: cat /etc/passwd", "api_key_file: x"] {
            let scene = try await scene(beside: ("dailies.yaml", line + "\n"))
            let outcome = try await scene.dailies("status")
            #expect(outcome.code == 64)
            #expect(outcome.err.hasPrefix("dailies: dailies.yaml:1: "), "\(outcome.err)")
            #expect(outcome.err.contains("stands only in your own file"))
        }
    }

    @Test func `what is not understood is refused with its place`() async throws {
        let cases: [(name: String, text: String, message: String)] = [
            ("dailies.yaml", "output: a\nconcurency: 5\n", "dailies.yaml:2: \"concurency\" is no setting; It may set "),
            ("dailies.yaml", "output: a\noutput: b\n", "dailies.yaml:2: output stands twice; keep one of the two"),
            (
                "dailies.yaml", "output: {a: b}\n",
                "dailies.yaml:1: output has no plain value; write output: value, or a list of values"
            ),
            (
                "dailies.yaml", "- output\n", "dailies.yaml:1: it is no mapping; write lines of the form name: value"
            ),
            (
                ".dailies.toml", "\n[run]\n",
                ".dailies.toml:2: tables are not read; write name = value at the top, or use YAML"
            ),
            (
                ".dailies.toml", "output = here\n",
                ".dailies.toml:1: here is no value; put text into \"quotation marks\""
            ),
        ]
        for (name, text, message) in cases {
            let outcome = try await scene(beside: (name, text)).dailies("status")
            #expect(outcome.code == 64 && outcome.err.hasPrefix("dailies: \(message)"), "\(outcome.err)")
        }
        let both = try await scene(beside: ("dailies.yaml", "output: a\n"))
        try both.write("output = \"b\"\n", to: ".dailies.toml")
        #expect(
            try await both.dailies("status").err
                == "dailies: there are .dailies.toml and dailies.yaml; keep one of the two\n")
    }

    @Test func `a rehearsal keeps to its own folder whatever a file says`() async throws {
        let scene = try await scene(beside: ("dailies.yaml", "output: real\nstore: real.sqlite\n"))
        try scene.write(
            #"{"id": "dolly", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#, to: "one.jsonl")
        let outcome = try await scene.dailies("rehearse", "one.jsonl", "--speed", "1000")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(scene.exists("rehearsal/one/dolly.mp4") && !scene.exists("real") && !scene.exists("real.sqlite"))
    }
}
