import DailiesCore
import ExactJSON

/// The error envelope: `{"error":{"type":…,"code":…,"message":…}}`.
package struct ErrorBody: Hashable, Sendable {
    /// The class of error (`invalid_request_error`), if present.
    package var type: String?
    /// A code; integers are converted to text.
    package var code: String?
    /// A message for users, if present; may contain anything.
    package var message: String?

    /// Creates an error body; nil members are omitted when encoding.
    package init(type: String?, code: String?, message: String?) {
        self.type = type
        self.code = code
        self.message = message
    }

    /// Whether the body was the tasks API's own envelope: an `error` object with `type` and `message` texts, and no
    /// other wrapping. Google's (`status`) and Anthropic's (`"type":"error"` around it) are not.
    package private(set) var isEnvelope = false

    /// Parses any error format of the gateway and its upstreams; nil if it is none.
    package static func read(_ bytes: [UInt8]) -> ErrorBody? {
        let top: [JSONMember]
        do throws(WireError) {
            top = try JSONValue.object(in: bytes)
        } catch {
            // Not JSON: a proxy's page or a truncated body. There is no envelope.
            return nil
        }
        guard let error = top.value(FieldName.error) else { return nil }
        if let message = error.string { return ErrorBody(type: nil, code: nil, message: message) }
        guard let members = error.members else { return nil }
        let type = members.value(FieldName.type)?.string
        var body = ErrorBody(
            type: type ?? members.value(FieldName.status)?.string,
            code: members.value(FieldName.code)?.textOrNumber,
            message: members.value(FieldName.message)?.string)
        body.isEnvelope = type != nil && body.message != nil && top.value(FieldName.type) == nil
        return body
    }

    /// The envelope as JSON; nil members are omitted.
    package func encode() -> [UInt8] {
        var inner = JSONObjectText()
        inner.add(FieldName.type, text: type)
        inner.add(FieldName.code, text: code)
        inner.add(FieldName.message, text: message)
        var body = JSONObjectText()
        body.add(FieldName.error, raw: inner.text)
        return body.bytes
    }

    /// Compares the members; ignores ``isEnvelope``.
    package static func == (a: ErrorBody, b: ErrorBody) -> Bool {
        a.type == b.type && a.code == b.code && a.message == b.message
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(code)
        hasher.combine(message)
    }
}

extension [JSONMember] {
    /// The value for a name; null counts as absent, and of duplicates the last one counts.
    func value(_ name: String) -> JSONValue? {
        guard let value = last(where: { $0.name == name })?.value, !value.isNull else { return nil }
        return value
    }
}

extension JSONValue {
    /// A text that is not empty, or the text of a number.
    var textOrNumber: String? { string.flatMap { $0.isEmpty ? nil : $0 } ?? number }
}
