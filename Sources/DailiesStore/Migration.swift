/// The way from each version of the schema to the next.
///
/// The result must be what `schema.sql` makes of an empty file. An older store is copied beside itself before it is
/// touched, and brought up in one transaction.
struct Migration {
    /// The version that `schema.sql` makes.
    static let current: Int64 = 1
    /// One step for each version before ``current``, in order.
    static let steps: [Migration] = []

    /// Comes from this version, goes to the next.
    let from: Int64
    /// Statements without values; `user_version` is set by the caller.
    let script: String

    /// Does nothing for a store that is up to date.
    static func bringUp(
        _ database: Database, path: String, from version: Int64, to target: Int64 = current,
        by steps: [Migration] = steps
    ) throws(StoreError) {
        guard version < target else { return }
        let due = steps.filter { $0.from >= version && $0.from < target }
        let way = due.map(\.from)
        precondition(way == Array(version..<target), "no way from version \(version) to \(target): \(way)")
        try copy(database, to: "\(path).version-\(version)")
        try database.run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            for step in due { try database.execute(script: step.script) }
            try database.execute(script: "PRAGMA user_version = \(target)")
            try database.run("COMMIT")
        } catch {
            if !database.isOutsideTransaction { try database.run("ROLLBACK") }
            throw error
        }
    }

    /// Copies from earlier tries stay: one of them may be of a migration that failed after more was written.
    private static let copiesAtMost = 100

    private static func copy(_ database: Database, to path: String) throws(StoreError) {
        for number in 1...copiesAtMost {
            let candidate = number == 1 ? path : "\(path).\(number)"
            // SQLite copies into a file of no bytes, which is created here so that it is the user's alone.
            if try Store.createPrivateFile(candidate) {
                try database.run("VACUUM INTO ?", .text(candidate))
                return
            }
        }
        throw StoreError(.io, "there are \(copiesAtMost) copies of the store beside it; move them away")
    }
}
