import DailiesCore

/// A valid manifest. Its tasks can be iterated any number of times; those of JSONL and CSV are read from the file each
/// time, so memory use does not grow with their number.
package struct ValidatedManifest: Sendable {
    enum Tasks: Sendable {
        case kept([TaskSpec])
        case read(StreamedManifest)
    }
    /// The caller's name, else the name in the manifest, else the file name without its extension.
    package let batchName: String
    /// At least 1.
    package let count: Int
    /// Problems that do not stop a run, one per kind, sorted by first position.
    package let warnings: [ManifestDiagnostic]
    /// The path passed to the reader, or `<stdin>`.
    package let path: String
    let tasks: Tasks

    /// Calls `body` with each task in manifest order. Keys are unique.
    ///
    /// - Throws: errors of `body` immediately; ``ManifestError`` if the file changed or can no longer be read. The
    ///   tasks passed so far may then be wrong and must be discarded.
    package func forEachTask(_ body: (TaskSpec) throws -> Void) throws {
        switch tasks {
        case .kept(let tasks): for task in tasks { try body(task) }
        case .read(let reading): try reading.forEachTask(body)
        }
    }

    /// All tasks, loaded into memory.
    package func manifest() throws -> Manifest {
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
