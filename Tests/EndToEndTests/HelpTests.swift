import Foundation
import Testing

@testable import TestSupport

/// Exact output, stored as files in `Golden`.
///
///     DAILIES_GOLDEN=write swift test --filter HelpTests      rewrites them; review the diff
enum Golden {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    private static let isWriting = ProcessInfo.processInfo.environment["DAILIES_GOLDEN"] == "write"

    static func expect(_ text: String, _ name: String, _ location: SourceLocation = #_sourceLocation) throws {
        let file = folder.appending(path: name + ".txt")
        if isWriting { try text.write(to: file, atomically: true, encoding: .utf8) }
        let known = try String(contentsOf: file, encoding: .utf8)
        #expect(text == known, "\(name) has changed; DAILIES_GOLDEN=write rewrites it", sourceLocation: location)
    }
}

/// `--help` and `dailies help`.
struct HelpTests {
    private static let commands = [
        "run", "resume", "init", "plan", "models", "prices", "rehearse", "status", "report", "reconcile", "cancel",
        "retry", "pause",
        "unpause", "concurrency", "explain", "export", "sheet", "promote", "fetch", "doctor", "store", "schema",
        "simulate",
        "help",
    ]
    private static let topics = [
        "states", "exit-codes", "manifests", "money", "pace", "files", "recovery", "configuration",
    ]

    @Test(arguments: commands)
    func `each command has help with examples`(_ command: String) async throws {
        let outcome = try await Scene().dailies(command, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.out.contains("\nExamples:\n") || outcome.out.contains("\n  Examples:\n"))
        try Golden.expect(outcome.out, "help-\(command)")
    }

    @Test func `the list of commands is complete`() async throws {
        let outcome = try await Scene().dailies("--help")
        for command in Self.commands { #expect(outcome.out.contains("\n  \(command) "), "\(command)") }
        #expect(try await Scene().dailies("help").out == outcome.out)
        try Golden.expect(outcome.out, "help")
    }

    @Test(arguments: topics)
    func `each topic has help`(_ topic: String) async throws {
        let outcome = try await Scene().dailies("help", topic)
        #expect(outcome.code == 0)
        #expect(outcome.out.split(separator: "\n").allSatisfy { $0.count <= 120 })
        try Golden.expect(outcome.out, "topic-\(topic)")
    }

    @Test func `help shows a command's help, or lists the topics for an unknown name`() async throws {
        let scene = try await Scene()
        #expect(try await scene.dailies("help", "run").out == scene.dailies("run", "--help").out)
        let outcome = try await scene.dailies("help", "nothing")
        #expect(
            outcome
                == Outcome(
                    64,
                    err: "dailies: no help for \"nothing\"; topics: \(Self.topics.joined(separator: ", ")); "
                        + "for commands, see `dailies --help`\n"))
    }

    @Test func `the version names the commit, or says that it was not recorded`() async throws {
        let outcome = try await Scene().dailies("--version")
        #expect(
            outcome.out.wholeMatch(
                of: #/dailies \d+\.\d+\.\d+ \(commit (?:[0-9a-z]+|not recorded at build time)\)\n/#) != nil,
            "\(outcome.out)")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `shells complete the commands`(_ shell: String) async throws {
        let outcome = try await Scene().dailies("--generate-completion-script", shell)
        #expect(outcome.code == 0)
        for command in ["rehearse", "unpause", "concurrency"] { #expect(outcome.out.contains(command)) }
    }

    @Test func `the README lists every exit code`() async throws {
        let topic = try await Scene().dailies("help", "exit-codes").out
        let readme = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "README.md"), encoding: .utf8)
        let table = readme.split(separator: "\n").filter { $0.hasPrefix("| ") }
        let codes = topic.matches(of: #/\n  (\d+) /#).map { String($0.1) }
        #expect(codes.count == 16)
        for code in codes {
            let isThere = table.contains { row in
                row.split(separator: "|")[0].split { " ,|".contains($0) }.contains(Substring(code))
            }
            #expect(isThere, "the README does not explain \(code)")
        }
    }
}

/// Exact tables, on a store with tasks in many states.
struct TableTests {
    private func scene() async throws -> Scene {
        let scene = try await Scene()
        let keys = ["dolly", "crane", "tilt", "pan", "zoom", "stag", "lake"]
        try scene.importManifest(keys.map { Scene.spec($0) }, budget: .cap(.init(nano: 50_000_000_000)))
        try scene.importManifest([Scene.spec("fawn", prompt: "a fawn")], batch: "meadow")
        try scene.sendCompleted("dolly")
        try scene.sendCompleted("crane", isSaved: false)
        try scene.sendFailed("tilt")
        try scene.sendUncertain("pan")
        try scene.sendAccepted("zoom", as: "vt_zoom") { [.running($0)] }
        return scene
    }

    @Test func `status`() async throws {
        let scene = try await scene()
        try Golden.expect(try await scene.dailies("status").out, "status")
        try Golden.expect(try await scene.dailies("status", "--json").out, "status-json")
    }

    @Test func `report`() async throws {
        let scene = try await scene()
        try Golden.expect(try await scene.dailies("report").out, "report")
        try Golden.expect(try await scene.dailies("report", "--by", "batch,state").out, "report-by-batch-state")
    }

    @Test func `prices`() async throws {
        let scene = try await scene()
        try scene.write(
            #"{"sora-2": {"per_second": "0.25", "fee": "0.05", "source": "contract 7", "date": "2025-06-01"}}"#,
            to: "rates.json")
        try Golden.expect(try await scene.dailies("prices", "--rates", "rates.json").out, "prices")
        try Golden.expect(try await scene.dailies("prices", "--rates", "rates.json", "--json").out, "prices-json")
        try Golden.expect(try await scene.dailies("prices", "forget", "sora-2").out, "prices-forget")
    }

    @Test func `plan`() async throws {
        let scene = try await Scene()
        try scene.write(
            """
            batch: forest
            defaults: {model: sora-2, duration_seconds: 4, resolution: 720p}
            tasks:
              - {id: dolly, prompt: "a pine forest"}
              - {id: takes, prompt: "a stag", matrix: {seed: [1, 2, 3]}}
            """, to: "forest.yaml")
        let outcome = try await scene.dailies("plan", "forest.yaml", "--budget", "50")
        try Golden.expect(outcome.out, "plan")
    }

    @Test func `pauses, limits and an explained task`() async throws {
        let scene = try await scene()
        for words in [["pause"], ["pause", "--batch", "forest"], ["concurrency", "model:sora-2=3"]] {
            #expect(try await scene.dailies(words: words).code == 0)
        }
        try Golden.expect(try await scene.dailies("concurrency", "12").out, "orders")
        try Golden.expect(try await scene.dailies("concurrency", "--json").out, "orders-json")
        try Golden.expect(try await scene.dailies("status").out, "status-paused")
        try Golden.expect(try await scene.dailies("unpause", "--batch", "forest").out, "orders-unpaused")
        try Golden.expect(try await scene.dailies("explain", "tilt").out, "explain-failed")
    }
}
