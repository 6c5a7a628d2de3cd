import DailiesCore

/// A manifest in which everything was found right. Its tasks are handed out one by one, as often as wanted; those of
/// JSONL and CSV are read from the file each time, so that memory does not grow with their number.
public struct ValidatedManifest: Sendable {
    enum Tasks: Sendable {
        case kept([TaskSpec])
        case read(StreamedManifest)
    }
    /// As it was given, or as the manifest gives it, or the file's name without its ending.
    public let batchName: String
    /// At least 1.
    public let count: Int
    /// What need not stop a run: one of each kind, in the order of their first places.
    public let warnings: [ManifestDiagnostic]
    /// As it was given, or `<stdin>`.
    public let path: String
    let tasks: Tasks

    /// Calls `body` with every task in the order of the manifest; keys are unique.
    ///
    /// - Throws: what `body` throws, at once; ``ManifestError`` where the file was changed or cannot be read any
    ///   more. In that case what was handed out may be wrong and must be dropped.
    public func forEachTask(_ body: (TaskSpec) throws -> Void) throws {
        switch tasks {
        case .kept(let tasks): for task in tasks { try body(task) }
        case .read(let reading): try reading.forEachTask(body)
        }
    }

    /// All tasks at once, kept in memory.
    public func manifest() throws -> Manifest {
        var all: [TaskSpec] = []
        if case .kept(let tasks) = tasks {
            all = tasks
        } else {
            all.reserveCapacity(count)
            try forEachTask { all.append($0) }
        }
        return Manifest(batchName: batchName, tasks: all, warnings: warnings, path: path)
    }
}
