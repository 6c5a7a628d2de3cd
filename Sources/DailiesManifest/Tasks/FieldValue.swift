import DailiesCore
import ExactJSON

/// A value and its name in messages: `seed`, `defaults.seed`, `matrix.seed`.
struct FieldValue {
    let label: String
    let node: SourceNode
    var place: SourcePosition { node.place }
}

/// A value of its field's type.
enum TypedValue {
    /// The digits as written, and their value.
    case integer(text: String, value: Int)
    case text(String)

    var json: String {
        switch self {
        case .integer(let text, _): text
        case .text(let text): JSONText.quoted(text)
        }
    }

    /// The form used in the key of a matrix member.
    var plain: String {
        switch self {
        case .integer(let text, _), .text(let text): text
        }
    }
}

/// The field decides the type of a value, not its spelling.
extension Diagnostics {
    /// - Parameters:
    ///   - fix: the advice, if the type alone is not enough.
    ///   - isFree: free text, in which every character counts.
    mutating func typed(
        _ value: FieldValue, as kind: ExtraField, fix: String? = nil, isFree: Bool = false
    ) -> TypedValue? {
        switch kind {
        case .integer: integer(value, fix: fix).map { .integer(text: String($0), value: $0) }
        case .text where isFree: text(value, fix: fix).map { .text($0) }
        case .text: short(value, fix: fix).map { .text($0) }
        }
    }

    /// A 64-bit integer in canonical form; `8.0` is accepted.
    mutating func integer(_ value: FieldValue, fix: String? = nil) -> Int? {
        guard case .scalar(let scalar) = value.node.content else {
            refuse(value, "is \(value.node.content.name)", fix ?? "write a whole number")
            return nil
        }
        var text = scalar.text
        switch scalar.form {
        case .jsonNumber: break
        case .bare: text = withoutOuterCharacters(text, value)
        case .jsonText, .quoted:
            refuse(
                value, "is the text \(SafeText.quoted(text))",
                fix.map { "\($0), without quotes" } ?? "write a whole number without quotes")
            return nil
        case .jsonLiteral:
            refuse(value, "is \(text)", fix ?? "write a whole number")
            return nil
        }
        if let number = Self.wholeNumber(text) { return number }
        let fault = Self.fault(ofInteger: text)
        refuse(value, fault.message, fault.fix ?? fix ?? "write a number such as 8")
        return nil
    }

    private static func wholeNumber(_ text: String) -> Int? {
        var digits = text[...]
        if let point = text.utf8.firstIndex(of: UInt8(ascii: ".")) {
            let zeros = text[point...].utf8.dropFirst()
            guard !zeros.isEmpty, zeros.allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
            digits = text[..<point]
        }
        return Int(digits).flatMap { String($0) == digits ? $0 : nil }
    }

    /// - Returns: `fix` is nil if an example is the better advice.
    private static func fault(ofInteger text: String) -> (message: String, fix: String?) {
        let shown = SafeText.cut(text)
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard !digits.isEmpty, text.utf8.count - digits.utf8.count <= 1, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
        else {
            return JSONText.isNumber(text)
                ? ("\(shown) is not a whole number", "write it without a decimal point or exponent")
                : ("\(SafeText.quoted(text)) is not a whole number", nil)
        }
        if let number = Int(text) { return ("\(shown) is not a valid whole number", "write \(number)") }
        return ("\(shown) does not fit in 64 bits", "write at least \(Int.min) and at most \(Int.max)")
    }

    /// Text exactly as written, without control characters other than tab and line ends.
    ///
    /// - Parameter isName: allows a clearly separated comment after the value.
    mutating func text(_ value: FieldValue, fix: String? = nil, isName: Bool = false) -> String? {
        if let fault = isName ? value.node.loss?.nameFault : value.node.loss?.fault {
            error(fault.place, value.label, fault.message, fault.fix)
            return nil
        }
        guard let text = anyText(value, fix: fix) else { return nil }
        return isFreeOfControl(text, value) ? text : nil
    }

    /// Text that is one of a few choices or a name: without invisible or blank outer characters.
    mutating func short(_ value: FieldValue, fix: String? = nil) -> String? {
        guard let text = anyText(value, fix: fix) else { return nil }
        let short = withoutOuterCharacters(text, value)
        return isFreeOfControl(short, value) ? short : nil
    }

    private mutating func anyText(_ value: FieldValue, fix: String?) -> String? {
        guard case .scalar(let scalar) = value.node.content else {
            refuse(value, "is \(value.node.content.name)", fix ?? "write a single text")
            return nil
        }
        switch scalar.form {
        case .jsonText, .quoted, .bare: return scalar.text
        case .jsonNumber, .jsonLiteral:
            refuse(value, "is \(SafeText.cut(scalar.text)), not text", fix ?? "put it in quotes")
            return nil
        }
    }

    /// Warns about the characters it removes.
    mutating func withoutOuterCharacters(_ text: String, _ value: FieldValue) -> String {
        guard let rest = OuterCharacters.removed(from: text), let first = OuterCharacters.first(of: text) else {
            return text
        }
        warn(
            value,
            "\(first.isAtStart ? "begins" : "ends") with \(OuterCharacters.name(of: first.scalar)), which is ignored",
            "remove it")
        return rest
    }

    private mutating func isFreeOfControl(_ text: String, _ value: FieldValue) -> Bool {
        if Self.mayHoldControl(text),
            let control = text.unicodeScalars.first(where: {
                SafeText.isControl($0) && !["\t", "\n", "\r"].contains($0)
            })
        {
            refuse(value, "contains the control character \(SafeText.escaped(String(control)))", "remove it")
            return false
        }
        return true
    }

    /// Quick check: C0, DEL, or the first byte of C1.
    private static func mayHoldControl(_ text: String) -> Bool {
        text.utf8.contains { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 }
    }

    /// A name: 1 to `longest` bytes of UTF-8, no control characters.
    ///
    /// - Parameter isFree: allows any words, as in an id.
    mutating func name(_ value: FieldValue, longest: Int = 200, isFree: Bool = true) -> String? {
        if isFree, let fault = value.node.loss?.nameFault {
            error(fault.place, value.label, fault.message, fault.fix)
            return nil
        }
        guard let text = short(value) else { return nil }
        if let fault = Self.fault(ofName: text, longest: longest) {
            refuse(value, fault.message, fault.fix)
            return nil
        }
        return text
    }

    static func fault(ofName text: String, longest: Int = 200) -> (message: String, fix: String)? {
        if text.isEmpty { return ("is empty", "write 1 to \(longest) bytes") }
        if let control = text.unicodeScalars.first(where: SafeText.isControl) {
            return ("contains the control character \(SafeText.escaped(String(control)))", "remove it")
        }
        guard text.utf8.count <= longest else {
            return ("has \(text.utf8.count) bytes, more than \(longest)", "shorten it")
        }
        return nil
    }

    /// One warning per position, so that all can be found and fixed.
    mutating func warn(_ value: FieldValue, _ message: String, _ fix: String) {
        let kind = "\(value.place.line):\(value.place.column) \(value.label) \(message)"
        // A default is checked once per task.
        if !hasWarned(kind) { warn(kind, value.place, value.label, message, fix) }
    }

    mutating func refuse(_ value: FieldValue, _ message: String, _ fix: String) {
        error(value.place, value.label, message, fix)
    }
}

extension SourceNode.Content {
    /// With an article, for messages.
    var name: String {
        switch self {
        case .nothing: "empty"
        case .scalar: "a single value"
        case .list: "a list"
        case .map: "an object"
        }
    }
}
