import DailiesCore
import ExactJSON

/// The body of a query or cancellation with POST: exactly one of `task_id` and `out_task_id`.
package enum QueryBody {
    /// The body of a query or cancellation, as JSON: `task_id` or `out_task_id`.
    package static func encode(_ subject: TaskQuery.Subject) -> [UInt8] {
        var body = JSONObjectText()
        switch subject {
        case .remote(let remote): body.add(FieldName.taskID, text: remote.text)
        case .key(let key): body.add(FieldName.outTaskID, text: key.text)
        }
        return body.bytes
    }

    /// Parses the body of a POST.
    ///
    /// - Throws: ``WireError`` if it is not an object, or does not contain exactly one id that is text.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> TaskQuery.Subject {
        let members = try JSONValue.object(in: bytes)
        func text(_ field: String) throws(WireError) -> String? {
            guard let value = members.last(where: { $0.name == field })?.value, !value.isNull else { return nil }
            guard let text = value.string else { throw WireError(.unusable(field), detail: "not a text") }
            return text
        }
        return try subject(taskID: text(FieldName.taskID), outTaskID: text(FieldName.outTaskID))
    }

    /// Parses the query string of a GET.
    ///
    /// - Throws: ``WireError`` if it does not contain exactly one id.
    package static func decode(query: some StringProtocol) throws(WireError) -> TaskQuery.Subject {
        let items = Endpoint.items(ofQuery: query)
        return try subject(
            taskID: items.last { $0.name == FieldName.taskID }?.value,
            outTaskID: items.last { $0.name == FieldName.outTaskID }?.value)
    }

    private static func subject(taskID: String?, outTaskID: String?) throws(WireError) -> TaskQuery.Subject {
        let remote = taskID.flatMap { $0.isEmpty ? nil : RemoteTaskID($0) }
        let key = outTaskID.flatMap { $0.isEmpty ? nil : SubmissionKey($0) }
        switch (remote, key) {
        case (let remote?, nil): return .remote(remote)
        case (nil, let key?): return .key(key)
        case (nil, nil): throw WireError(.neitherID)
        case (_?, _?): throw WireError(.bothIDs)
        }
    }
}
