/// A place in a JSON text.
public struct JSONPosition: Hashable, Sendable {
    /// Bytes before it.
    public let offset: Int
    /// Counted from 1. A line ends with LF, CR LF or a CR alone.
    public let line: Int
    /// Counted from 1, in Unicode scalars: neither bytes nor what is seen as one character.
    public let column: Int

    /// Takes its properties as they are given.
    public init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// The first byte of a text.
    public static let start = JSONPosition(offset: 0, line: 1, column: 1)
}

/// Why a text is not one JSON value, and where reading stopped.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first byte that is wrong.
    public let position: JSONPosition
    /// Starts in lower case and holds nothing of the text but single escaped characters.
    public let message: String

    /// Takes its properties as they are given.
    public init(position: JSONPosition, message: String) {
        self.position = position
        self.message = message
    }

    public var description: String { "line \(position.line), column \(position.column): \(message)" }
}

/// Bounds on what is read.
public struct JSONLimits: Hashable, Sendable {
    /// The deepest nesting whatever was asked for, so that no text can exhaust a thread's stack.
    private static let hardDepth = 512

    /// Objects and arrays inside each other; 64 unless given, at most 512. A single object has depth 1.
    public let maximumDepth: Int
    /// 64 MiB unless given.
    public let maximumBytes: Int
    /// The caller has checked that the text is UTF-8: it is not looked at again.
    public let isKnownUTF8: Bool

    /// Takes its properties as they are given; a bound below 1 refuses everything.
    public init(maximumDepth: Int = 64, maximumBytes: Int = 64 << 20, isKnownUTF8: Bool = false) {
        self.maximumDepth = min(maximumDepth, Self.hardDepth)
        self.maximumBytes = maximumBytes
        self.isKnownUTF8 = isKnownUTF8
    }

    /// 64 levels and 64 MiB; the text is checked for being UTF-8.
    public static let `default` = JSONLimits()
}
