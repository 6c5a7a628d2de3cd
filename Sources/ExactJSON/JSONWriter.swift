/// Builds compact JSON text incrementally, with commas and colons.
///
/// Incorrect use (a value instead of a name, too many `end` calls) is a programming error and traps.
public struct JSONWriter: Sendable {
    private enum Scope { case object, array }

    /// The bytes written so far and not taken.
    public private(set) var bytes: [UInt8] = []
    private var scopes: [Scope] = []
    private var needsComma = false
    /// A name was written, and its value must follow.
    private var hasName = false

    /// Creates an empty text.
    public init() {}

    /// Returns and removes the bytes written so far, to pass them on early. Only within an object or an array.
    public mutating func takeBytes() -> [UInt8] {
        precondition(!scopes.isEmpty, "takeBytes() needs an open object or array")
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// The text written so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the text is one complete value.
    public var isComplete: Bool { scopes.isEmpty && !bytes.isEmpty }

    /// Starts an object. ``endObject()`` ends it.
    public mutating func beginObject() { begin(.object, UInt8(ascii: "{")) }
    /// Ends the innermost object.
    public mutating func endObject() { end(.object, UInt8(ascii: "}")) }
    /// Starts an array. ``endArray()`` ends it.
    public mutating func beginArray() { begin(.array, UInt8(ascii: "[")) }
    /// Ends the innermost array.
    public mutating func endArray() { end(.array, UInt8(ascii: "]")) }

    /// Writes an object; `members` writes its members.
    public mutating func object<Failure: Error>(
        _ members: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginObject()
        try members(&self)
        endObject()
    }

    /// Writes an array; `elements` writes its elements.
    public mutating func array<Failure: Error>(
        _ elements: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginArray()
        try elements(&self)
        endArray()
    }

    /// Writes the name of the next member.
    public mutating func name(_ name: String) {
        precondition(scopes.last == .object && !hasName, "the name \(name) is not allowed here")
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        JSONText.appendQuoted(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        hasName = true
    }

    /// Writes a string with the minimal escapes of RFC 8259.
    public mutating func string(_ text: String) {
        beforeValue()
        JSONText.appendQuoted(text, to: &bytes)
        needsComma = true
    }

    /// - Parameter text: a number in JSON's grammar, written unchanged; anything else, such as `inf`, becomes `null`.
    public mutating func number(_ text: String) { raw(JSONText.isNumber(text) ? text : "null") }

    /// Writes a whole number in decimal digits.
    public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    /// Writes `null`.
    public mutating func null() { raw("null") }

    /// - Parameter json: the text of a JSON value, written unchanged.
    public mutating func raw(_ json: String) {
        beforeValue()
        bytes.append(contentsOf: json.utf8)
        needsComma = true
    }

    /// Writes a parsed value: members in order, numbers by their text.
    public mutating func value(_ value: JSONValue) {
        switch value.kind {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .number(let text): raw(text)
        case .string(let text): string(text)
        case .array(let elements): array { for element in elements { $0.value(element) } }
        case .object(let members): object { for member in members { $0.member(member.name, member.value) } }
        }
    }

    private mutating func begin(_ scope: Scope, _ byte: UInt8) {
        beforeValue()
        bytes.append(byte)
        scopes.append(scope)
        needsComma = false
    }

    private mutating func end(_ scope: Scope, _ byte: UInt8) {
        precondition(scopes.last == scope && !hasName, "\(scope) is not open, or a value is missing")
        scopes.removeLast()
        bytes.append(byte)
        needsComma = true
    }

    private mutating func beforeValue() {
        switch scopes.last {
        case .object: precondition(hasName, "a value in an object needs a name")
        case .array: if needsComma { bytes.append(UInt8(ascii: ",")) }
        case nil: precondition(bytes.isEmpty, "a second value follows the first")
        }
        hasName = false
    }
}

extension JSONWriter {
    /// Writes a name and a string.
    public mutating func member(_ name: String, _ text: String) {
        self.name(name)
        string(text)
    }

    /// Writes a name and a whole number.
    public mutating func member(_ name: String, _ value: some BinaryInteger) {
        self.name(name)
        integer(value)
    }

    /// Writes a name and a boolean.
    public mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    /// Writes a name and a parsed value.
    public mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    /// - Parameter number: a number in JSON's grammar, written unchanged; anything else becomes `null`.
    public mutating func member(_ name: String, number: String) {
        self.name(name)
        self.number(number)
    }

    /// Writes a name and `null`.
    public mutating func nullMember(_ name: String) {
        self.name(name)
        self.null()
    }
}
