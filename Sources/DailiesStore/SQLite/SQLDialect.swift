import DailiesCore

/// The words of shared statements that other engines write differently. Statements that only concern the file, such as
/// its checks and its migration, are written for SQLite.
enum SQLDialect {
    /// Whether a column is in a list that is bound as one value (``list(_:)``).
    static func isIn(_ column: String, _ list: String) -> String {
        "\(column) IN (SELECT value FROM json_each(\(list)))"
    }

    static func list(_ texts: some Sequence<String>) -> SQLValue { .text(JSONText.list(texts)) }

    static func list(_ numbers: [Int64]) -> SQLValue {
        .text("[" + numbers.map(\.description).joined(separator: ",") + "]")
    }

    static func list(_ batches: [BatchID]) -> SQLValue {
        list(batches.map(\.rawValue))
    }

    /// The members of a JSON object with texts, as rows of `key` and `value`.
    static func members(of object: String) -> String { "json_each(\(object))" }

    /// The numbers of a group, separated by commas.
    static func joined(_ number: String) -> String { "group_concat(\(number))" }

    /// A statement for a number that changes when another connection has committed.
    static let changeCounter = "PRAGMA data_version"
}
