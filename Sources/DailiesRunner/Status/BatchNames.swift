import DailiesCore
import DailiesStore

/// The names of batches, for events, which name a task by its batch's ID and its key.
package struct BatchNames: Sendable {
    /// The batches of the run, in its order.
    package let own: [BatchID]
    private let names: [BatchID: String]

    package init(own: [BatchID] = [], _ names: [BatchID: String] = [:]) {
        self.own = own
        self.names = names
    }

    /// - Parameter all: every batch of the store: a run also polls tasks of other batches.
    package init(own: [BatchID], in all: [StoredBatch]) {
        self.init(own: own, Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.name) }))
    }

    /// Nil for a batch that was created after the run began.
    package func name(of batch: BatchID) -> String? { names[batch] }

    /// The names of the run's batches.
    package var ownNames: [String] { own.compactMap { names[$0] } }

    /// The key of a task, with its batch (`BATCH/KEY`) unless the run has only that batch. May hold control characters.
    package func text(_ task: TaskName) -> String {
        guard own != [task.batch], let name = names[task.batch] else { return task.key.text }
        return "\(name)/\(task.key)"
    }
}
