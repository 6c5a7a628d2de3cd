import DailiesCore

/// The batch settings of a manifest.
package struct BatchDefinition: Hashable, Sendable {
    /// The batch's name, part of every submission key.
    package let name: String
    /// The absolute path. A batch from another path is refused.
    package let manifestPath: String
    /// The provider's name, as in ``DailiesCore/RenderProvider/name``.
    package let provider: String
    /// The base URL, as in ``DailiesCore/RenderProvider/baseURL``.
    package let baseURL: String
    /// The absolute path of the output folder.
    package let outputDirectory: String
    /// The change to its budget.
    package let budget: BudgetSetting
    /// The budget mode; nil: unchanged, or cautious for a new batch.
    package let budgetMode: BudgetMode?
    /// Changes to budgets of its tags; other tags keep theirs.
    package let tagBudgets: [TagBudgetSetting]

    package init(
        name: String, manifestPath: String, provider: String, baseURL: String, outputDirectory: String,
        budget: BudgetSetting, budgetMode: BudgetMode? = nil, tagBudgets: [TagBudgetSetting] = []
    ) {
        self.budgetMode = budgetMode
        self.tagBudgets = tagBudgets
        self.name = name
        self.manifestPath = manifestPath
        self.provider = provider
        self.baseURL = baseURL
        self.outputDirectory = outputDirectory
        self.budget = budget
    }
}

/// What a manifest may change.
package struct ImportOptions: Hashable, Sendable {
    /// Whether changed requests replace the stored ones; settled tasks are then rendered again under the next number.
    package var acceptChanges: Bool
    /// Whether the batch may have come from another path.
    package var sameBatch: Bool
    /// Creates options; by default nothing is allowed.
    package init(acceptChanges: Bool = false, sameBatch: Bool = false) {
        self.acceptChanges = acceptChanges
        self.sameBatch = sameBatch
    }
}

/// The result of importing a manifest.
package struct ImportResult: Hashable, Sendable {
    /// The batch, created if it did not exist.
    package let batch: BatchID
    /// Number of new tasks.
    package var new = 0
    /// Number of known tasks with the same request. Tags, priority and file name may have been updated.
    package var unchanged = 0
    /// Number of tasks with a changed request.
    package var changed = 0
    /// Number of unsent tasks that are no longer in the manifest and were cancelled.
    package var removed = 0
    /// Number of tasks that were once cancelled as removed and are in the manifest again.
    package var restored = 0
    /// The manifest's tasks by state after the import.
    package var tasksByState: [TaskState: Int] = [:]
    /// Tasks to be rendered whose request has a clip already, or will have one.
    package internal(set) var duplicates = Duplicates()
    /// The row of the first new task.
    var firstNew: TaskID?

    init(batch: BatchID) { self.batch = batch }
}

/// Why a manifest was refused. Nothing was written.
public enum ImportError: Error, Hashable, Sendable {
    /// The batch came from this path.
    case differentPath(stored: String)
    /// The batch belongs to this provider and base URL, which accepted a submit of it or may have.
    case differentProvider(name: String, baseURL: String)
    /// Tasks whose request differs from the stored one: the first ``maximumListed`` of `count`, in manifest order.
    case changed([ChangedTask], count: Int)
    /// Changed tasks whose attempt is not settled, or whose cost is still being queried: the first ``maximumListed`` of
    /// `count`. Wait for them first.
    case unsettled([TaskKey], count: Int)
    /// The store could not be read or written.
    case store(StoreError)

    /// Maximum number of tasks that a refusal lists.
    public static let maximumListed = 100
}

/// One of several manifests was refused. None was written.
package struct ManifestRefusal: Error {
    /// Its index.
    package let index: Int
    package let reason: ImportError
}

/// A task with a changed request.
public struct ChangedTask: Hashable, Sendable {
    /// The progress of its task.
    public enum Progress: Hashable, Sendable {
        /// Unsent under its present number: it takes the new request.
        case unsent
        /// An attempt is open, or its cost is still being queried.
        case unsettled
        /// Ended. The new request is a new attempt and costs again.
        case settled(TaskState)
    }
    /// The task's key.
    public let key: TaskKey
    /// The stored request.
    public let stored: CanonicalRequest
    /// The progress with the stored request.
    public let progress: Progress
}

/// The comparison of a manifest's task with the store.
package enum TaskDiff: Hashable, Sendable {
    /// Not in the store.
    case new
    /// Known and unsent.
    case waiting
    /// Once cancelled as removed; it would wait again.
    case restored
    /// Accepted or being submitted: a run resumes it.
    case resumable
    /// Sent, outcome unknown.
    case uncertain
    /// Completed: not rendered again. If it is not saved, a run downloads it.
    case paid(isSaved: Bool)
    /// Failed; `retry` queues it again.
    case failed(code: String?)
    /// Cancelled by the user or the provider; `retry` queues it again.
    case cancelled(code: String?)
    /// Its request changed: refused unless changes are accepted.
    case changed(ChangedTask)
}

extension TaskDiff {
    /// Whether a run may render it.
    var mayRender: Bool {
        switch self {
        case .new, .waiting, .restored: true
        case .changed(let task): task.progress != .unsettled
        case .resumable, .uncertain, .paid, .failed, .cancelled: false
        }
    }
}

/// One entry of a comparison of a manifest with the store.
package enum DiffEntry {
    /// A task of the manifest under its stored key and, if a run may render it, a similar clip of another task.
    case named(TaskSpec, TaskDiff, ExistingClip?)
    /// Unsent and no longer in the manifest: a run would cancel it.
    case removed(TaskKey)
}

/// The effect that importing a manifest would have, task by task.
package struct ManifestDiff: Hashable, Sendable {
    /// The batch; nil: none of this name exists.
    package internal(set) var batch: StoredBatch?
    /// In the order of the given tasks.
    package internal(set) var verdicts: [TaskDiff] = []
    /// Unsent tasks that are no longer in the manifest: a run would cancel them.
    package internal(set) var removed: [TaskKey] = []
}
