import DailiesCore
import ExactJSON

/// The error envelope: `{"error":{"type":…,"code":…,"message":…}}`.
public struct ErrorBody: Hashable, Sendable {
    /// The class of error (`invalid_request_error`), where there is one.
    public var type: String?
    /// A text; an integer is read as its digits.
    public var code: String?
    /// For people, where there is one; may hold anything.
    public var message: String?

    /// Takes its properties as they are given.
    public init(type: String?, code: String?, message: String?) {
        self.type = type
        self.code = code
        self.message = message
    }

    /// Whether the body was the tasks API's own envelope: an `error` object with a `type` and a `message` that are
    /// texts, and no other wrapping. Google's (`status`) and Anthropic's (`"type":"error"` around it) are not.
    public private(set) var isEnvelope = false

    /// Reads any of the shapes in which the gateway and its upstreams report errors; nil for all else.
    public static func read(_ bytes: [UInt8]) -> ErrorBody? {
        let top: [JSONMember]
        do throws(WireError) {
            top = try JSONValue.object(in: bytes)
        } catch {
            // Not JSON: a proxy's page or a cut body. That there is no envelope is the answer.
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

    /// The envelope as JSON; what is nil is left out.
    public func encode() -> [UInt8] {
        var inner = JSONObjectText()
        inner.add(FieldName.type, text: type)
        inner.add(FieldName.code, text: code)
        inner.add(FieldName.message, text: message)
        var body = JSONObjectText()
        body.add(FieldName.error, raw: inner.text)
        return body.bytes
    }

    /// Two envelopes are equal when they say the same.
    public static func == (a: ErrorBody, b: ErrorBody) -> Bool {
        a.type == b.type && a.code == b.code && a.message == b.message
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(code)
        hasher.combine(message)
    }
}

extension [JSONMember] {
    /// The value under a name; null counts as absent, and of a name given twice the last one counts.
    func value(_ name: String) -> JSONValue? {
        guard let value = last(where: { $0.name == name })?.value, !value.isNull else { return nil }
        return value
    }
}

extension JSONValue {
    /// A text that is not empty, or a number's own text.
    var textOrNumber: String? { string.flatMap { $0.isEmpty ? nil : $0 } ?? number }
}
