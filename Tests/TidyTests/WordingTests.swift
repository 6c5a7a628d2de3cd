import Foundation
import Testing

/// Words and names that are not used in this repository, because a reader from another project would have to guess them.
struct WordingTests {
    /// Text that users or earlier versions wrote.
    private static let foreign = ["Tests/Golden/", "Tests/TidyTests/WordingTests.swift"]

    /// A phrase, and the plain one.
    private static var phrases: [(phrase: Regex<Substring>, plain: String)] {
        [
            (#/(?i)\bin the air\b/#, "in flight"),
            (#/(?i)\bfates?\b/#, "outcome"),
            (#/(?i)\bby (?:the|a) user's word\b/#, "by the user"),
            (#/(?i)\bto the (?:letter|byte)\b/#, "exactly"),
            (#/(?i)\bso (?:many|much)\b(?! (?:as|that|more)\b)/#, "the number"),
            (#/(?i)\bas (?:it is|they are) given\b/#, "unchanged"),
            (#/(?i)\bwhoever\b/#, "the caller, the process"),
            (#/(?i)\bof one's own\b|\b(?:one|nobody|somebody)'s\b/#, "name the owner"),
            (#/(?i)\bstands in\b/#, "is in"),
            (#/(?i)\bwhat came of\b/#, "result"),
            (#/(?i)\banew\b/#, "again"),
            (#/(?i)\b(?!there\b)\w+ is no (?!longer|more|fewer|less)[a-z]+/#, "is not a"),
            (#/(?i)\btakes? (?:it )?up\b/#, "picks up"),
            (#/(?i)\bin doubt\b/#, "uncertain"),
        ]
    }

    /// Prefixes of names, and the plain ones.
    private static var prefixes: [(prefix: Regex<Substring>, plain: String)] {
        [
            (#/\bmost[A-Z]\w*/#, "maximum…"),
            (#/\b(?:longest|deepest)[A-Z]\w*/#, "maximum…"),
            (#/\b(?:fewest|closest)[A-Z]\w*/#, "minimum…"),
        ]
    }

    private func files() throws -> [Repository.SourceFile] {
        let names = try #require(FileManager.default.enumerator(atPath: Repository.root.path)).compactMap {
            $0 as? String
        }
        return try names.filter { name in
            (name.hasPrefix("Sources/") || name.hasPrefix("Tests/") || ["README.md", "schema.sql"].contains(name))
                && ["swift", "md", "sql"].contains { name.hasSuffix("." + $0) }
                && !Self.foreign.contains { name.hasPrefix($0) }
        }.sorted().map { name in
            Repository.SourceFile(
                path: name,
                lines: try Repository.text(name).split(separator: "\n", omittingEmptySubsequences: false).map(
                    String.init))
        }
    }

    @Test func `no text uses a phrase that nobody would say to a colleague`() throws {
        let files = try files()
        #expect(files.count > 300)
        for (phrase, plain) in Self.phrases {
            let hits = Repository.hits(files) { line, _ in line.contains(phrase) }
            #expect(hits == [], "say \"\(plain)\" in place of it")
        }
    }

    @Test func `bounds are called minimum and maximum`() throws {
        let files = try files()
        for (prefix, plain) in Self.prefixes {
            let hits = Repository.hits(files) { line, _ in line.contains(prefix) }
            #expect(hits == [], "call it \(plain)")
        }
    }
}
