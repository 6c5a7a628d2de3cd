import DailiesCore
import Foundation
import Testing

@testable import DailiesCLI

/// A shell reads printed commands as intended.
struct ShellWordTests {
    /// The words that a shell passes to a command, each followed by a zero byte.
    private func read(_ words: [String]) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let folder = URL(fileURLWithPath: NSTemporaryDirectory() + "/dailies-shell-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A leftover folder is harmless.
        defer { try? FileManager.default.removeItem(at: folder) }
        process.currentDirectoryURL = folder
        process.arguments = ["-c", "printf '%s\\0' \(ShellWord.line(words))"]
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [], "a word was carried out")
        return data.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func expectSame(_ words: [String]) throws {
        let found = try read(words)
        #expect(found.count == words.count)
        for (word, found) in zip(words, found) where !word.utf8.elementsEqual(found.utf8) {
            Issue.record("\(ShellWord.quoted(word)) is read as \(found.debugDescription)")
        }
    }

    @Test func `text that a shell would execute is only a word`() throws {
        try expectSame([
            "x; touch pwned #", "$(touch pwned)", "`touch pwned`", "a'b; touch pwned", "'\u{301}; touch pwned; '",
            "a\nb",
            "~", "*", "=ls", "", "!1", "a\\'b", "\u{202E}gnp.exe", "tab\tand\u{7}bell", "\\u{7}", "{a,b}",
            "a&&touch pwned",
            "\u{85}", "e\u{301}", "-rf", "$'x'", "%s\\0",
        ])
    }

    @Test func `any text is read back unchanged`() throws {
        var random = SplitMix64(seed: 11)
        let pieces = [
            "'", "\\", "$", "`", "\"", "\n", "\u{301}", "\u{1B}[2J", "\u{200D}", ";", " ", "a", "7", "é", "\u{E000}",
            "!", "#", "-",
        ]
        try expectSame(
            (0..<400).map { _ in
                (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    pieces[Int.random(in: pieces.indices, using: &random)]
                }.joined()
            })
    }

    @Test func `a command contains no control characters`() {
        for word in ["\u{1B}[2J", "\u{202E}x", "a\rb", "\u{7F}"] {
            #expect(ShellWord.quoted(word).unicodeScalars.allSatisfy { $0.isASCII && !SafeText.isControl($0) })
        }
    }

    @Test func `plain words are not quoted, and a key is never read as an option`() {
        let hint = SuggestedCommand(storePath: "my store.sqlite")
        #expect(hint.offline("retry", keys: ["dolly"]) == "dailies retry dolly --store 'my store.sqlite'")
        #expect(
            hint.offline("retry", [("--batch", "-b")], keys: ["--all"])
                == "dailies retry --batch=-b --store 'my store.sqlite' -- --all")
    }
}
