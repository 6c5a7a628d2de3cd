/// A position in a JSON text.
package struct JSONPosition: Hashable, Sendable {
    /// Byte offset, from 0.
    package let offset: Int
    /// 1-based. A line ends with LF, CR LF or a CR alone.
    package let line: Int
    /// 1-based, in Unicode scalars, not in bytes or characters.
    package let column: Int

    /// Creates a position from its byte offset, line and column.
    package init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// The position of the first byte.
    package static let start = JSONPosition(offset: 0, line: 1, column: 1)
}

/// A syntax error in a JSON text.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first invalid byte.
    package let position: JSONPosition
    /// Starts in lower case; contains no part of the text except single escaped characters.
    package let message: String

    /// Creates an error with a message in lower case.
    package init(position: JSONPosition, message: String) {
        self.position = position
        self.message = message
    }

    package var description: String { "line \(position.line), column \(position.column): \(message)" }
}

/// Limits for parsing.
package struct JSONLimits: Hashable, Sendable {
    /// The maximum for any configuration, so that no text can exhaust a thread's stack.
    private static let hardDepth = 512

    /// Nesting of objects and arrays. Default 64, at most 512. A single object has depth 1.
    package let maximumDepth: Int
    /// Maximum bytes of a text. Default 64 MiB.
    package let maximumBytes: Int
    /// Skips UTF-8 validation, which the caller has done. Default false.
    package let isKnownUTF8: Bool

    /// Creates limits. A limit below 1 rejects everything.
    package init(maximumDepth: Int = 64, maximumBytes: Int = 64 << 20, isKnownUTF8: Bool = false) {
        self.maximumDepth = min(maximumDepth, Self.hardDepth)
        self.maximumBytes = maximumBytes
        self.isKnownUTF8 = isKnownUTF8
    }

    /// 64 levels and 64 MiB, with UTF-8 validation.
    package static let `default` = JSONLimits()
}
