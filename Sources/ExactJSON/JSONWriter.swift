/// Builds compact JSON text piece by piece, with commas and colons where they belong.
///
/// A misuse (a value where a name must stand, an `end` too many) is a mistake of the program and stops it.
public struct JSONWriter: Sendable {
    private enum Scope { case object, array }

    /// What was written so far, and not taken.
    public private(set) var bytes: [UInt8] = []
    private var scopes: [Scope] = []
    private var needsComma = false
    /// A name was written and its value is due.
    private var hasName = false

    /// An empty text.
    public init() {}

    /// What was written since the last such call, to be passed on before the rest is there: only within an object or an
    /// array.
    public mutating func takeBytes() -> [UInt8] {
        precondition(!scopes.isEmpty, "a text that is ended is taken whole")
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// What was written so far, as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Everything begun is ended, and there is a value.
    public var isComplete: Bool { scopes.isEmpty && !bytes.isEmpty }

    /// Opens an object. ``endObject()`` closes it.
    public mutating func beginObject() { begin(.object, UInt8(ascii: "{")) }
    /// Closes the innermost object.
    public mutating func endObject() { end(.object, UInt8(ascii: "}")) }
    /// Opens an array. ``endArray()`` closes it.
    public mutating func beginArray() { begin(.array, UInt8(ascii: "[")) }
    /// Closes the innermost array.
    public mutating func endArray() { end(.array, UInt8(ascii: "]")) }

    /// An object as the next value, its members written by `members`.
    public mutating func object<Failure: Error>(
        _ members: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginObject()
        try members(&self)
        endObject()
    }

    /// An array as the next value, its elements written by `elements`.
    public mutating func array<Failure: Error>(
        _ elements: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginArray()
        try elements(&self)
        endArray()
    }

    /// The name of the next member of an object.
    public mutating func name(_ name: String) {
        precondition(scopes.last == .object && !hasName, "the name \(name) stands where no name may")
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        JSONText.appendQuoted(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        hasName = true
    }

    /// Writes a text with the fewest escapes that RFC 8259 allows.
    public mutating func string(_ text: String) {
        beforeValue()
        JSONText.appendQuoted(text, to: &bytes)
        needsComma = true
    }

    /// - Parameter text: a number by JSON's grammar, written as it is; for anything else, such as `inf`, stands `null`.
    public mutating func number(_ text: String) { raw(JSONText.isNumber(text) ? text : "null") }

    /// Writes a whole number in decimal digits.
    public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    /// Writes `null`.
    public mutating func null() { raw("null") }

    /// - Parameter json: text that is one JSON value already, written as it is.
    public mutating func raw(_ json: String) {
        beforeValue()
        bytes.append(contentsOf: json.utf8)
        needsComma = true
    }

    /// Writes a value as it was read: members in their order, numbers by their text.
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
        precondition(scopes.last == scope && !hasName, "\(scope) ends where none is open, or a value is due")
        scopes.removeLast()
        bytes.append(byte)
        needsComma = true
    }

    private mutating func beforeValue() {
        switch scopes.last {
        case .object: precondition(hasName, "a value stands in an object without a name")
        case .array: if needsComma { bytes.append(UInt8(ascii: ",")) }
        case nil: precondition(bytes.isEmpty, "a second value stands after the first")
        }
        hasName = false
    }
}

extension JSONWriter {
    /// A name and a text.
    public mutating func member(_ name: String, _ text: String) {
        self.name(name)
        string(text)
    }

    /// A name and a whole number.
    public mutating func member(_ name: String, _ value: some BinaryInteger) {
        self.name(name)
        integer(value)
    }

    /// A name and a truth value.
    public mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    /// A name and a value as it was read.
    public mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    /// - Parameter number: a number by JSON's grammar, written as it is; for anything else stands `null`.
    public mutating func member(_ name: String, number: String) {
        self.name(name)
        self.number(number)
    }

    /// A name and `null`.
    public mutating func nullMember(_ name: String) {
        self.name(name)
        self.null()
    }
}
