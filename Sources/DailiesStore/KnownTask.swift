import DailiesCore

/// What the store knows of a task that a manifest names.
struct KnownTask {
    let id: TaskID
    let request: CanonicalRequest
    let tags: String
    let output: String?
    let priority: Int
    let state: TaskStateWord
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

    /// Whether anything that may change in place differs.
    func differs(from spec: TaskSpec) -> Bool {
        priority != spec.priority || !Self.isSame(output ?? "", spec.output ?? "")
            || !Self.isSame(tags, JSONText.object(spec.tags))
    }

    /// By bytes: two texts that differ in their Unicode form only are two texts, though Swift calls them equal.
    private static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    /// Whether a task asks for what its manifest asked for, whatever seed it was sent with.
    fileprivate func isListed(as spec: TaskSpec) -> Bool { Self.isSame(request.text, spec.request.text) }

    fileprivate func changed(_ spec: TaskSpec) -> ChangedTask {
        let standing: ChangedTask.Standing =
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
    fileprivate var verdict: TaskVerdict {
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

extension Database {
    /// What a manifest's request changes; nil where it is the one that was asked for, or that one with its new seed, which
    /// is what was sent and what `export` writes.
    func change(of known: KnownTask, to spec: TaskSpec) throws(StoreError) -> ChangedTask? {
        if known.isListed(as: spec) { return nil }
        if let seed = known.newSeed {
            // Without the seed both stand in the canonical order, so that their bytes tell.
            let isSent = try first(
                """
                SELECT json_remove(?1, '$.seed') = json_remove(?2, '$.seed') AND json_type(?2, '$.seed') IS 'integer'
                    AND json_extract(?2, '$.seed') IS ?3
                """, .text(known.request.text), .text(spec.request.text), .integer(seed)
            ) { row in row.bool(0) }
            if isSent == true { return nil }
        }
        return known.changed(spec)
    }

    func verdict(on spec: TaskSpec, _ known: KnownTask?) throws(StoreError) -> TaskVerdict {
        guard let known else { return .new }
        return try change(of: known, to: spec).map(TaskVerdict.changed) ?? known.verdict
    }

    func known(_ key: TaskKey, in batch: BatchID) throws(StoreError) -> KnownTask? {
        try first(
            """
            SELECT s.id, i.request, i.tags, i.output, s.priority, s.state, s.attempt, s.has_key,
                s.withdrawn_code, a.outcome_unknown_at_ms IS NOT NULL, coalesce(a.is_cost_awaited, 0),
                a.output_path IS NOT NULL, a.failure_code, s.new_seed
            FROM task_input AS i JOIN task_standing AS s ON s.id = i.id
            LEFT JOIN attempt AS a ON a.task = s.id AND a.n = s.attempt AND s.has_key = 1
            WHERE i.batch_id = ? AND i.key = ?
            """, Value(batch), .text(key.text)
        ) { row throws(StoreError) in
            KnownTask(
                id: TaskID(row.integer(0)), request: CanonicalRequest(text: row.text(1)),
                tags: row.text(2), output: row.optionalText(3), priority: row.int(4), state: try row.word(5),
                attempt: try row.attemptNumber(6), hasKey: row.bool(7), withdrawnCode: row.optionalText(8),
                isUncertain: row.bool(9), isCostAwaited: row.bool(10), isSaved: row.bool(11),
                failureCode: row.optionalText(12), newSeed: row.optionalInteger(13))
        }
    }

    /// The waiting tasks of a batch that are not among `kept`, in the order of the manifest they came from.
    ///
    /// - Parameter end: those from this row on are left out.
    func waiting(
        in batch: BatchID, except kept: TaskSet, before end: TaskID? = nil
    ) throws(StoreError) -> [TaskID] {
        var gone: [TaskID] = []
        try forEach(
            "SELECT id FROM task_standing WHERE batch_id = ? AND state = 'queued' AND has_key = 0", [Value(batch)]
        ) { row in
            let id = TaskID(row.integer(0))
            if !kept.contains(id), end.map({ id < $0 }) ?? true { gone.append(id) }
        }
        return gone.sorted()
    }
}
