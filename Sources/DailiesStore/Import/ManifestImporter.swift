import DailiesCore

/// Imports one manifest inside a transaction. An error in any step must roll the transaction back.
struct ManifestImporter {
    private let rules: ImportOptions
    private let at: Instant
    private var result: ImportResult
    /// nil: the batch is new, and so are all its tasks.
    private var finder: TaskFinder?
    private let clips: ClipFinder
    /// Known tasks that the manifest still names.
    private var kept = TaskBitSet()
    /// The latest new tasks, whose states are not stored yet.
    private var newTasks: InsertRange?
    private var lastTask: TaskID
    /// The last stored image, since consecutive tasks often share one.
    private var lastImage: TaskImage?
    private var changed = CappedList<ChangedTask>()
    private var unsettled = CappedList<TaskKey>()

    init(
        _ definition: BatchDefinition, _ rules: ImportOptions, _ at: Instant, in database: SQLiteConnection
    ) throws {
        self.rules = rules
        self.at = at
        clips = try ClipFinder(definition.provider, in: database)
        lastTask = try database.lastTask()
        guard let known = try database.batch(named: definition.name) else {
            result = ImportResult(batch: try database.insert(definition, at: at))
            return
        }
        let isElsewhere = known.provider != definition.provider || known.baseURL != definition.baseURL
        guard try !isElsewhere || !database.isBound(known.id) else {
            throw ImportError.differentProvider(name: known.provider, baseURL: known.baseURL)
        }
        guard known.manifestPath == definition.manifestPath || rules.sameBatch else {
            throw ImportError.differentPath(stored: known.manifestPath)
        }
        result = ImportResult(batch: known.id)
        if isElsewhere { try database.move(known, to: definition, at: at) }
        finder = try TaskFinder(known.id, in: database)
        try database.update(known, to: definition, at: at)
    }

    mutating func add(_ task: TaskSpec, in database: SQLiteConnection) throws {
        guard let stored = try finder?.find(task, in: database) else {
            // Nothing more is written once the import will be refused.
            if !isRefused {
                try keepImage(of: task, in: database)
                try insert(task, in: database)
                result.duplicates.add(task, like: try clips.clip(like: task.request, except: nil, in: database))
            }
            return
        }
        let verdict = database.verdict(on: task, stored)
        if case .changed(let change) = verdict {
            changed.append(change)
            if change.progress == .unsettled { unsettled.append(change.key) }
        }
        if isRefused { return }
        kept.insert(stored.id)
        try keepImage(of: task, in: database)
        if verdict.mayRender {
            result.duplicates.add(
                task.named(stored.key), like: try clips.clip(like: task.request, except: stored.id, in: database))
        }
        try database.update(stored, from: task, verdict, counting: &result, at: at)
    }

    private mutating func keepImage(of task: TaskSpec, in database: SQLiteConnection) throws {
        guard let image = task.image, image !== lastImage else { return }
        try database.keep(image)
        lastImage = image
    }

    private mutating func insert(_ task: TaskSpec, in database: SQLiteConnection) throws(StoreError) {
        let id = TaskID(lastTask.rawValue + 1)
        try database.insert(task, as: id, in: result.batch)
        lastTask = id
        if result.firstNew == nil { result.firstNew = id }
        result.new += 1
        if newTasks?.add(id, task) != true {
            try insertStates(in: database)
            newTasks = InsertRange(id, task)
        }
    }

    private mutating func insertStates(in database: SQLiteConnection) throws(StoreError) {
        guard let tasks = newTasks else { return }
        newTasks = nil
        try database.insertStates(of: tasks, in: result.batch)
        result.tasksByState[.queued, default: 0] += tasks.count
    }

    private var isRefused: Bool { rules.acceptChanges ? unsettled.count > 0 : changed.count > 0 }

    mutating func finish(in database: SQLiteConnection) throws -> ImportResult {
        if isRefused {
            throw rules.acceptChanges
                ? ImportError.unsettled(unsettled.first, count: unsettled.count)
                : ImportError.changed(changed.first, count: changed.count)
        }
        try insertStates(in: database)
        if finder != nil {
            // New tasks wait too and are not in `kept`.
            for task in try database.waiting(in: result.batch, except: kept, before: result.firstNew) {
                try database.recordWithdrawn(task, .removed, at: at)
                result.removed += 1
            }
        }
        try database.logImport(result, at: at)
        return result
    }
}

/// Consecutive new tasks of one model and priority. One statement inserts all their states, in less than half the time
/// of one statement each.
struct InsertRange {
    /// Limits the work of one statement.
    private static let maximumCount: Int64 = 1000

    private(set) var hasTags: Bool
    let first: TaskID
    private(set) var last: TaskID
    let model: ModelID
    let priority: Int
    var count: Int { Int(last.rawValue - first.rawValue + 1) }

    init(_ id: TaskID, _ task: TaskSpec) {
        (first, last) = (id, id)
        model = task.shape.model
        priority = task.priority
        hasTags = !task.tags.isEmpty
    }

    /// - Returns: false if the task does not belong to this range.
    mutating func add(_ id: TaskID, _ task: TaskSpec) -> Bool {
        guard id.rawValue == last.rawValue &+ 1, id.rawValue &- first.rawValue < Self.maximumCount,
            task.priority == priority,
            task.shape.model == model
        else { return false }
        last = id
        if !task.tags.isEmpty { hasTags = true }
        return true
    }
}

/// A count, and the first elements.
struct CappedList<Element> {
    private(set) var first: [Element] = []
    private(set) var count = 0

    mutating func append(_ element: Element) {
        count += 1
        if first.count < ImportError.maximumListed { first.append(element) }
    }
}
