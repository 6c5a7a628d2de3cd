import DailiesCore
import ExactJSON

/// The body of a submit in either dialect: written by the client, parsed by the simulator.
package struct SubmitBody: Sendable {
    /// The id of the model, unchanged.
    package let model: String
    /// The model's fields other than `model`, by name.
    package let fields: [String: JSONValue]
    /// The submission key; nil if absent.
    package let outTaskID: String?
    /// ``Dialect/params`` if there is a `params` object.
    package let dialect: Dialect

    /// Fields of the call, not of the clip.
    private static let callFields: Set<String> = [
        FieldName.model, FieldName.params, FieldName.outTaskID, FieldName.callbackURL, FieldName.stream,
    ]

    /// Encodes the submission of `request` with `key`.
    ///
    /// Numbers and text are those of the canonical text. In the flat dialect the model comes first, then the fields in
    /// canonical order, then `out_task_id`; in the other dialect the fields are inside `params`.
    package static func encode(_ request: CanonicalRequest, key: SubmissionKey, dialect: Dialect) -> [UInt8] {
        var model: String?
        var fields = JSONObjectText()
        for member in canonicalMembers(request) {
            if member.name == FieldName.model {
                model = member.value.compactText
            } else {
                fields.add(member.name, raw: member.value.compactText)
            }
        }
        var body = JSONObjectText()
        body.add(FieldName.model, raw: model)
        switch dialect {
        case .flat: body.add(contentsOf: fields)
        case .params: body.add(FieldName.params, raw: fields.text)
        }
        body.add(FieldName.outTaskID, text: key.text)
        return body.bytes
    }

    /// Parses a submit's body.
    ///
    /// - Throws: ``WireError`` if it is not an object, has duplicate names, has no `model` text, or if `params` or
    ///   `out_task_id` have another type. Fields are not validated against the model.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> SubmitBody {
        let top = try table(JSONValue.object(in: bytes))
        guard let modelValue = top[FieldName.model], !modelValue.isNull else {
            throw WireError(.missing(FieldName.model))
        }
        guard let model = modelValue.string, !model.isEmpty else { throw WireError(.unusable(FieldName.model)) }
        let key = try outTaskID(top[FieldName.outTaskID])
        guard let params = top[FieldName.params] else {
            let fields = top.filter { !callFields.contains($0.key) }
            return SubmitBody(model: model, fields: fields, outTaskID: key, dialect: .flat)
        }
        guard let members = params.members else {
            throw WireError(.unusable(FieldName.params), detail: "not an object")
        }
        return SubmitBody(model: model, fields: try table(members), outTaskID: key, dialect: .params)
    }

    /// The content by which submissions with the same key are compared: model and fields, sorted, in any dialect. Bytes
    /// rather than text, since Swift considers texts with the same normal form equal.
    package var content: [UInt8] {
        var body = JSONObjectText()
        body.add(FieldName.model, text: model)
        var sorted = JSONObjectText()
        for (name, value) in fields.sorted(by: { Self.isBefore($0.key, $1.key) }) {
            sorted.add(name, raw: Self.sortedText(value))
        }
        body.add(FieldName.params, raw: sorted.text)
        return body.bytes
    }

    private static func canonicalMembers(_ request: CanonicalRequest) -> [JSONMember] {
        do throws(WireError) {
            return try JSONValue.object(in: Array(request.text.utf8))
        } catch {
            preconditionFailure("a canonical request is a JSON object; \(error): \(request.text)")
        }
    }

    private static func outTaskID(_ value: JSONValue?) throws(WireError) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string, !text.isEmpty else { throw WireError(.unusable(FieldName.outTaskID)) }
        return text
    }

    private static func table(_ members: [JSONMember]) throws(WireError) -> [String: JSONValue] {
        var table: [String: JSONValue] = [:]
        for member in members {
            guard table.updateValue(member.value, forKey: member.name) == nil else {
                throw WireError(.duplicate(member.name))
            }
        }
        return table
    }

    private static func isBefore(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    /// The value with the members of all its objects sorted by name.
    private static func sortedText(_ value: JSONValue) -> String {
        if let members = value.members {
            var text = JSONObjectText()
            for member in members.sorted(by: { isBefore($0.name, $1.name) }) {
                text.add(member.name, raw: sortedText(member.value))
            }
            return text.text
        }
        if let array = value.array { return "[\(array.map(sortedText).joined(separator: ","))]" }
        return value.compactText
    }
}
