import DailiesCore

/// What a manifest says of its batch.
public struct BatchDefinition: Hashable, Sendable {
    /// Of the batch; part of every submission key.
    public let name: String
    /// Absolute: a batch name that came from another path is refused.
    public let manifestPath: String
    /// The provider's name, as ``DailiesCore/RenderProvider/name``.
    public let provider: String
    /// As ``DailiesCore/RenderProvider/baseURL``.
    public let baseURL: String
    /// Absolute.
    public let outputDirectory: String
    /// What becomes of its budget.
    public let budget: BudgetSetting
    /// nil: as it is stored; a new batch's is cautious.
    public let budgetMode: BudgetMode?
    /// What becomes of the budgets of its tags; those of other tags stay.
    public let tagBudgets: [TagBudgetSetting]

    /// Takes its properties as they are given.
    public init(
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

/// What the user allows a manifest to do.
public struct ImportOptions: Hashable, Sendable {
    /// A changed request replaces the stored one, and what is settled is rendered again under the next number.
    public var acceptChanges: Bool
    /// The batch may have come from another path.
    public var sameBatch: Bool
    /// Takes its properties as they are given; by default nothing is allowed.
    public init(acceptChanges: Bool = false, sameBatch: Bool = false) {
        self.acceptChanges = acceptChanges
        self.sameBatch = sameBatch
    }
}

/// What a manifest did to the store.
public struct ImportResult: Hashable, Sendable {
    /// The batch, which is made where it was not there.
    public let batch: BatchID
    /// Not known before.
    public var new = 0
    /// Known with the same request. Tags, priority and file name may have been brought up to date.
    public var unchanged = 0
    /// Took a changed request.
    public var changed = 0
    /// No longer in the manifest and never sent: cancelled.
    public var removed = 0
    /// Cancelled as removed once, and in the manifest again.
    public var restored = 0
    /// Of the manifest's tasks, after all this: how many stand in each state.
    public var standing: [TaskState: Int] = [:]
    /// Tasks that wait to be rendered although there is, or will be, a clip for their request.
    public internal(set) var duplicates = Duplicates()
    /// The row of the first that was not known before.
    var firstNew: TaskID?

    init(batch: BatchID) { self.batch = batch }
}

/// Why a manifest was refused. Nothing was written.
public enum ImportError: Error, Hashable, Sendable {
    /// The batch came from this path.
    case differentPath(stored: String)
    /// The batch belongs to this provider and base URL: they have accepted a submit of it, or may have.
    case differentProvider(name: String, baseURL: String)
    /// So many tasks ask for something else than what is stored; the first ``mostListed`` in the order of the manifest.
    case changed([ChangedTask], count: Int)
    /// Changed, and their attempt is not settled, or its cost is still asked for: wait for them first. The first
    /// ``mostListed`` of so many.
    case unsettled([TaskKey], count: Int)
    /// The store could not be read or written.
    case store(StoreError)

    /// Tasks that a refusal names.
    public static let mostListed = 100
}

/// The manifest among several that was refused. Nothing of any was written.
package struct ManifestRefusal: Error {
    /// Its place among them.
    package let index: Int
    package let reason: ImportError
}

/// A task whose request is not what it was.
public struct ChangedTask: Hashable, Sendable {
    /// How far its task had come.
    public enum Progress: Hashable, Sendable {
        /// Never sent under its present number: it just takes the new request.
        case unsent
        /// An attempt is open, or its cost is still asked for.
        case unsettled
        /// Ended; the new request is a new attempt, and costs again.
        case settled(TaskState)
    }
    /// Of the task.
    public let key: TaskKey
    /// The request that is stored; the manifest has another.
    public let stored: CanonicalRequest
    /// How far it had come with that one.
    public let standing: Progress
}

/// How a task of a manifest stands to the store.
public enum TaskDiff: Hashable, Sendable {
    /// Not in the store.
    case new
    /// Known, not sent yet.
    case waiting
    /// Cancelled as removed once: it would wait again.
    case restored
    /// Sent and accepted, or in the air: a run goes on with it.
    case resumable
    /// Sent, fate unknown.
    case uncertain
    /// Completed: not rendered again. Not saved: a run fetches it.
    case paid(isSaved: Bool)
    /// Waits for `retry`.
    case failed(code: String?)
    /// By the user or the provider: waits for `retry`.
    case cancelled(code: String?)
    /// Its request is not what it was: refused, unless changes are accepted.
    case changed(ChangedTask)
}

extension TaskDiff {
    /// A run may render it.
    var mayRender: Bool {
        switch self {
        case .new, .waiting, .restored: true
        case .changed(let task): task.standing != .unsettled
        case .resumable, .uncertain, .paid, .failed, .cancelled: false
        }
    }
}

/// One thing that a comparison of a manifest with the store finds.
public enum DiffEntry {
    /// A task of the manifest, under the key that the store has for it; and, where a run may render it, a clip of another
    /// task that is like it.
    case named(TaskSpec, TaskDiff, ExistingClip?)
    /// Not in the manifest and never sent: a run would cancel it.
    case removed(TaskKey)
}

/// What a manifest would do, task by task.
public struct ManifestDiff: Hashable, Sendable {
    /// nil: there is no batch of this name yet.
    public internal(set) var batch: StoredBatch?
    /// In the order of the tasks asked about.
    public internal(set) var verdicts: [TaskDiff] = []
    /// Not in the manifest and never sent: a run would cancel them.
    public internal(set) var removed: [TaskKey] = []
}
