import ExactJSON
import Foundation

/// As much of JSON Schema (draft 2020-12) as the manifest's schema uses; any other keyword is a failure.
struct SchemaValidator {
    let root: JSONValue

    func accepts(_ value: JSONValue) -> Bool { accepts(value, root) }

    private func accepts(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        if let flag = schema.bool { return flag }
        return (schema.members ?? []).allSatisfy { accepts(value, $0.name, $0.value, schema) }
    }

    private func accepts(_ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ schema: JSONValue) -> Bool {
        switch keyword {
        case "$schema", "$defs", "title", "description", "then", "else": return true
        case "$ref":
            let name = (rule.string ?? "").split(separator: "/").last.map(String.init) ?? ""
            guard let target = root["$defs"]?[name] else { preconditionFailure("no definition \(name)") }
            return accepts(value, target)
        case "anyOf": return rule.array?.contains { accepts(value, $0) } ?? false
        case "allOf": return rule.array?.allSatisfy { accepts(value, $0) } ?? false
        case "not": return !accepts(value, rule)
        case "if":
            let next = accepts(value, rule) ? schema["then"] : schema["else"]
            return next.map { accepts(value, $0) } ?? true
        case "type": return (rule.array ?? [rule]).contains { isOf(value, $0.string ?? "") }
        case "enum": return rule.array?.contains { $0.kind.hasSameMeaning(as: value.kind) } ?? false
        case "const": return rule.kind.hasSameMeaning(as: value.kind)
        default: return isWithinBounds(value, keyword, rule) && isWellFormed(value, keyword, rule, schema)
        }
    }

    private func isOf(_ value: JSONValue, _ type: String) -> Bool {
        switch value.kind {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .number(let text):
            type == "number" || (type == "integer" && (Double(text) ?? 0.5).rounded() == Double(text))
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private func isWithinBounds(_ value: JSONValue, _ keyword: String, _ rule: JSONValue) -> Bool {
        guard let bound = rule.number.flatMap({ Decimal(string: $0) }) else { return true }
        let number = value.number.flatMap { Decimal(string: $0) }
        let length = value.string.map { Decimal($0.unicodeScalars.count) }
        let members = value.members.map { Decimal($0.count) }
        let elements = value.array.map { Decimal($0.count) }
        switch keyword {
        case "minimum": return number.map { $0 >= bound } ?? true
        case "maximum": return number.map { $0 <= bound } ?? true
        case "minLength": return length.map { $0 >= bound } ?? true
        case "maxLength": return length.map { $0 <= bound } ?? true
        case "minItems": return elements.map { $0 >= bound } ?? true
        case "minProperties": return members.map { $0 >= bound } ?? true
        case "maxProperties": return members.map { $0 <= bound } ?? true
        default: preconditionFailure("unknown keyword \(keyword)")
        }
    }

    private func isWellFormed(_ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ schema: JSONValue) -> Bool {
        let members = value.members ?? []
        switch keyword {
        case "pattern": return value.string.map { Self.matches($0, rule.string ?? "") } ?? true
        case "items": return (value.array ?? []).allSatisfy { accepts($0, rule) }
        case "uniqueItems":
            let texts = (value.array ?? []).map(\.compactText)
            return Set(texts).count == texts.count
        case "required": return value.members == nil || (rule.array ?? []).allSatisfy { value[$0.string ?? ""] != nil }
        case "properties":
            return members.allSatisfy { member in rule[member.name].map { accepts(member.value, $0) } ?? true }
        case "patternProperties":
            return members.allSatisfy { member in
                (rule.members ?? []).allSatisfy {
                    !Self.matches(member.name, $0.name) || accepts(member.value, $0.value)
                }
            }
        case "propertyNames":
            return members.allSatisfy { accepts(JSONValue(kind: .string($0.name)), rule) }
        case "additionalProperties":
            let patterns = (schema["patternProperties"]?.members ?? []).map(\.name)
            return members.allSatisfy { member in
                schema["properties"]?[member.name] != nil || patterns.contains { Self.matches(member.name, $0) }
                    || accepts(member.value, rule)
            }
        default: return true
        }
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        text.range(of: pattern, options: .regularExpression) != nil
    }
}

extension JSONValue.Kind {
    /// Wherever it stood.
    fileprivate func hasSameMeaning(as other: JSONValue.Kind) -> Bool {
        JSONValue(kind: self).compactText == JSONValue(kind: other).compactText
    }
}
