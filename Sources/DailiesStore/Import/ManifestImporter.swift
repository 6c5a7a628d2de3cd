import DailiesCore

/// One enrolment on its way, inside its transaction. An error from any of its steps must end that transaction.
struct ManifestImporter {
    private let rules: ImportOptions
    private let at: Instant
    private var result: ImportResult
    /// nil: the batch is new, and so are all its tasks.
    private var finder: TaskFinder?
    private let clips: ClipFinder
    /// Of the tasks that were known before: those that the manifest still names.
    private var kept = TaskBitSet()
    /// The last ones that were not known before: their standing is not in the store yet.
    private var newTasks: InsertRange?
    /// Kept already: tasks that follow each other often show the same one.
    private var lastImage: TaskImage?
    private var changed = CappedList<ChangedTask>()
    private var unsettled = CappedList<TaskKey>()

    init(
        _ enrolment: BatchDefinition, _ rules: ImportOptions, _ at: Instant, in database: SQLiteConnection
    ) throws {
        self.rules = rules
        self.at = at
        clips = try ClipFinder(enrolment.provider, in: database)
        guard let known = try database.batch(named: enrolment.name) else {
            result = ImportResult(batch: try database.insert(enrolment, at: at))
            return
        }
        let isElsewhere = known.provider != enrolment.provider || known.baseURL != enrolment.baseURL
        guard try !isElsewhere || !database.isBound(known.id) else {
            throw ImportError.differentProvider(name: known.provider, baseURL: known.baseURL)
        }
        guard known.manifestPath == enrolment.manifestPath || rules.sameBatch else {
            throw ImportError.differentPath(stored: known.manifestPath)
        }
        result = ImportResult(batch: known.id)
        if isElsewhere { try database.move(known, to: enrolment, at: at) }
        finder = try TaskFinder(known.id, in: database)
        try database.update(known, to: enrolment, at: at)
    }

    mutating func take(_ task: TaskSpec, in database: SQLiteConnection) throws {
        guard let stored = try finder?.find(task, in: database) else {
            // Where all will be refused nothing more is written.
            if !isRefused {
                try keepImage(of: task, in: database)
                try insert(task, in: database)
                result.duplicates.add(task, like: try clips.clip(like: task.request, except: nil, in: database))
            }
            return
        }
        let verdict = try database.verdict(on: task, stored)
        if case .changed(let change) = verdict {
            changed.append(change)
            if change.standing == .unsettled { unsettled.append(change.key) }
        }
        if isRefused { return }
        kept.insert(stored.id)
        try keepImage(of: task, in: database)
        if verdict.mayRender {
            result.duplicates.add(
                task.known(as: stored.key), like: try clips.clip(like: task.request, except: stored.id, in: database))
        }
        try database.bring(stored, inLineWith: task, verdict, counting: &result, at: at)
    }

    private mutating func keepImage(of task: TaskSpec, in database: SQLiteConnection) throws {
        guard let image = task.image, image !== lastImage else { return }
        try database.keep(image)
        lastImage = image
    }

    private mutating func insert(_ task: TaskSpec, in database: SQLiteConnection) throws(StoreError) {
        let id = try database.insert(task, in: result.batch)
        if result.firstNew == nil { result.firstNew = id }
        result.new += 1
        if newTasks?.add(id, task) != true {
            try insertStanding(in: database)
            newTasks = InsertRange(id, task)
        }
    }

    private mutating func insertStanding(in database: SQLiteConnection) throws(StoreError) {
        guard let tasks = newTasks else { return }
        newTasks = nil
        try database.insertStanding(of: tasks, in: result.batch)
        result.standing[.queued, default: 0] += tasks.count
    }

    private var isRefused: Bool { rules.acceptChanges ? unsettled.count > 0 : changed.count > 0 }

    mutating func finish(in database: SQLiteConnection) throws -> ImportResult {
        if isRefused {
            throw rules.acceptChanges
                ? ImportError.unsettled(unsettled.first, count: unsettled.count)
                : ImportError.changed(changed.first, count: changed.count)
        }
        try insertStanding(in: database)
        if finder != nil {
            // What came new in this round waits too, and is not in `kept`.
            for task in try database.waiting(in: result.batch, except: kept, before: result.firstNew) {
                try database.recordWithdrawn(task, .removed, at: at)
                result.removed += 1
            }
        }
        try database.logEnrolment(result, at: at)
        return result
    }
}

/// New tasks one after the other, of one model and priority: one statement gives them all their standing, which takes
/// less than half the time of one for each.
struct InsertRange {
    /// So that what one statement does stays small.
    private static let most: Int64 = 1000

    let first: TaskID
    private(set) var last: TaskID
    let model: ModelID
    let priority: Int
    var count: Int { Int(last.rawValue - first.rawValue + 1) }

    init(_ id: TaskID, _ task: TaskSpec) {
        (first, last) = (id, id)
        model = task.shape.model
        priority = task.priority
    }

    /// - Returns: false where the task is not one of these.
    mutating func add(_ id: TaskID, _ task: TaskSpec) -> Bool {
        guard id.rawValue == last.rawValue &+ 1, id.rawValue &- first.rawValue < Self.most, task.priority == priority,
            task.shape.model == model
        else { return false }
        last = id
        return true
    }
}

/// How many there were, and which the first ones are.
struct CappedList<Element> {
    private(set) var first: [Element] = []
    private(set) var count = 0

    mutating func append(_ element: Element) {
        count += 1
        if first.count < ImportError.mostListed { first.append(element) }
    }
}
