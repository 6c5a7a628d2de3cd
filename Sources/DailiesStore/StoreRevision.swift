import DailiesCore

/// Identifies the contents of a store: two revisions are equal only if nothing was recorded in between.
///
/// Every change has a row in the append-only log, so the end of the log shows whether anything changed. The batches
/// distinguish stores.
public struct StoreRevision: Hashable, Sendable, CustomStringConvertible {
    /// Batch names and log numbers, for comparing only.
    public let description: String

    /// The revision of a store without batches, or of one that does not exist.
    public static let empty = StoreRevision(description: "empty")
}

extension Store {
    /// The store's revision at its last commit.
    public func mark() throws(StoreError) -> StoreRevision {
        try reading { database throws(StoreError) in
            let batches = try database.rows("SELECT id, created_at_ms, name FROM batch ORDER BY id") { row in
                "\(row.integer(0)) \(row.integer(1)) \(row.text(2).utf8.count) \(row.text(2))"
            }
            guard !batches.isEmpty else { return .empty }
            let end = try database.first("SELECT id, at_ms FROM event ORDER BY id DESC LIMIT 1") { row in
                "\(row.integer(0)) \(row.integer(1))"
            }
            return StoreRevision(description: (["events \(end ?? "none")"] + batches).joined(separator: "\n"))
        }
    }
}
