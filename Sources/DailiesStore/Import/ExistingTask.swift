import DailiesCore

/// What the store knows of a task that a manifest names.
struct ExistingTask {
    let id: TaskID
    let key: TaskKey
    let request: CanonicalRequest
    let tags: String
    let output: String?
    let priority: Int
    let state: TaskState
    let attempt: Int
    let hasKey: Bool
    let withdrawnCode: String?
    let isUncertain: Bool
    let isCostAwaited: Bool
    let isSaved: Bool
    let failureCode: String?
    /// In place of the request's own, from its next or latest attempt on.
    let newSeed: Int64?

    var isWaiting: Bool { state == .queued && !hasKey }
    var wasRemoved: Bool { withdrawnCode == WithdrawalReason.removed.rawValue }

    /// Its request can still be written anew: it is neither paid for nor in the provider's hands.
    private var takesWriting: Bool { !hasKey || state == .failed || state == .cancelled }

    /// The request that it has from now on, where nothing but its writing changes: as the manifest writes it, if it takes
    /// that. One that stands in the manifest with its new seed keeps the listed one.
    func request(as spec: TaskSpec) -> CanonicalRequest { takesWriting && isListed(as: spec) ? spec.request : request }

    /// Whether anything that may change in place differs.
    func differs(from spec: TaskSpec) -> Bool {
        request(as: spec) != request || priority != spec.priority || !Self.isSame(output ?? "", spec.output ?? "")
            || !Self.isSame(tags, JSONText.object(spec.tags))
    }

    /// By bytes: two texts that differ in their Unicode form only are two texts, though Swift calls them equal.
    private static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    /// Whether a task asks for what its manifest asked for, whatever seed it was sent with.
    fileprivate func isListed(as spec: TaskSpec) -> Bool { request.isSame(as: spec.request) }

    fileprivate func changed(_ spec: TaskSpec) -> ChangedTask {
        let standing: ChangedTask.Progress =
            if !hasKey {
                .unsent
            } else if state == .queued || state == .running || isCostAwaited {
                .unsettled
            } else {
                .settled(state)
            }
        return ChangedTask(key: spec.key, stored: request, standing: standing)
    }

    /// Of a task whose request is what it was.
    fileprivate var verdict: TaskDiff {
        switch state {
        case .queued where !hasKey: return .waiting
        case .queued where isUncertain: return .uncertain
        case .queued, .running: return .resumable
        case .completed: return .paid(isSaved: isSaved)
        case .failed: return .failed(code: failureCode)
        case .cancelled where wasRemoved: return .restored
        case .cancelled: return .cancelled(code: withdrawnCode ?? failureCode)
        }
    }
}

/// Finds the tasks of one batch that a manifest names, one after the other.
struct TaskFinder {
    private let batch: BatchID
    /// Version 1 took in tasks that have other names today.
    private let hasAliases: Bool
    /// Found by another name: each is found so once.
    private var claimed: Set<TaskID> = []

    init(_ batch: BatchID, in database: SQLiteConnection) throws(StoreError) {
        self.batch = batch
        hasAliases =
            try database.first("SELECT 1 FROM task_alias WHERE batch_id = ? LIMIT 1", SQLValue(batch)) { _ in true }
            ?? false
    }

    mutating func find(_ task: TaskSpec, in database: SQLiteConnection) throws(StoreError) -> ExistingTask? {
        if let known = try database.known(SQLiteConnection.knownByKey, SQLValue(batch), .text(task.key.text)) {
            return known
        }
        guard hasAliases else { return nil }
        for id in try database.tasks(aliased: task, in: batch) where !claimed.contains(id) {
            claimed.insert(id)
            return try database.known(SQLiteConnection.knownByID, SQLValue(id))
        }
        return nil
    }
}

extension SQLiteConnection {
    private static let known = """
        SELECT s.id, i.request, i.tags, i.output, s.priority, s.state, s.attempt, s.has_key,
            s.withdrawn_code, a.outcome_unknown_at_ms IS NOT NULL, coalesce(a.is_cost_awaited, 0),
            a.output_path IS NOT NULL, a.failure_code, i.key, s.new_seed
        FROM task_input AS i JOIN task_standing AS s ON s.id = i.id
        LEFT JOIN attempt AS a ON a.task = s.id AND a.n = s.attempt AND s.has_key = 1
        WHERE
        """
    fileprivate static let knownByKey = known + " i.batch_id = ? AND i.key = ?"
    fileprivate static let knownByID = known + " i.id = ?"

    /// What a manifest's request changes; nil where it is the one that was asked for, or that one with its new seed, which
    /// is what was sent and what `export` writes. Line ends of its texts change nothing.
    func change(of known: ExistingTask, to spec: TaskSpec) throws(StoreError) -> ChangedTask? {
        if known.isListed(as: spec) { return nil }
        if let seed = known.newSeed {
            // Without the seed both stand in the canonical order, so that their bytes tell.
            let isSent = try first(
                """
                SELECT json_remove(?1, '$.seed') = json_remove(?2, '$.seed') AND json_type(?2, '$.seed') IS 'integer'
                    AND json_extract(?2, '$.seed') IS ?3
                """, .text(known.request.withLineFeeds.text), .text(spec.request.withLineFeeds.text), .integer(seed)
            ) { row in row.bool(0) }
            if isSent == true { return nil }
        }
        return known.changed(spec)
    }

    func verdict(on spec: TaskSpec, _ known: ExistingTask?) throws(StoreError) -> TaskDiff {
        guard let known else { return .new }
        return try change(of: known, to: spec).map(TaskDiff.changed) ?? known.verdict
    }

    fileprivate func known(_ statement: String, _ values: SQLValue...) throws(StoreError) -> ExistingTask? {
        try first(statement, list: values) { row throws(StoreError) in
            ExistingTask(
                id: TaskID(row.integer(0)), key: TaskKey(row.text(13)), request: CanonicalRequest(text: row.text(1)),
                tags: row.text(2), output: row.optionalText(3), priority: row.int(4), state: try row.word(5),
                attempt: try row.attemptNumber(6), hasKey: row.bool(7), withdrawnCode: row.optionalText(8),
                isUncertain: row.bool(9), isCostAwaited: row.bool(10), isSaved: row.bool(11),
                failureCode: row.optionalText(12), newSeed: row.optionalInteger(14))
        }
    }

    /// Those of version 1 that may be this one, in the order of their manifest.
    fileprivate func tasks(aliased task: TaskSpec, in batch: BatchID) throws(StoreError) -> [TaskID] {
        let alias = task.isKeyDerived ? task.request.withLineFeeds.text : task.key.text
        return try rows(
            "SELECT task FROM task_alias WHERE batch_id = ? AND alias = ? ORDER BY task", SQLValue(batch), .text(alias)
        ) { row in TaskID(row.integer(0)) }
    }

    /// The waiting tasks of a batch that are not among `kept`, in the order of the manifest they came from.
    ///
    /// - Parameter end: those from this row on are left out.
    func waiting(
        in batch: BatchID, except kept: TaskBitSet, before end: TaskID? = nil
    ) throws(StoreError) -> [TaskID] {
        var gone: [TaskID] = []
        try forEach(
            "SELECT id FROM task_standing WHERE batch_id = ? AND state = 'queued' AND has_key = 0", [SQLValue(batch)]
        ) { row in
            let id = TaskID(row.integer(0))
            if !kept.contains(id), end.map({ id < $0 }) ?? true { gone.append(id) }
        }
        return gone.sorted()
    }
}
