import Foundation
import Testing

/// Rules of the house that a compiler does not know.
struct TidyTests {
    private static let targets = ImportRulesTests.allowed.keys.sorted()

    private func sources(except skipped: Set<String> = []) throws -> [Repository.SourceFile] {
        try Self.targets.filter { !skipped.contains($0) }.flatMap { try Repository.swiftFiles(below: "Sources/\($0)") }
    }

    @Test func `the top level holds what the contract names and dotfiles`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root.path)
            .filter { !$0.hasPrefix(".") }
        let allowed: Set = [
            "Package.swift", "Package.resolved", "README.md", "Sources", "Tests", "jobs", "schema.sql",
            // What the README's first command leaves behind.
            "rehearsal", "rehearsal.sqlite", "rehearsal.sqlite-lock", "rehearsal.sqlite-wal", "rehearsal.sqlite-shm",
        ]
        #expect(names.filter { !allowed.contains($0) } == [])
    }

    @Test func `no error is forced or dropped without a reason`() throws {
        let hits = Repository.hits(try sources()) { line, previous in
            let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
            if code.contains(#/\btry!/#) || code.contains(#/\bas!/#) { return true }
            return code.contains(#/\btry\? /#) && !line.contains("//") && !previous.contains("//")
        }
        #expect(hits == [])
    }

    @Test func `no catch is empty`() throws {
        let hits = Repository.hits(try sources()) { line, _ in
            line.contains("catch {}") || line.contains("catch { }")
        }
        #expect(hits == [])
    }

    @Test func `time is told by the clock of the runner alone`() throws {
        // The provider's deadlines are those of sockets, and the benchmarks measure.
        let hits = Repository.hits(try sources(except: ["DailiesBenchmarks"])) { line, _ in
            guard !line.contains("///") else { return false }
            return line.contains("Date()") || line.contains("Date.now") || line.contains("asyncAfter")
        }
        #expect(hits == [])
    }

    @Test func `chance comes from a generator that is passed in`() throws {
        let hits = Repository.hits(try sources()) { line, _ in
            (line.contains(".random(in:") || line.contains(".shuffled(") || line.contains(".randomElement("))
                && !line.contains("using:")
        }
        #expect(hits == [])
    }

    @Test func `no test sleeps`() throws {
        let hits = Repository.hits(try Repository.swiftFiles(below: "Tests")) { line, _ in
            // Put together here, so that this line does not match.
            ["Task.sl" + "eep", "Thread.sl" + "eep", "usl" + "eep("].contains { line.contains($0) }
        }
        #expect(hits == [])
    }

    @Test func `only the store contains SQL`() throws {
        let words = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA "]
        let hits = Repository.hits(try sources(except: ["DailiesStore", "DailiesBenchmarks"])) { line, _ in
            !line.contains("//") && words.contains { line.contains($0) }
        }
        #expect(hits == [])
    }

    @Test func `nothing is left for later`() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "not impl" + "emented"]
        let hits = Repository.hits(try sources() + Repository.swiftFiles(below: "Tests")) { line, _ in
            words.contains { line.contains($0) }
        }
        #expect(hits == [])
    }
}
