/// Characters at the ends of a name that are not part of it: any white space, zero-width characters, and the curly
/// quotes that a word processor adds.
package enum OuterCharacters {
    /// The text without them; nil if there are none.
    package static func removed(from text: String) -> String? {
        guard isWorthALook(text.utf8.first) || isWorthALook(text.utf8.last) else { return nil }
        var rest = Substring(text).unicodeScalars
        while true {
            let trimmed = trimmed(rest)
            if trimmed.count == rest.count { break }
            rest = trimmed
        }
        return rest.count == text.unicodeScalars.count ? nil : String(rest)
    }

    /// The text without them and without zero-width characters inside.
    package static func visible(in text: String) -> String {
        var scalars = (removed(from: text) ?? text).unicodeScalars
        scalars.removeAll { isInvisible($0) && !$0.properties.isWhitespace }
        return String(scalars)
    }

    /// Whether a text that begins or ends with this byte may have such characters: true unless it is printable ASCII.
    package static func isWorthALook(_ byte: UInt8?) -> Bool { byte.map { $0 <= 0x20 || $0 >= 0x7F } ?? false }

    /// The first of them, at the start or else at the end; nil if there are none.
    package static func first(of text: String) -> (scalar: UnicodeScalar, isAtStart: Bool)? {
        guard let removed = removed(from: text), let first = text.unicodeScalars.first,
            let last = text.unicodeScalars.last
        else { return nil }
        let isAtStart = removed.unicodeScalars.first != first || isInvisible(first)
        return (isAtStart ? first : last, isAtStart)
    }

    /// The code point and name, such as `U+200B (zero width space)`.
    package static func name(of scalar: UnicodeScalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let name = scalar.properties.name ?? scalar.properties.nameAlias
        return name.map { "\(code) (\($0.lowercased()))" } ?? code
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var rest = text.drop { isInvisible($0) || isDoubleQuote($0) }
        while let last = rest.last, isInvisible(last) || isDoubleQuote(last) { rest.removeLast() }
        // A single one may be an apostrophe.
        if let first = rest.first, let last = rest.last, rest.count > 2, isSingleQuote(first), isSingleQuote(last) {
            rest = rest.dropFirst().dropLast()
        }
        return rest
    }

    private static func isInvisible(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.value {
        case 0x00AD, 0x180E, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF: true
        default: scalar.properties.isWhitespace
        }
    }

    private static func isDoubleQuote(_ scalar: UnicodeScalar) -> Bool { 0x201C...0x201F ~= scalar.value }
    private static func isSingleQuote(_ scalar: UnicodeScalar) -> Bool { 0x2018...0x201B ~= scalar.value }
}
