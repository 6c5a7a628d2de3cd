/// One value of a JSON text as it was written: numbers as their text, members in order with duplicates kept, and the
/// place of each. Two texts are equal here when their bytes are: NFC and NFD differ.
public struct JSONValue: Hashable, Sendable {
    /// What a value is, with what it holds.
    public enum Kind: Hashable, Sendable {
        /// The word `null`.
        case null
        /// The word `true` or `false`.
        case bool(Bool)
        /// The number's own text, checked against the grammar: `1e3`, `0.10` and 2⁶³ stay what they are.
        case number(String)
        /// With its escapes resolved.
        case string(String)
        /// Its elements in the order of the text.
        case array([JSONValue])
        /// In the order of the text; a name may come twice.
        case object([JSONMember])
    }
    /// What it is and holds.
    public let kind: Kind
    /// Its first byte in the text that it was read from; ``JSONPosition/start`` for one that was made.
    public let position: JSONPosition

    /// A value that was not read. A number's text is taken as it is given.
    public init(kind: Kind, position: JSONPosition = .start) {
        self.kind = kind
        self.position = position
    }

    /// Reads a whole text as one value, by RFC 8259 and nothing beyond it, in linear time.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 without byte order mark.
    ///   - start: the place of the first byte, where the text is part of a larger one. Only line and column of what
    ///     stands on the first line are affected by `start.column`.
    /// - Throws: ``JSONError`` for the first thing that is wrong; invalid UTF-8 anywhere comes before all else.
    public static func parse(
        _ bytes: some Collection<UInt8>, limits: JSONLimits = .default, startingAt start: JSONPosition = .start
    ) throws(JSONError) -> JSONValue {
        // The closure of the standard library cannot throw a typed error, hence the detour over Result.
        let read = { (buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONError> in
            var parser = JSONParser(buffer, limits: limits, start: start)
            return parser.parse()
        }
        if let result = bytes.withContiguousStorageIfAvailable(read) { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer(read).get()
    }

    /// The last member of that name (by UTF-8 bytes); nil where there is none and where this is no object.
    public subscript(name: String) -> JSONValue? {
        members?.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The text, if it is one; nil for every other kind.
    public var string: String? { if case .string(let text) = kind { text } else { nil } }
    /// The number's text as written.
    public var number: String? { if case .number(let text) = kind { text } else { nil } }
    /// The truth value, if it is one; nil for every other kind, 0 and 1 among them.
    public var bool: Bool? { if case .bool(let value) = kind { value } else { nil } }
    /// The elements, if it is an array; else nil.
    public var array: [JSONValue]? { if case .array(let elements) = kind { elements } else { nil } }
    /// The members in the order of the text, if it is an object; else nil.
    public var members: [JSONMember]? { if case .object(let members) = kind { members } else { nil } }
    /// Whether it is the word `null`.
    public var isNull: Bool { if case .null = kind { true } else { false } }

    /// The value again as text: no white space, members in the order given, numbers as written, minimal escapes.
    public var compactText: String {
        var writer = JSONWriter()
        writer.value(self)
        return writer.text
    }

    /// The value again as text for people: a member or an element a line, short lists and objects on one.
    public var prettyText: String { Self.pretty(self, indent: "") }

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

/// So that JSON can be written down in Swift.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral
{
    public init(stringLiteral value: String) { self.init(kind: .string(value)) }
    public init(integerLiteral value: Int) { self.init(kind: .number(String(value))) }
    public init(booleanLiteral value: Bool) { self.init(kind: .bool(value)) }
    public init(arrayLiteral elements: JSONValue...) { self.init(kind: .array(elements)) }
}

/// A name and its value.
public struct JSONMember: Hashable, Sendable {
    /// With its escapes resolved.
    public let name: String
    /// Of the name.
    public let position: JSONPosition
    /// What stands after the colon.
    public let value: JSONValue

    /// A member that was not read.
    public init(name: String, position: JSONPosition = .start, value: JSONValue) {
        self.name = name
        self.position = position
        self.value = value
    }

    public static func == (a: JSONMember, b: JSONMember) -> Bool {
        a.name.utf8.elementsEqual(b.name.utf8) && a.position == b.position && a.value == b.value
    }
}

extension JSONValue.Kind {
    // Swift's own == on strings takes NFC and NFD for equal; equal bytes have equal hashes there too, so that only this
    // half needs to be stricter.
    public static func == (a: Self, b: Self) -> Bool {
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
