/// Escapes text from files for messages, so that it cannot drive a terminal or change the reading order.
package enum SafeText {
    /// Maximum number of scalars shown.
    private static let maximumLength = 60

    /// The text in double quotes, escaped and cut at 60 scalars.
    package static func quoted(_ text: some StringProtocol) -> String { "\"\(cut(text))\"" }

    /// The text escaped and cut at 60 scalars.
    package static func cut(_ text: some StringProtocol) -> String {
        let scalars = text.unicodeScalars
        let isCut = scalars.index(scalars.startIndex, offsetBy: maximumLength + 1, limitedBy: scalars.endIndex) != nil
        let shown = String(String.UnicodeScalarView(scalars.prefix(maximumLength)))
        return escaped(shown) + (isCut ? "…" : "")
    }

    /// Replaces control, format (including bidi), separator, private and unassigned characters with `\u{…}`.
    package static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: needsEscape) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if needsEscape(scalar) {
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func needsEscape(_ scalar: UnicodeScalar) -> Bool {
        if scalar.isASCII { return isControl(scalar) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return true
        default: return false
        }
    }

    /// Whether a scalar is C0, DEL or C1.
    package static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
    }
}
