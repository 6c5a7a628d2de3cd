import Foundation
import Testing

@testable import DailiesManifest

/// The part of TOML that settings need.
struct SettingsFileTests {
    private func entry(_ line: String) throws -> (String, [String])? {
        var line = TOMLLine(line[...])
        return try line.entry()
    }

    @Test(arguments: [
        ("a = 1", ["1"]), ("  a-b = \"x\"  # said", ["x"]), ("a='C:\\new'", ["C:\\new"]),
        (#"a = "tab\t\"quoted\" \\""#, ["tab\t\"quoted\" \\"]), ("a = true", ["true"]), ("a = -0.5", ["-0.5"]),
        ("a = [1, \"two\", 'three',]", ["1", "two", "three"]), ("a = []", []), ("a = \"#\"", ["#"]),
    ])
    func `a line gives a name and values`(_ line: String, _ values: [String]) throws {
        let found = try #require(try entry(line))
        #expect(found.1 == values)
        #expect(found.0 == "a" || found.0 == "a-b")
    }

    @Test(arguments: ["", "   ", "# nothing", "\t# a = 1"])
    func `blanks and comments say nothing`(_ line: String) throws { #expect(try entry(line) == nil) }

    @Test(arguments: [
        "[table]", "a.b = 1", "a", "= 1", "a =", "a = x", "a = \"x", "a = 'x", "a = \"\"\"x\"\"\"", "a = [1, 2",
        "a = 1 2", "a = \"\\u0041\"", "a = 1979-05-27", "a = {b = 1}", "a = +inf",
    ])
    func `anything else is refused`(_ line: String) throws {
        #expect(throws: TOMLLine.Trouble.self) { try entry(line) }
    }
}
