import DailiesCore

/// Maps CSV columns to fields with other names.
package struct ColumnNames: Hashable, Sendable {
    /// One column.
    package struct Pair: Hashable, Sendable {
        /// The column name; case and outer blanks are ignored.
        package let head: String
        /// For example `duration_seconds` or `tags.client`; empty to skip the column.
        package let field: String
        /// Maps column `head` to `field`; both are stored unchanged.
        package init(head: String, field: String) {
            self.head = head
            self.field = field
        }
    }

    /// No mapping: every column has the name of its field.
    package static let none = ColumnNames([])

    /// If a column appears twice, the first pair applies.
    package let pairs: [Pair]

    /// Creates a map; the order of `pairs` is kept.
    package init(_ pairs: [Pair]) { self.pairs = pairs }

    /// nil if the column is not mapped.
    func field(of head: String) -> String? { pairs.first { Self.isSame($0.head, head) }?.field }

    /// The mapped columns that are not in `heads`.
    func unused(by heads: [String]) -> [String] {
        pairs.map(\.head).filter { head in !heads.contains { Self.isSame($0, head) } }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        FieldSchema.plain(a).utf8.elementsEqual(FieldSchema.plain(b).utf8)
    }

    /// `HEAD=FIELD`, quoted for a shell.
    static func argument(_ head: String, _ field: String) -> String {
        let word = "\(SafeText.cut(head))=\(field)"
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "._:/-=".utf8.contains(byte)
            }
        }
        // Iterate over scalars: Swift joins an apostrophe and a combining mark into one character, a shell does not.
        return isPlain ? word : "'" + word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }
}
