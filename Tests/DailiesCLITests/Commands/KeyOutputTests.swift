import DailiesProvider
import Testing

@testable import DailiesCLI

/// API keys in the formats that users store them in.
struct KeyOutputTests {
    @Test(
        arguments: [
            ("sk-123", []), ("  sk-123\r\n", []), ("\u{FEFF}sk-123\n", ["a byte order mark"]),
            ("\"sk-123\"", ["quotes"]),
            ("'sk-123'\n", ["quotes"]), ("“sk-123”", ["quotes"]),
            ("BYTESPIKE_API_KEY=sk-123\n", ["BYTESPIKE_API_KEY="]),
            ("export BYTESPIKE_API_KEY=\"sk-123\"", ["BYTESPIKE_API_KEY=", "quotes"]), ("Bearer sk-123", ["Bearer"]),
            ("bearer  sk-123", ["bearer"]), ("Authorization: Bearer sk-123", ["Authorization: Bearer"]),
            ("\u{FEFF}KEY = 'Bearer sk-123'", ["a byte order mark", "KEY=", "quotes", "Bearer"]),
        ] as [(String, [String])])
    func `a key is found inside common wrappers`(text: String, dropped: [String]) throws {
        let found = KeyOutput.bare(text)
        #expect(found.key == "sk-123" && found.dropped == dropped)
        #expect(try KeyOutput.key(text, from: "a test") == APIKey("sk-123"))
    }

    @Test(arguments: ["sk==", "a=b", "\"\"", "'", "Bearer", "KEY=", "abcDEF123=", "=x"])
    func `a plain key is unchanged`(text: String) {
        #expect(KeyOutput.bare(text).key == text && KeyOutput.bare(text).dropped.isEmpty)
    }

    @Test(arguments: ["one two", "KEY=a b", "K1=a\nK2=b", "", "\u{FEFF}", "\"\u{E9}\""])
    func `text without a key is refused`(text: String) {
        #expect(throws: ConfigurationError.self) { try KeyOutput.key(text, from: "a test") }
    }
}
