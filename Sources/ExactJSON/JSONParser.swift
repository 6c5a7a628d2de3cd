/// The parser behind ``JSONValue/parse(_:limits:startingAt:)``: one pass over the bytes after UTF-8 validation.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private let start: JSONPosition
    private var index = 0
    private var line: Int
    /// The index of column 1 of the current line, advanced by every continuation byte, so that columns count scalars.
    private var columnOrigin: Int
    private var depth = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits, start: JSONPosition) {
        self.bytes = bytes
        self.limits = limits
        self.start = start
        line = start.line
        columnOrigin = 1 - start.column
    }

    mutating func parse() -> Result<JSONValue, JSONError> {
        do throws(JSONError) {
            return .success(try wholeText())
        } catch {
            return .failure(error)
        }
    }

    private mutating func wholeText() throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw failure("the text has \(bytes.count) bytes, more than the \(limits.maximumBytes) allowed")
        }
        if !limits.isKnownUTF8, let offset = JSONText.firstInvalidUTF8(in: bytes) {
            throw failureAtInvalidUTF8(offset)
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw failure("JSON must not start with a byte order mark") }
        skipWhiteSpace()
        guard index < bytes.count else { throw failure("the text is empty: expected a value") }
        let value = try value()
        skipWhiteSpace()
        guard index == bytes.count else { throw failure("expected the end of the text after its value") }
        return value
    }

    // MARK: Values

    private mutating func value() throws(JSONError) -> JSONValue {
        let position = position
        guard index < bytes.count else { throw failure("expected a value, found the end of the text") }
        let kind: JSONValue.Kind
        switch bytes[index] {
        case UInt8(ascii: "\""): kind = .string(try string())
        case UInt8(ascii: "{"): kind = .object(try members())
        case UInt8(ascii: "["): kind = .array(try elements())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): kind = .number(try number())
        case UInt8(ascii: "t"):
            try literal("true")
            kind = .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            kind = .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            kind = .null
        default: throw failure("expected a value" + hint)
        }
        return JSONValue(kind: kind, position: position)
    }

    /// What the author of almost-JSON probably meant here.
    private var hint: String {
        switch bytes[index] {
        case UInt8(ascii: "'"): "; strings need double quotes"
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "; JSON has no comments"
        case UInt8(ascii: "N"), UInt8(ascii: "I"): "; JSON does not support NaN or Infinity"
        case UInt8(ascii: "+"), UInt8(ascii: "."): "; a number starts with a digit or -"
        case UInt8(ascii: "T"), UInt8(ascii: "F"): "; true, false and null are in lower case"
        default: ""
        }
    }

    private mutating func members() throws(JSONError) -> [JSONMember] {
        try enter()
        var members: [JSONMember] = []
        skipWhiteSpace()
        if take(UInt8(ascii: "}")) { return leave(members) }
        while true {
            let position = position
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw failure("expected a member name in double quotes" + (members.isEmpty ? " or }" : " after ,"))
            }
            let name = try string()
            skipWhiteSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected : after a member name") }
            skipWhiteSpace()
            members.append(JSONMember(name: name, position: position, value: try value()))
            skipWhiteSpace()
            if take(UInt8(ascii: "}")) { return leave(members) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected , or } after a member") }
            skipWhiteSpace()
        }
    }

    private mutating func elements() throws(JSONError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        skipWhiteSpace()
        if take(UInt8(ascii: "]")) { return leave(elements) }
        while true {
            elements.append(try value())
            skipWhiteSpace()
            if take(UInt8(ascii: "]")) { return leave(elements) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected , or ] after an element") }
            skipWhiteSpace()
        }
    }

    private mutating func enter() throws(JSONError) {
        guard depth < limits.maximumDepth else {
            throw failure("nested deeper than \(limits.maximumDepth) levels")
        }
        depth += 1
        index += 1
    }

    private mutating func leave<Content>(_ content: Content) -> Content {
        depth -= 1
        return content
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        let end = index + word.utf8CodeUnitCount
        let text = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard end <= bytes.count, bytes[index..<end].elementsEqual(text) else { throw failure("expected \(word)") }
        index = end
        if index < bytes.count, bytes[index].isWordByte { throw failure("expected \(word), found a longer word") }
    }

    private mutating func number() throws(JSONError) -> String {
        let first = index
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if index < bytes.count, bytes[index].isDigit { throw failure("a number does not start with 0") }
        } else {
            guard takeDigits() else { throw failure("expected a digit after -") }
        }
        if take(UInt8(ascii: ".")) {
            guard takeDigits() else { throw failure("expected a digit after the decimal point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard takeDigits() else { throw failure("expected a digit in the exponent") }
        }
        if index < bytes.count, bytes[index].isWordByte { throw failure("expected the end of a number") }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[first..<index]), as: UTF8.self)
    }

    private mutating func takeDigits() -> Bool {
        let first = index
        while index < bytes.count, bytes[index].isDigit { index += 1 }
        return index > first
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        let opening = position
        index += 1
        let first = index
        guard skipPlainText() else { throw JSONError(position: opening, message: Self.unclosed) }
        var byte = bytes[index]
        if byte == UInt8(ascii: "\"") {
            index += 1
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[first..<index - 1]), as: UTF8.self)
        }
        var text = Array(bytes[first..<index])
        while byte != UInt8(ascii: "\"") {
            guard byte == UInt8(ascii: "\\") else { throw controlCharacter(byte) }
            try escape(into: &text)
            let next = index
            guard skipPlainText() else { throw JSONError(position: opening, message: Self.unclosed) }
            text.append(contentsOf: bytes[next..<index])
            byte = bytes[index]
        }
        index += 1
        return String(decoding: text, as: UTF8.self)
    }

    private static let unclosed = "this string has no closing quote"

    /// Moves to the next quote, backslash or control character; false at the end.
    private mutating func skipPlainText() -> Bool {
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return true }
            if byte & 0xC0 == 0x80 { columnOrigin += 1 }
            index += 1
        }
        return false
    }

    private func controlCharacter(_ byte: UInt8) -> JSONError {
        var written = JSONText.quoted(String(UnicodeScalar(byte)))
        written = String(written.dropFirst().dropLast())
        return failure("a control character in a string must be written as \(written)")
    }

    /// At a backslash: appends the escaped character.
    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard index + 1 < bytes.count else { throw failure("expected a character after \\") }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[index + 1])
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeEscape()
            text.append(contentsOf: String(Character(scalar)).utf8)
            return
        default: throw failure("invalid escape; use \\ with one of \" \\ / b f n r t u")
        }
        index += 2
    }

    /// One escape, or two for a surrogate pair.
    private mutating func unicodeEscape() throws(JSONError) -> UnicodeScalar {
        guard let first = hexadecimal(at: index + 2) else {
            throw failure("expected four hexadecimal digits after \\u")
        }
        if let scalar = UnicodeScalar(first) {
            index += 6
            return scalar
        }
        guard first < 0xDC00, index + 7 < bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
            bytes[index + 7] == UInt8(ascii: "u"), let second = hexadecimal(at: index + 8),
            0xDC00...0xDFFF ~= second,
            let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("unpaired half of a surrogate pair") }
        index += 12
        return scalar
    }

    private func hexadecimal(at first: Int) -> UInt32? {
        guard first + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[first..<first + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 0x57)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 0x37)
            default: return nil
            }
        }
        return value
    }

    // MARK: Positions

    private var position: JSONPosition {
        JSONPosition(offset: start.offset + index, line: line, column: index - columnOrigin + 1)
    }

    private func failure(_ message: String) -> JSONError { JSONError(position: position, message: message) }

    private mutating func failureAtInvalidUTF8(_ offset: Int) -> JSONError {
        while index < offset { passAnyByte() }
        return failure("invalid UTF-8")
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipWhiteSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: passAnyByte()
            default: return
            }
        }
    }

    /// Advances by one byte, and updates line and column.
    private mutating func passAnyByte() {
        let byte = bytes[index]
        index += 1
        if byte == 0x0A || (byte == 0x0D && !(index < bytes.count && bytes[index] == 0x0A)) {
            line += 1
            columnOrigin = index
        } else if byte & 0xC0 == 0x80 {
            columnOrigin += 1
        }
    }
}

extension UInt8 {
    var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }

    /// Whether the byte would extend a literal or number: a letter, a digit, `_`, `.`, `+`, `-` or non-ASCII.
    fileprivate var isWordByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...0xFF: true
        case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: isDigit
        }
    }
}
