import DailiesCore

/// Writes the simple JSON that the store needs: objects and lists of text.
enum JSONText {
    /// Writes `{"name":"value",…}` in the given order.
    static func object(_ tags: [TaskSpec.Tag]) -> String {
        var result = "{"
        for (index, tag) in tags.enumerated() {
            if index > 0 { result += "," }
            append(tag.name, to: &result)
            result += ":"
            append(tag.value, to: &result)
        }
        return result + "}"
    }

    static func list(_ texts: some Sequence<String>) -> String {
        var result = "["
        for (index, text) in texts.enumerated() {
            if index > 0 { result += "," }
            append(text, to: &result)
        }
        return result + "]"
    }

    private static func append(_ text: String, to result: inout String) {
        result += "\""
        if text.utf8.contains(where: needsEscape) {
            for scalar in text.unicodeScalars { append(scalar, to: &result) }
        } else {
            result += text
        }
        result += "\""
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func append(_ scalar: UnicodeScalar, to result: inout String) {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
}
