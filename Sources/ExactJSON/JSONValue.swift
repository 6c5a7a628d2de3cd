/// A JSON value exactly as written: numbers as text, members in order with duplicates, each with its position. Two
/// texts are equal if their bytes are equal: NFC and NFD differ.
package struct JSONValue: Hashable, Sendable {
    /// The type and content of a value.
    package enum Kind: Hashable, Sendable {
        /// The word `null`.
        case null
        /// The word `true` or `false`.
        case bool(Bool)
        /// The number's text, validated by the grammar: `1e3`, `0.10` and 2⁶³ are unchanged.
        case number(String)
        /// With its escapes decoded.
        case string(String)
        /// The elements in order.
        case array([JSONValue])
        /// The members in order; names may repeat.
        case object([JSONMember])
    }
    /// The type and content.
    package let kind: Kind
    /// The position of its first byte in the parsed text; ``JSONPosition/start`` for a value that was not parsed.
    package let position: JSONPosition

    /// Creates a value without parsing. The text of a number is not validated.
    package init(kind: Kind, position: JSONPosition = .start) {
        self.kind = kind
        self.position = position
    }

    /// Parses a whole text as one value, strictly by RFC 8259, in linear time.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 without a byte order mark.
    ///   - start: the position of the first byte, if the text is part of a larger one. `start.column` affects only
    ///     positions on the first line.
    /// - Throws: ``JSONError`` for the first error; invalid UTF-8 anywhere is reported before other errors.
    package static func parse(
        _ bytes: some Collection<UInt8>, limits: JSONLimits = .default, startingAt start: JSONPosition = .start
    ) throws(JSONError) -> JSONValue {
        // The closure of the standard library cannot throw a typed error, hence the Result.
        let read = { (buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONError> in
            var parser = JSONParser(buffer, limits: limits, start: start)
            return parser.parse()
        }
        if let result = bytes.withContiguousStorageIfAvailable(read) { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer(read).get()
    }

    /// The last member with this name (compared bytewise); nil if there is none or this is not an object.
    package subscript(name: String) -> JSONValue? {
        members?.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The text of a string; nil for other types.
    package var string: String? { if case .string(let text) = kind { text } else { nil } }
    /// The text of a number; nil for other types.
    package var number: String? { if case .number(let text) = kind { text } else { nil } }
    /// The boolean; nil for other types, including 0 and 1.
    package var bool: Bool? { if case .bool(let value) = kind { value } else { nil } }
    /// The elements of an array; nil for other types.
    package var array: [JSONValue]? { if case .array(let elements) = kind { elements } else { nil } }
    /// The members of an object in order; nil for other types.
    package var members: [JSONMember]? { if case .object(let members) = kind { members } else { nil } }
    /// Whether the value is `null`.
    package var isNull: Bool { if case .null = kind { true } else { false } }

    /// Compact JSON: no white space, members in order, numbers as written, minimal escapes.
    package var compactText: String {
        var writer = JSONWriter()
        writer.value(self)
        return writer.text
    }

    /// Indented JSON: one member or element per line, short lists and objects on one line.
    package var prettyText: String { Self.pretty(self, indent: "") }

    private static let widest = 100

    private static func pretty(_ value: JSONValue, indent: String) -> String {
        let compact = value.compactText
        if indent.utf8.count + compact.utf8.count <= widest { return compact }
        let inner = indent + "  "
        switch value.kind {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { inner + pretty($0, indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map { inner + JSONText.quoted($0.name) + ": " + pretty($0.value, indent: inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
        case .null, .bool, .number, .string, .array, .object: return compact
        }
    }
}

/// Allows JSON literals in Swift.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral
{
    package init(stringLiteral value: String) { self.init(kind: .string(value)) }
    package init(integerLiteral value: Int) { self.init(kind: .number(String(value))) }
    package init(booleanLiteral value: Bool) { self.init(kind: .bool(value)) }
    package init(arrayLiteral elements: JSONValue...) { self.init(kind: .array(elements)) }
}

/// A name and its value.
package struct JSONMember: Hashable, Sendable {
    /// With its escapes decoded.
    package let name: String
    /// The position of the name.
    package let position: JSONPosition
    /// The value after the colon.
    package let value: JSONValue

    /// Creates a member without parsing.
    package init(name: String, position: JSONPosition = .start, value: JSONValue) {
        self.name = name
        self.position = position
        self.value = value
    }

    package static func == (a: JSONMember, b: JSONMember) -> Bool {
        a.name.utf8.elementsEqual(b.name.utf8) && a.position == b.position && a.value == b.value
    }
}

extension JSONValue.Kind {
    // Swift's == considers NFC and NFD equal. Texts with equal bytes also have equal hashes, so only == needs to be
    // stricter.
    package static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}
