import Foundation
import Testing

@testable import DailiesManifest

/// The part of TOML that settings need, and what a flag may say.
struct ConfigurationFileTests {
    private func entry(_ line: String) throws -> ConfigurationFile.Entry? {
        var line = TOMLLine(line[...], number: 1)
        return try line.entry()
    }

    @Test(arguments: [
        ("a = 1", ["1"]), ("  a-b = \"x\"  # said", ["x"]), ("a='C:\\new'", ["C:\\new"]),
        (#"a = "tab\t\"quoted\" \\""#, ["tab\t\"quoted\" \\"]), ("a = true", ["true"]), ("a = -0.5", ["-0.5"]),
        ("a = [1, \"two\", 'three',]", ["1", "two", "three"]), ("a = []", []), ("a = \"#\"", ["#"]),
    ])
    func `a line gives a name and values`(_ line: String, _ values: [String]) throws {
        let found = try #require(try entry(line))
        #expect(found.values.map(\.text) == values)
        #expect(found.name == "a" || found.name == "a-b")
    }

    @Test func `names and values have their places, counted in Unicode scalars`() throws {
        let found = try #require(try entry("  a = [\"e\u{301}é\",  2]"))
        #expect(found.line == 1 && found.column == 3)
        #expect(found.values.map(\.column) == [8, 16])
    }

    private func flag(_ text: String) -> Bool? { ConfigurationFile.Value(text: text, line: 1, column: 1).flag }

    @Test(arguments: ["true", "True", "TRUE", "yes", "YES", "on", "On", "y", "Y"])
    func `a flag is set by YAML's words for true, in any case`(_ word: String) { #expect(flag(word) == true) }

    @Test(arguments: ["false", "False", "no", "NO", "off", "OFF", "n"])
    func `a flag is cleared by YAML's words for false, in any case`(_ word: String) { #expect(flag(word) == false) }

    @Test(arguments: ["", "ture", "1", "0", "yes ", "enabled", "tr\u{FC}e", "null", "~"])
    func `a flag accepts no other word`(_ word: String) { #expect(flag(word) == nil) }

    @Test(arguments: ["", "   ", "# nothing", "\t# a = 1"])
    func `blanks and comments are ignored`(_ line: String) throws { #expect(try entry(line) == nil) }

    @Test(arguments: [
        "[table]", "a.b = 1", "a", "= 1", "a =", "a = x", "a = \"x", "a = 'x", "a = \"\"\"x\"\"\"", "a = [1, 2",
        "a = 1 2", "a = \"\\u0041\"", "a = 1979-05-27", "a = {b = 1}", "a = +inf",
    ])
    func `anything else is refused`(_ line: String) throws {
        #expect(throws: TOMLLine.SyntaxError.self) { try entry(line) }
    }
}
