/// A position in a JSON text.
public struct JSONPosition: Hashable, Sendable {
    /// Byte offset, from 0.
    public let offset: Int
    /// 1-based. A line ends with LF, CR LF or a CR alone.
    public let line: Int
    /// 1-based, in Unicode scalars, not in bytes or characters.
    public let column: Int

    /// Creates a position from its byte offset, line and column.
    public init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// The position of the first byte.
    public static let start = JSONPosition(offset: 0, line: 1, column: 1)
}

/// A syntax error in a JSON text.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first invalid byte.
    public let position: JSONPosition
    /// Starts in lower case; contains no part of the text except single escaped characters.
    public let message: String

    /// Creates an error with a message in lower case.
    public init(position: JSONPosition, message: String) {
        self.position = position
        self.message = message
    }

    public var description: String { "line \(position.line), column \(position.column): \(message)" }
}

/// Limits for parsing.
public struct JSONLimits: Hashable, Sendable {
    /// The maximum for any configuration, so that no text can exhaust a thread's stack.
    private static let hardDepth = 512

    /// Nesting of objects and arrays. Default 64, at most 512. A single object has depth 1.
    public let maximumDepth: Int
    /// Maximum bytes of a text. Default 64 MiB.
    public let maximumBytes: Int
    /// Skips UTF-8 validation, which the caller has done. Default false.
    public let isKnownUTF8: Bool

    /// Creates limits. A limit below 1 rejects everything.
    public init(maximumDepth: Int = 64, maximumBytes: Int = 64 << 20, isKnownUTF8: Bool = false) {
        self.maximumDepth = min(maximumDepth, Self.hardDepth)
        self.maximumBytes = maximumBytes
        self.isKnownUTF8 = isKnownUTF8
    }

    /// 64 levels and 64 MiB, with UTF-8 validation.
    public static let `default` = JSONLimits()
}
