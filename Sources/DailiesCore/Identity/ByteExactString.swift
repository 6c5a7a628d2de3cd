/// A text that is equal to another only byte for byte. Swift's strings are equal when they look alike (`é` composed and
/// decomposed); to a provider, a file system and SQLite these are two texts, and two clips.
public protocol ByteExactString: Hashable {
    /// The text that counts.
    var text: String { get }
}

extension ByteExactString {
    public static func == (a: Self, b: Self) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }

    /// By UTF-8 bytes.
    public static func < (a: Self, b: Self) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}

/// Any name as a key of a dictionary or a set, byte for byte.
public struct ByteKey: ByteExactString, Sendable {
    /// The name.
    public let text: String
    /// Keeps the text as it is given.
    public init(_ text: String) { self.text = text }
}

extension String {
    /// The order of UTF-8 bytes.
    public func precedesInUTF8(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
