/// Builds compact JSON text incrementally, with commas and colons.
///
/// Incorrect use (a value instead of a name, too many `end` calls) is a programming error and traps.
package struct JSONWriter: Sendable {
    private enum Scope { case object, array }

    /// The bytes written so far and not taken.
    package private(set) var bytes: [UInt8] = []
    private var scopes: [Scope] = []
    private var needsComma = false
    /// A name was written, and its value must follow.
    private var hasName = false

    /// Creates an empty text.
    package init() {}

    /// Returns and removes the bytes written so far, to pass them on early. Only within an object or an array.
    package mutating func takeBytes() -> [UInt8] {
        precondition(!scopes.isEmpty, "takeBytes() needs an open object or array")
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// The text written so far.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the text is one complete value.
    package var isComplete: Bool { scopes.isEmpty && !bytes.isEmpty }

    /// Starts an object. ``endObject()`` ends it.
    package mutating func beginObject() { begin(.object, UInt8(ascii: "{")) }
    /// Ends the innermost object.
    package mutating func endObject() { end(.object, UInt8(ascii: "}")) }
    /// Starts an array. ``endArray()`` ends it.
    package mutating func beginArray() { begin(.array, UInt8(ascii: "[")) }
    /// Ends the innermost array.
    package mutating func endArray() { end(.array, UInt8(ascii: "]")) }

    /// Writes an object; `members` writes its members.
    package mutating func object<Failure: Error>(
        _ members: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginObject()
        try members(&self)
        endObject()
    }

    /// Writes an array; `elements` writes its elements.
    package mutating func array<Failure: Error>(
        _ elements: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginArray()
        try elements(&self)
        endArray()
    }

    /// Writes the name of the next member.
    package mutating func name(_ name: String) {
        precondition(scopes.last == .object && !hasName, "the name \(name) is not allowed here")
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        JSONText.appendQuoted(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        hasName = true
    }

    /// Writes a string with the minimal escapes of RFC 8259.
    package mutating func string(_ text: String) {
        beforeValue()
        JSONText.appendQuoted(text, to: &bytes)
        needsComma = true
    }

    /// - Parameter text: a number in JSON's grammar, written unchanged; anything else, such as `inf`, becomes `null`.
    package mutating func number(_ text: String) { raw(JSONText.isNumber(text) ? text : "null") }

    /// Writes a whole number in decimal digits.
    package mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    /// Writes `null`.
    package mutating func null() { raw("null") }

    /// - Parameter json: the text of a JSON value, written unchanged.
    package mutating func raw(_ json: String) {
        beforeValue()
        bytes.append(contentsOf: json.utf8)
        needsComma = true
    }

    /// Writes a parsed value: members in order, numbers by their text.
    package mutating func value(_ value: JSONValue) {
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
    package mutating func member(_ name: String, _ text: String) {
        self.name(name)
        string(text)
    }

    /// Writes a name and a whole number.
    package mutating func member(_ name: String, _ value: some BinaryInteger) {
        self.name(name)
        integer(value)
    }

    /// Writes a name and a boolean.
    package mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    /// Writes a name and a parsed value.
    package mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    /// - Parameter number: a number in JSON's grammar, written unchanged; anything else becomes `null`.
    package mutating func member(_ name: String, number: String) {
        self.name(name)
        self.number(number)
    }

    /// Writes a name and `null`.
    package mutating func nullMember(_ name: String) {
        self.name(name)
        self.null()
    }
}
