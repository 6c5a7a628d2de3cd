/// Text from a file in a message: nothing in it can drive a terminal or turn the reading order.
public enum SafeText {
    /// Scalars of a value that are shown.
    private static let longest = 60

    /// In double quotes, escaped, cut at 60 scalars.
    public static func quoted(_ text: some StringProtocol) -> String { "\"\(cut(text))\"" }

    /// Escaped, cut at 60 scalars.
    public static func cut(_ text: some StringProtocol) -> String {
        let scalars = text.unicodeScalars
        let isCut = scalars.index(scalars.startIndex, offsetBy: longest + 1, limitedBy: scalars.endIndex) != nil
        let shown = String(String.UnicodeScalarView(scalars.prefix(longest)))
        return escaped(shown) + (isCut ? "…" : "")
    }

    /// Control, format (bidi among them), separator, private and unassigned characters as `\u{…}`.
    public static func escaped(_ text: String) -> String {
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

    /// C0, DEL and C1.
    public static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
    }
}
