/// A body or query string that is not what the API's pages describe.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with a body.
    public enum Reason: Hashable, Sendable {
        /// Not JSON, or not an object at its top.
        case notAnObject
        /// The field is absent, null or empty.
        case missing(String)
        /// The field is there, but of another type or beyond its bounds.
        case unusable(String)
        /// The field stands there twice.
        case duplicate(String)
        /// Both `task_id` and `out_task_id`.
        case bothIDs
        /// Neither `task_id` nor `out_task_id`.
        case neitherID
    }
    /// What is wrong.
    public let reason: Reason
    /// More about it, for people; may be empty.
    public let detail: String

    /// Takes its properties as they are given.
    public init(_ reason: Reason, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }

    public var description: String {
        let what =
            switch reason {
            case .notAnObject: "the body is not a JSON object"
            case .missing(let field): "\(field) is missing"
            case .unusable(let field): "\(field) cannot be used"
            case .duplicate(let field): "\(field) stands there twice"
            case .bothIDs: "both task_id and out_task_id are given; give one"
            case .neitherID: "neither task_id nor out_task_id is given; give one"
            }
        return detail.isEmpty ? what : "\(what): \(detail)"
    }
}
