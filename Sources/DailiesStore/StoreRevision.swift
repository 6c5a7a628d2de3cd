import DailiesCore

/// A mark of everything that a store holds: two marks are equal only if nothing was recorded in between.
///
/// Every change has its row in the append-only log, so that the log's end tells whether anything changed; the batches
/// tell one store from another.
public struct StoreRevision: Hashable, Sendable, CustomStringConvertible {
    /// Text that holds batch names and numbers of the log: for comparing, not for reading.
    public let description: String

    /// That of a store without batches, and of one that does not exist yet.
    public static let empty = StoreRevision(description: "empty")
}

extension Store {
    /// That of the store as it is committed now.
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
