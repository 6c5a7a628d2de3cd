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
    private func dump(_ test: TestEnvironment) throws -> String {
        try StoreFile(test.store).dump().joined(separator: "\n")
    }

    private func run(_ test: TestEnvironment, _ manifests: [String], _ url: String, _ more: [String] = []) throws
        -> TestEnvironment.Finished
    {
        try test.finish(["run"] + manifests + ["--output", test.path("renders")] + test.options(url) + more)
    }

    /// Two batches with a clip each, rendered and saved.
    private func test() throws -> (test: TestEnvironment, a: String, b: String, url: String) {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let a = try test.write("a.jsonl", Self.line("1", "a fox"))
        let b = try test.write("b.jsonl", Self.line("1", "a stag"))
        let first = try run(test, [a, b], url, ["--budget", "50"])
        #expect(first.code == 0, "\(first.err)")
        return (test, a, b, url)
    }

    @Test func `if one manifest is refused, no changes, removals or budgets of the others are stored`() throws {
        let (test, a, b, url) = try test()
        try test.write("a.jsonl", Self.line("1", "a fox at dusk") + Self.line("2", "a hare"))
        // The batch name belongs to another path.
        let moved = try test.write("elsewhere.jsonl", Self.line("1", "a stag"))
        let before = try dump(test)
        let bill = try test.bill(url)
        let options = ["--accept-changes", "--budget", "70", "--budget", "tag:a=b=1", "--budget-mode", "soft"]
        let refused = try run(test, [a, moved], url, options + ["--batch", "b"])
        #expect(refused.code == 64, "two manifests and one name: \(refused.err)")
        try test.write("elsewhere.jsonl", "{\"batch\": \"b\"}\n" + Self.line("1", "a stag"))
        let second = try run(test, [a, moved], url, options)
        #expect(second.code == 65 && second.err.contains("the batch \"b\" came from "), "\(second.err)")
        #expect(try dump(test) == before)
        // Nothing of it is left for a later run.
        let resumed = try test.finish(["resume"] + test.options(url))
        #expect(resumed.code == 0, "\(resumed.err)")
        #expect(try test.bill(url) == bill)
        let third = try run(test, [a, b], url, ["--accept-changes"])
        #expect(third.code == 0, "\(third.err)")
        #expect(try test.bill(url).accepted == bill.accepted + 2)
    }

    @Test func `a refused change in the second manifest leaves the first unchanged`() throws {
        let (test, a, b, url) = try test()
        try test.write("a.jsonl", Self.line("2", "a hare"))
        try test.write("b.jsonl", Self.line("1", "another stag"))
        let before = try dump(test)
        let refused = try run(test, [a, b], url, ["--budget", "70"])
        #expect(refused.code == 65 && refused.err.contains("1 changed in \"b\""), "\(refused.err)")
        #expect(try dump(test) == before)
    }

    @Test func `a manifest that ends while it is read leaves the others unchanged`() throws {
        let (test, a, _, url) = try test()
        try test.write("a.jsonl", Self.line("2", "a hare"))
        let before = try dump(test)
        let wrong = try test.write("wrong.jsonl", "{\"id\": 3}\n")
        #expect(try run(test, [a, wrong], url).code == 65)
        #expect(try dump(test) == before)
    }

    @Test func `a simulator with a different speed is refused before anything is written`() throws {
        let (test, a, _, url) = try test()
        try test.write("a.jsonl", Self.line("2", "a hare"))
        let before = try dump(test)
        let other = try test.finish([
            "run", a, "--provider", "simulator", "--base-url", url, "--speed", "7", "--store", test.store, "--budget",
            "1",
        ])
        #expect(other.code == 64 && other.err.contains("use --speed 1000"), "\(other.err)")
        #expect(try dump(test) == before)
        let fresh = try test.finish([
            "run", a, "--provider", "simulator", "--base-url", url, "--speed", "7", "--store", test.path("new.sqlite"),
        ])
        #expect(fresh.code == 64)
        #expect(try !test.names().contains("new.sqlite"))
    }
}
