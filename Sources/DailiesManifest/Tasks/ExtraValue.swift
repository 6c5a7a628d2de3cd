import DailiesCore
import ExactJSON

/// An unknown field, as the JSON that goes into the request.
///
/// JSON is kept unchanged. A plain YAML scalar or a CSV cell is read by JSON's grammar as a number, `true`, `false` or
/// `null`, and otherwise as text (`no`, `16:9` and `007` are text). Members of inner objects are sorted, so that their
/// order does not affect a task's identity.
enum ExtraValue {
    /// nil after reporting an error.
    static func json(_ value: FieldValue, log: inout Diagnostics) -> String? {
        switch value.node.content {
        case .nothing: return "null"
        case .scalar(let scalar):
            if let fault = value.node.loss?.fault, isText(scalar) {
                log.error(fault.place, value.label, fault.message, fault.fix)
                return nil
            }
            return json(scalar)
        case .list(let elements):
            var parts: [String] = []
            for (index, element) in elements.enumerated() {
                guard let part = json(FieldValue(label: "\(value.label)[\(index)]", node: element), log: &log) else {
                    return nil
                }
                parts.append(part)
            }
            return "[" + parts.joined(separator: ",") + "]"
        case .map(let fields):
            let before = log.errorCount
            var parts: [(name: String, json: String)] = []
            for field in log.unique(fields, prefix: value.label + ".") {
                let inner = FieldValue(label: value.label + "." + field.name, node: field.value)
                if let part = json(inner, log: &log) { parts.append((field.name, part)) }
            }
            return log.errorCount == before ? object(parts) : nil
        }
    }

    /// Members sorted by name, bytewise.
    static func object(_ members: [(name: String, json: String)]) -> String {
        let sorted = members.sorted { $0.name.precedesInUTF8($1.name) }
        return "{" + sorted.map { JSONText.quoted($0.name) + ":" + $0.json }.joined(separator: ",") + "}"
    }

    private static func json(_ scalar: Scalar) -> String {
        isText(scalar) ? JSONText.quoted(scalar.text) : scalar.text
    }

    private static func isText(_ scalar: Scalar) -> Bool {
        switch scalar.form {
        case .jsonText, .quoted: true
        case .jsonNumber, .jsonLiteral: false
        case .bare: !["true", "false", "null"].contains(scalar.text) && !JSONText.isNumber(scalar.text)
        }
    }
}

extension Diagnostics {
    /// The fields without duplicate names, which are reported.
    ///
    /// Called for every mapping, so it also reports a value that YAML read entirely as a comment.
    mutating func unique(_ fields: [SourceField], prefix: String = "") -> [SourceField] {
        for field in fields {
            if case .nothing = field.value.content, let fault = field.value.loss?.fault {
                error(fault.place, prefix + field.name, fault.message, fault.fix)
            }
        }
        if Self.areFewAndUnique(fields) { return fields }
        var places: [ByteKey: SourcePosition] = [:]
        return fields.filter { field in
            guard let earlier = places.updateValue(field.place, forKey: ByteKey(field.name)) else { return true }
            places[ByteKey(field.name)] = earlier
            error(
                field.place, prefix + field.name, "appears twice, first at \(earlier.line):\(earlier.column)",
                "remove one of them")
            return false
        }
    }

    /// The common case, which needs no table.
    private static func areFewAndUnique(_ fields: [SourceField]) -> Bool {
        guard fields.count <= 16 else { return false }
        for index in fields.indices {
            for earlier in fields[..<index] where earlier.name.utf8.elementsEqual(fields[index].name.utf8) {
                return false
            }
        }
        return true
    }
}
