import DailiesCore
import Testing

struct OuterCharactersTests {
    @Test(arguments: [
        ("sora-2-pro ", "sora-2-pro"), ("\u{a0}a\u{a0}", "a"), ("c\u{200b}", "c"), ("\u{feff}c", "c"),
        ("\u{201c}sora\u{201d}", "sora"), ("\u{2018}a b\u{2019}", "a b"), ("a\t\r\n", "a"), ("\u{3000}雨\u{3000}", "雨"),
        ("\u{201e} \u{201c}x\u{201d}\u{200d}", "x"), ("\u{2018}\u{201c}x\u{201d}\u{2019}", "x"), (" ", ""),
        ("\u{201c}\u{201d}", ""),
    ])
    func `invisible characters and quotes are removed from the ends`(text: String, expected: String) {
        #expect(OuterCharacters.removed(from: text)?.unicodeScalars.elementsEqual(expected.unicodeScalars) == true)
    }

    @Test(arguments: [
        "", "a", "a b", "Levi\u{2019}", "the boys\u{2019}", "c\u{200b}d", "雨", "é", "cafe\u{301}", "❤️", "'a'",
    ])
    func `meaningful characters are kept`(text: String) {
        #expect(OuterCharacters.removed(from: text) == nil)
        #expect(OuterCharacters.first(of: text) == nil)
    }

    @Test func `a character is described by its code point and name`() throws {
        let found = try ["c\u{200b}", "\u{201c}a\u{201d}", "a ", "a\u{a0}", "a\t"].map { text in
            let first = try #require(OuterCharacters.first(of: text))
            return "\(first.isAtStart ? "begins" : "ends") with \(OuterCharacters.name(of: first.scalar))"
        }
        #expect(
            found == [
                "ends with U+200B (zero width space)", "begins with U+201C (left double quotation mark)",
                "ends with U+0020 (space)", "ends with U+00A0 (no-break space)", "ends with U+0009",
            ])
    }
}
