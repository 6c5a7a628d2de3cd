import DailiesCore

/// What the columns of a CSV table mean that are called otherwise than the fields they are for.
public struct ColumnNames: Hashable, Sendable {
    /// One column.
    public struct Pair: Hashable, Sendable {
        /// What the column is called; case and blanks do not matter.
        public let head: String
        /// `duration_seconds`, `tags.client`; empty: the column is passed over.
        public let field: String
        /// Takes its properties as they are given.
        public init(head: String, field: String) {
            self.head = head
            self.field = field
        }
    }

    /// Every column is called as its field.
    public static let none = ColumnNames([])

    /// Of two for one head the first counts.
    public let pairs: [Pair]

    /// Takes them as they are given.
    public init(_ pairs: [Pair]) { self.pairs = pairs }

    /// nil: nothing is said of it.
    func field(of head: String) -> String? { pairs.first { Self.isSame($0.head, head) }?.field }

    /// Heads that none of these columns has.
    func unused(by heads: [String]) -> [String] {
        pairs.map(\.head).filter { head in !heads.contains { Self.isSame($0, head) } }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        FieldSchema.plain(a).utf8.elementsEqual(FieldSchema.plain(b).utf8)
    }

    /// `HEAD=FIELD` as a shell reads it.
    static func argument(_ head: String, _ field: String) -> String {
        let word = "\(SafeText.cut(head))=\(field)"
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "._:/-=".utf8.contains(byte)
            }
        }
        // By scalars: to Swift an apostrophe with a combining mark is another character, to a shell it is not.
        return isPlain ? word : "'" + word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }
}
