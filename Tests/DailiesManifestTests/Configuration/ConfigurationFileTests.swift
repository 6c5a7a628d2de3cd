import Testing

@testable import DailiesManifest

/// What a flag may say.
struct ConfigurationFileTests {
    private func flag(_ text: String) -> Bool? { ConfigurationFile.Value(text: text, line: 1, column: 1).flag }

    @Test(arguments: ["true", "True", "TRUE", "yes", "YES", "on", "On", "y", "Y"])
    func `a flag is set by YAML's words for true, in any case`(_ word: String) { #expect(flag(word) == true) }

    @Test(arguments: ["false", "False", "no", "NO", "off", "OFF", "n"])
    func `a flag is cleared by YAML's words for false, in any case`(_ word: String) { #expect(flag(word) == false) }

    @Test(arguments: ["", "ture", "1", "0", "yes ", "enabled", "tr\u{FC}e", "null", "~"])
    func `a flag accepts no other word`(_ word: String) { #expect(flag(word) == nil) }
}
