import DailiesCore

/// The stored state of a task that a manifest names.
struct ExistingTask {
    let id: TaskID
    let key: TaskKey
    let request: CanonicalRequest
    let tags: String
    let output: String?
    let priority: Int
    let state: TaskState
    let attempt: Int
    let isSubmitted: Bool
    let withdrawnCode: String?
    let isUncertain: Bool
    let isCostAwaited: Bool
    let isSaved: Bool
    let failureCode: String?
    /// The seed of its next or latest attempt in place of the request's; nil: none.
    let newSeed: Int64?

    var isWaiting: Bool { state == .queued && !isSubmitted }
    var wasRemoved: Bool { withdrawnCode == WithdrawalReason.removed.rawValue }

    /// Whether its request text may still change: it is neither paid for nor at the provider.
    private var allowsTextChange: Bool { !isSubmitted || state == .failed || state == .cancelled }

    /// The request to store if only its text changed: the manifest's, if that may still change. If the manifest
    /// contains the request with its new seed, the listed one stays.
    func request(as spec: TaskSpec) -> CanonicalRequest {
        allowsTextChange && isListed(as: spec) ? spec.request : request
    }

    /// Whether any property that may change in place differs.
    func differs(from spec: TaskSpec) -> Bool {
        request(as: spec) != request || priority != spec.priority || !Self.isSame(output ?? "", spec.output ?? "")
            || !Self.isSame(tags, JSONText.object(spec.tags))
    }

    /// Compares bytes: texts that differ only in Unicode form are different, though Swift calls them equal.
    private static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    /// Whether the request equals the manifest's, whatever seed it was sent with.
    fileprivate func isListed(as spec: TaskSpec) -> Bool { request.isSame(as: spec.request) }

    fileprivate func changed(_ spec: TaskSpec) -> ChangedTask {
        let progress: ChangedTask.Progress =
            if !isSubmitted {
                .unsent
            } else if state == .queued || state == .running || isCostAwaited {
                .unsettled
            } else {
                .settled(state)
            }
        return ChangedTask(key: spec.key, stored: request, progress: progress)
    }

    /// The result for a task with an unchanged request.
    fileprivate var verdict: TaskDiff {
        switch state {
        case .queued where !isSubmitted: return .waiting
        case .queued where isUncertain: return .uncertain
        case .queued, .running: return .resumable
        case .completed: return .paid(isSaved: isSaved)
        case .failed: return .failed(code: failureCode)
        case .cancelled where wasRemoved: return .restored
        case .cancelled: return .cancelled(code: withdrawnCode ?? failureCode)
        }
    }
}

/// Finds the stored tasks of a batch that a manifest names, one after the other.
struct TaskFinder {
    private let batch: BatchID
    /// Whether version 1 imported tasks that now have other names.
    private let hasAliases: Bool
    /// Tasks found by an alias; each is found once.
    private var claimed: Set<TaskID> = []

    init(_ batch: BatchID, in database: SQLiteConnection) throws(StoreError) {
        self.batch = batch
        hasAliases = try database.exists("SELECT 1 FROM task_alias WHERE batch_id = $1 LIMIT 1", SQLValue(batch))
    }

    mutating func find(_ task: TaskSpec, in database: SQLiteConnection) throws(StoreError) -> ExistingTask? {
        if let known = try database.existingTask(SQLiteConnection.selectByKey, SQLValue(batch), .text(task.key.text)) {
            return known
        }
        guard hasAliases else { return nil }
        for id in try database.tasks(aliased: task, in: batch) where !claimed.contains(id) {
            claimed.insert(id)
            return try database.existingTask(SQLiteConnection.selectByID, SQLValue(id))
        }
        return nil
    }
}

extension SQLiteConnection {
    private static let select = """
        SELECT s.id, i.request, i.tags, i.output, s.priority, s.state, s.attempt, s.is_submitted,
            s.withdrawn_code, a.outcome_unknown_at_ms IS NOT NULL AS is_uncertain,
            coalesce(a.is_cost_awaited, FALSE) AS is_cost_awaited, a.output_path IS NOT NULL AS is_saved, a.failure_code,
            i.key, s.new_seed
        FROM task_input AS i JOIN task_state AS s ON s.id = i.id
        LEFT JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt AND s.is_submitted
        WHERE
        """
    fileprivate static let selectByKey = select + " i.batch_id = $1 AND i.key = $2"
    fileprivate static let selectByID = select + " i.id = $1"

    /// The change that a manifest's request makes; nil if it equals the requested one or that one with its new seed,
    /// which is what was sent and what `export` writes. Line ends are ignored.
    func change(of known: ExistingTask, to spec: TaskSpec) -> ChangedTask? {
        if known.isListed(as: spec) { return nil }
        if let seed = known.newSeed, spec.request.isSame(as: known.request, withSeed: seed) { return nil }
        return known.changed(spec)
    }

    func verdict(on spec: TaskSpec, _ known: ExistingTask?) -> TaskDiff {
        guard let known else { return .new }
        return change(of: known, to: spec).map(TaskDiff.changed) ?? known.verdict
    }

    fileprivate func existingTask(_ statement: String, _ values: SQLValue...) throws(StoreError) -> ExistingTask? {
        try first(statement, list: values) { row throws(StoreError) in
            ExistingTask(
                id: row["id"], key: row["key"], request: row["request"], tags: row["tags"], output: row["output"],
                priority: row["priority"], state: try row.word("state"), attempt: try row.attemptNumber("attempt"),
                isSubmitted: row["is_submitted"], withdrawnCode: row["withdrawn_code"],
                isUncertain: row["is_uncertain"], isCostAwaited: row["is_cost_awaited"], isSaved: row["is_saved"],
                failureCode: row["failure_code"],
                newSeed: row["new_seed"])
        }
    }

    /// Tasks of version 1 that may be this one, in manifest order.
    fileprivate func tasks(aliased task: TaskSpec, in batch: BatchID) throws(StoreError) -> [TaskID] {
        let alias = task.isKeyDerived ? task.request.withLineFeeds.text : task.key.text
        return try column(
            "SELECT task FROM task_alias WHERE batch_id = $1 AND alias = $2 ORDER BY task", SQLValue(batch),
            .text(alias))
    }

    /// The waiting tasks of a batch that are not in `kept`, in the order of their manifest.
    ///
    /// - Parameter end: tasks from this row on are skipped.
    func waiting(
        in batch: BatchID, except kept: TaskBitSet, before end: TaskID? = nil
    ) throws(StoreError) -> [TaskID] {
        var gone: [TaskID] = []
        try forEach(
            "SELECT id FROM task_state WHERE batch_id = $1 AND state = 'queued' AND NOT is_submitted", [SQLValue(batch)]
        ) { row in
            let id: TaskID = row["id"]
            if !kept.contains(id), end.map({ id < $0 }) ?? true { gone.append(id) }
        }
        return gone.sorted()
    }
}
