import DailiesCore

/// The little JSON that the store writes itself: objects and lists of text.
enum JSONText {
    /// `{"name":"value",…}` in the order given.
    static func object(_ tags: [TaskSpec.Tag]) -> String {
        "{" + tags.map { "\(string($0.name)):\(string($0.value))" }.joined(separator: ",") + "}"
    }

    static func list(_ texts: some Sequence<String>) -> String {
        "[" + texts.map(string).joined(separator: ",") + "]"
    }

    private static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Database {
    /// Tags as they stand in the column `tags`.
    func tags(in text: String) throws(StoreError) -> [TaskSpec.Tag] {
        if text == "{}" { return [] }
        return try rows("SELECT key, value FROM json_each(?)", .text(text)) { row in
            TaskSpec.Tag(name: row.text(0), value: row.text(1))
        }
    }
}
