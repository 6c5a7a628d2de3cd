/// A body or query string that does not match the API's documentation.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of error.
    package enum Reason: Hashable, Sendable {
        /// Not JSON, or the root is not an object.
        case notAnObject
        /// The field is absent, null or empty.
        case missing(String)
        /// The field has another type or is out of range.
        case unusable(String)
        /// The field appears twice.
        case duplicate(String)
        /// Both `task_id` and `out_task_id`.
        case bothIDs
        /// Neither `task_id` nor `out_task_id`.
        case neitherID
    }
    /// The kind of error.
    package let reason: Reason
    /// Details for users; may be empty.
    package let detail: String

    /// Creates an error. Default: no details.
    package init(_ reason: Reason, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }

    package var description: String {
        let what =
            switch reason {
            case .notAnObject: "the body is not a JSON object"
            case .missing(let field): "\(field) is missing"
            case .unusable(let field): "\(field) cannot be used"
            case .duplicate(let field): "\(field) appears twice"
            case .bothIDs: "both task_id and out_task_id are present; send only one"
            case .neitherID: "neither task_id nor out_task_id is present; send one"
            }
        return detail.isEmpty ? what : "\(what): \(detail)"
    }
}
