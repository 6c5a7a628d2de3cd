import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// A refused run does not change the store.
@Suite(.serialized) struct RefusedRunTests {
    private static func line(_ id: String, _ prompt: String) -> String {
        #"{"id": "\#(id)", "model": "sora-2", "prompt": "\#(prompt)", "duration_seconds": 4}"# + "\n"
    }

    /// All rows of the store except the events and sums of opening it.
    private func dump(_ stage: Stage) throws -> String { try StoreFile(stage.store).dump().joined(separator: "\n") }

    private func run(_ stage: Stage, _ manifests: [String], _ url: String, _ more: [String] = []) throws
        -> Stage.Finished
    {
        try stage.finish(["run"] + manifests + ["--output", stage.path("renders")] + stage.options(url) + more)
    }

    /// Two batches with a clip each, rendered and saved.
    private func stage() throws -> (stage: Stage, a: String, b: String, url: String) {
        let stage = try Stage()
        let url = try stage.simulator()
        let a = try stage.write("a.jsonl", Self.line("1", "a fox"))
        let b = try stage.write("b.jsonl", Self.line("1", "a stag"))
        let first = try run(stage, [a, b], url, ["--budget", "50"])
        #expect(first.code == 0, "\(first.err)")
        return (stage, a, b, url)
    }

    @Test func `if one manifest is refused, no changes, removals or budgets of the others are stored`() throws {
        let (stage, a, b, url) = try stage()
        try stage.write("a.jsonl", Self.line("1", "a fox at dusk") + Self.line("2", "a hare"))
        // The batch name belongs to another path.
        let moved = try stage.write("elsewhere.jsonl", Self.line("1", "a stag"))
        let before = try dump(stage)
        let bill = try stage.bill(url)
        let options = ["--accept-changes", "--budget", "70", "--budget", "tag:a=b=1", "--budget-mode", "soft"]
        let refused = try run(stage, [a, moved], url, options + ["--batch", "b"])
        #expect(refused.code == 64, "two manifests and one name: \(refused.err)")
        try stage.write("elsewhere.jsonl", "{\"batch\": \"b\"}\n" + Self.line("1", "a stag"))
        let second = try run(stage, [a, moved], url, options)
        #expect(second.code == 65 && second.err.contains("the batch \"b\" came from "), "\(second.err)")
        #expect(try dump(stage) == before)
        // Nothing of it is left for a later run.
        let resumed = try stage.finish(["resume"] + stage.options(url))
        #expect(resumed.code == 0, "\(resumed.err)")
        #expect(try stage.bill(url) == bill)
        let third = try run(stage, [a, b], url, ["--accept-changes"])
        #expect(third.code == 0, "\(third.err)")
        #expect(try stage.bill(url).accepted == bill.accepted + 2)
    }

    @Test func `a refused change in the second manifest leaves the first unchanged`() throws {
        let (stage, a, b, url) = try stage()
        try stage.write("a.jsonl", Self.line("2", "a hare"))
        try stage.write("b.jsonl", Self.line("1", "another stag"))
        let before = try dump(stage)
        let refused = try run(stage, [a, b], url, ["--budget", "70"])
        #expect(refused.code == 65 && refused.err.contains("1 changed in \"b\""), "\(refused.err)")
        #expect(try dump(stage) == before)
    }

    @Test func `a manifest that ends while it is read leaves the others unchanged`() throws {
        let (stage, a, _, url) = try stage()
        try stage.write("a.jsonl", Self.line("2", "a hare"))
        let before = try dump(stage)
        let wrong = try stage.write("wrong.jsonl", "{\"id\": 3}\n")
        #expect(try run(stage, [a, wrong], url).code == 65)
        #expect(try dump(stage) == before)
    }

    @Test func `a simulator with a different speed is refused before anything is written`() throws {
        let (stage, a, _, url) = try stage()
        try stage.write("a.jsonl", Self.line("2", "a hare"))
        let before = try dump(stage)
        let other = try stage.finish([
            "run", a, "--provider", "simulator", "--base-url", url, "--speed", "7", "--store", stage.store, "--budget",
            "1",
        ])
        #expect(other.code == 64 && other.err.contains("use --speed 1000"), "\(other.err)")
        #expect(try dump(stage) == before)
        let fresh = try stage.finish([
            "run", a, "--provider", "simulator", "--base-url", url, "--speed", "7", "--store", stage.path("new.sqlite"),
        ])
        #expect(fresh.code == 64)
        #expect(try !stage.names().contains("new.sqlite"))
    }
}
