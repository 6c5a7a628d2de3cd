/// A string compared byte for byte. Swift strings that look alike are equal (`é` composed and decomposed); to a
/// provider, a file system and SQLite they are two texts, and two clips.
public protocol ByteExactString: Hashable {
    /// The text that is compared.
    var text: String { get }
}

extension ByteExactString {
    public static func == (a: Self, b: Self) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }

    /// Compares UTF-8 bytes.
    public static func < (a: Self, b: Self) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}

/// A dictionary or set key compared byte for byte.
public struct ByteKey: ByteExactString, Sendable {
    /// The wrapped text.
    public let text: String
    /// Wraps the text unchanged.
    public init(_ text: String) { self.text = text }
}

extension String {
    /// Whether this string sorts before another by UTF-8 bytes.
    package func precedesInUTF8(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
