import DailiesCore
import ExactJSON

/// A value and the name by which messages call it: `seed`, `defaults.seed`, `matrix.seed`.
struct FieldValue {
    let label: String
    let node: SourceNode
    var place: Place { node.place }
}

/// A value of the type that its field has.
enum TypedValue {
    /// The digits as written, and what they mean.
    case integer(text: String, value: Int)
    case text(String)

    var json: String {
        switch self {
        case .integer(let text, _): text
        case .text(let text): JSONText.quoted(text)
        }
    }

    /// As it stands in the key of a matrix member.
    var plain: String {
        switch self {
        case .integer(let text, _), .text(let text): text
        }
    }
}

/// Typing is by the field, never by what the writing looks like.
extension ProblemLog {
    mutating func typed(_ value: FieldValue, as kind: ExtraField) -> TypedValue? {
        switch kind {
        case .integer: integer(value).map { .integer(text: String($0), value: $0) }
        case .text: text(value).map { .text($0) }
        }
    }

    /// A whole number of 64 bits in its one canonical writing.
    mutating func integer(_ value: FieldValue) -> Int? {
        guard case .scalar(let scalar) = value.node.content else {
            refuse(value, "is \(value.node.content.name)", "write a whole number")
            return nil
        }
        let text = scalar.text
        switch scalar.form {
        case .jsonNumber, .bare: break
        case .jsonText, .quoted:
            refuse(value, "is the text \(SafeText.quoted(text))", "write a whole number without quotes")
            return nil
        case .jsonLiteral:
            refuse(value, "is \(text)", "write a whole number")
            return nil
        }
        if let number = Int(text), String(number) == text { return number }
        refuse(value, Self.fault(ofInteger: text).what, Self.fault(ofInteger: text).todo)
        return nil
    }

    private static func fault(ofInteger text: String) -> (what: String, todo: String) {
        let shown = SafeText.cut(text)
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard !digits.isEmpty, text.utf8.count - digits.utf8.count <= 1, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
        else {
            return JSONText.isNumber(text)
                ? ("\(shown) is not a whole number", "write it without point and exponent")
                : ("\(SafeText.quoted(text)) is not a whole number", "write one such as 8")
        }
        if let number = Int(text) { return ("\(shown) is not how a whole number is written", "write \(number)") }
        return ("\(shown) does not fit in 64 bits", "write at least \(Int.min) and at most \(Int.max)")
    }

    /// A text as written; without control characters other than tab and line ends.
    mutating func text(_ value: FieldValue) -> String? {
        guard case .scalar(let scalar) = value.node.content else {
            refuse(value, "is \(value.node.content.name)", "write one text")
            return nil
        }
        switch scalar.form {
        case .jsonText, .quoted, .bare: break
        case .jsonNumber, .jsonLiteral:
            refuse(value, "is \(SafeText.cut(scalar.text)), not a text", "put it in quotes")
            return nil
        }
        if Self.mayHoldControl(scalar.text),
            let control = scalar.text.unicodeScalars.first(where: {
                SafeText.isControl($0) && !["\t", "\n", "\r"].contains($0)
            })
        {
            refuse(value, "holds the control character \(SafeText.escaped(String(control)))", "remove it")
            return nil
        }
        return scalar.text
    }

    /// Whether it is worth looking closer: C0, DEL, or the first byte of C1.
    private static func mayHoldControl(_ text: String) -> Bool {
        text.utf8.contains { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 }
    }

    /// A text that names something: 1 to `longest` bytes of UTF-8, no control characters.
    mutating func name(_ value: FieldValue, longest: Int = 200) -> String? {
        guard let text = text(value) else { return nil }
        if let fault = Self.fault(ofName: text, longest: longest) {
            refuse(value, fault.what, fault.todo)
            return nil
        }
        return text
    }

    static func fault(ofName text: String, longest: Int = 200) -> (what: String, todo: String)? {
        if text.isEmpty { return ("is empty", "write 1 to \(longest) bytes") }
        if let control = text.unicodeScalars.first(where: SafeText.isControl) {
            return ("holds the control character \(SafeText.escaped(String(control)))", "remove it")
        }
        guard text.utf8.count <= longest else {
            return ("has \(text.utf8.count) bytes, more than \(longest)", "shorten it")
        }
        return nil
    }

    mutating func refuse(_ value: FieldValue, _ what: String, _ todo: String) {
        error(value.place, value.label, what, todo)
    }
}

extension SourceNode.Content {
    /// With its article, for messages.
    var name: String {
        switch self {
        case .nothing: "empty"
        case .scalar: "a single value"
        case .list: "a list"
        case .map: "an object"
        }
    }
}
