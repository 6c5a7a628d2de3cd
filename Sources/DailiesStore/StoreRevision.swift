import DailiesCore

/// Identifies the contents of a store: two revisions are equal only if nothing was recorded in between.
///
/// Every change has a row in the append-only log, so the end of the log shows whether anything changed. The batches
/// distinguish stores.
package struct StoreRevision: Hashable, Sendable, CustomStringConvertible {
    /// Batch names and log numbers, for comparing only.
    package let description: String

    /// The revision of a store without batches, or of one that does not exist.
    package static let empty = StoreRevision(description: "empty")
}

extension Store {
    /// The store's revision at its last commit.
    package func revision() throws(StoreError) -> StoreRevision {
        try reading { database throws(StoreError) in
            let batches = try database.rows("SELECT id, created_at_ms, name FROM batch ORDER BY id") { row in
                let name: String = row["name"]
                return "\(row["id"] as Int64) \(row["created_at_ms"] as Int64) \(name.utf8.count) \(name)"
            }
            guard !batches.isEmpty else { return .empty }
            let end = try database.first("SELECT id, at_ms FROM event ORDER BY id DESC LIMIT 1") { row in
                "\(row["id"] as Int64) \(row["at_ms"] as Int64)"
            }
            return StoreRevision(description: (["events \(end ?? "none")"] + batches).joined(separator: "\n"))
        }
    }
}
