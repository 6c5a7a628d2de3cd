import DailiesCore

/// Queries for a run.
extension Store {
    /// Number of unknown costs that each run queries again: the last settled ones. Without a limit a run would query
    /// every clip of a provider that never states a cost; `reconcile` queries all.
    package static let recentMissingCosts = 100

    /// The attempts that a run must follow: being submitted, uncertain, accepted, running, completed but not saved
    /// (including those without a URL), and those whose cost is still being queried. By task and number.
    ///
    /// A superseded take is included until its clip is saved or known to be unavailable. The latest
    /// ``recentMissingCosts`` of those whose cost was queried without success come last, since the provider may still
    /// state it.
    ///
    /// - Parameter baseURL: selects the batches together with `provider`.
    package func openAttempts(provider: String, baseURL: String) throws(StoreError) -> [OpenAttempt] {
        try openAttempts(provider: provider, baseURL: baseURL, after: nil, limit: .max).page
    }

    /// The same in pages.
    ///
    /// - Parameters:
    ///   - place: the end of the previous page; nil for the first.
    ///   - limit: the maximum number; the last page may have ``recentMissingCosts`` more.
    ///   - onlyUnsaved: only completed attempts whose clip is not saved.
    package func openAttempts(
        provider: String, baseURL: String, after place: OpenAttempt.Cursor?, limit: Int, onlyUnsaved: Bool = false
    ) throws(StoreError) -> (page: [OpenAttempt], isLast: Bool) {
        try reading { database throws(StoreError) in
            let batches = try database.batches().filter { $0.provider == provider && $0.baseURL == baseURL }
            var page: [OpenAttempt] = []
            for batch in batches {
                if let place, batch.id < place.batch { continue }
                let last = place?.batch == batch.id ? place?.attempt : nil
                page += try database.openAttempts(
                    of: batch.id, after: last, limit: limit - page.count, onlyUnsaved: onlyUnsaved)
                if page.count >= limit { return (page, false) }
            }
            if onlyUnsaved { return (page, true) }
            var late: [OpenAttempt] = []
            for batch in batches.reversed() where late.count < Self.recentMissingCosts {
                late += try database.recentMissingCosts(of: batch.id, limit: Self.recentMissingCosts - late.count)
            }
            return (page + late, true)
        }
    }

    /// These attempts, as far as they are unfinished or their cost is unknown.
    ///
    package func openAttempts(_ attempts: [AttemptID]) throws(StoreError) -> [AttemptID: OpenAttempt] {
        try reading { database throws(StoreError) in
            var found: [AttemptID: OpenAttempt] = [:]
            for attempt in attempts { found[attempt] = try database.openAttempt(attempt) }
            return found
        }
    }

    /// The queues of these batches with waiting tasks.
    ///
    /// Jumps from model to model in the index of waiting tasks: the cost depends on the number of queues, not of tasks.
    package func taskQueues(batches: [BatchID]) throws(StoreError) -> [TaskQueueID] {
        try reading { database throws(StoreError) in
            var queues: [TaskQueueID] = []
            for batch in batches {
                var model: String?
                repeat {
                    model = try database.value(
                        """
                        SELECT model FROM task_state
                        WHERE batch_id = $1 AND state = 'queued' AND NOT is_submitted AND model > coalesce($2, '')
                        ORDER BY model LIMIT 1
                        """, SQLValue(batch), SQLValue(model))
                    if let model { queues.append(TaskQueueID(batch: batch, model: ModelID(model))) }
                } while model != nil
            }
            return queues
        }
    }

    /// A page of a queue's waiting tasks: higher priority first, then manifest order.
    ///
    /// - Parameters:
    ///   - place: the end of the previous page; nil for the first.
    ///   - limit: the maximum number of tasks.
    package func waiting(
        batch: BatchID, model: ModelID, after place: WaitingTask.Cursor?, limit: Int
    ) throws(StoreError) -> [WaitingTask] {
        precondition(limit > 0, "a page of \(limit) tasks")
        return try reading { database throws(StoreError) in
            var page: [WaitingTask] = []
            // Two ranges of the index instead of one condition with OR, which the index cannot serve.
            if let place {
                page = try database.rows(
                    Self.waitingPage("s.priority = $3 AND s.id > $4", limit: "$5"), SQLValue(batch), .text(model.text),
                    SQLValue(place.priority), SQLValue(place.id), SQLValue(limit), map: Self.waitingTask)
            }
            if page.count < limit {
                page += try database.rows(
                    Self.waitingPage("s.priority < $3", limit: "$4"), SQLValue(batch), .text(model.text),
                    SQLValue(place?.priority ?? .max), SQLValue(limit - page.count), map: Self.waitingTask)
            }
            return page
        }
    }

    private static func waitingPage(_ range: String, limit: String) -> String {
        waitingTasks("s.batch_id = $1 AND s.model = $2 AND s.state = 'queued' AND NOT s.is_submitted AND \(range)")
            + " LIMIT \(limit)"
    }

    /// Tasks in the order of their queue, as ``waitingTask(in:)`` reads them.
    static func waitingTasks(_ condition: String) -> String {
        """
        SELECT s.id, s.batch_id, i.key, s.attempt, s.model, i.duration_seconds, i.resolution,
            i.request, s.new_seed, s.priority, i.output, \(tagBudgets(of: "i.id", in: "i.batch_id")) AS tag_budgets
        FROM task_state AS s JOIN task_input AS i ON i.id = s.id
        WHERE \(condition)
        ORDER BY s.priority DESC, s.id
        """
    }

    /// A condition over `attempt AS a`: whether a reply to the attempt was about another submission.
    static let conflictCondition = """
        EXISTS (SELECT 1 FROM event AS e WHERE e.task = a.task AND e.attempt = a.number AND e.kind = 'uncertain'
            AND e.code = '\(ProviderError.anotherSubmission)')
        """

    /// Whether a reply to an attempt was about another submission, so that no run sends it again.
    package func isConflict(_ attempt: AttemptID) throws(StoreError) -> Bool {
        try reading { database throws(StoreError) in
            try database.exists(
                "SELECT 1 FROM attempt AS a WHERE a.task = $1 AND a.number = $2 AND \(Self.conflictCondition)",
                SQLValue(attempt.task), SQLValue(attempt.number))
        }
    }

    static func waitingTask(in row: SQLRow) throws(StoreError) -> WaitingTask {
        WaitingTask(
            id: row["id"], batch: row["batch_id"], key: row["key"], attempt: try row.attemptNumber("attempt"),
            shape: RequestShape(in: row), request: row.requestAsSent, priority: row["priority"], output: row["output"],
            tagBudgets: tagBudgets(in: row["tag_budgets"]))
    }

    /// The budget use of a batch over all its runs and attempts.
    ///
    /// `reserved` includes an attempt's reservation until its cost is known. If the cost stays unknown, the reservation
    /// stays, since the provider may have billed it.
    package func budgetPosition(_ batch: BatchID) throws(StoreError) -> BudgetUsage {
        let found = try reading { database throws(StoreError) in
            try database.first(
                """
                SELECT b.budget_nano, t.settled_whole, t.settled_billionths, t.reserved_whole, t.reserved_billionths,
                    b.budget_mode
                FROM batch AS b JOIN batch_total AS t ON t.batch_id = b.id WHERE b.id = $1
                """, SQLValue(batch)
            ) { row throws(StoreError) in
                BudgetUsage(
                    cap: row["budget_nano"], settled: row.total("settled"), reserved: row.total("reserved"),
                    mode: try row.word("budget_mode"))
            }
        }
        guard let found else { throw StoreError(.conflict, "there is no batch \(batch)") }
        return found
    }

    /// The recorded key support; `unknown` if there is no record.
    package func keyTrust(
        baseURL: String, account: KeyFingerprint, dialect: Dialect
    ) throws(StoreError) -> KeySupport {
        try reading { database throws(StoreError) in
            try database.first(
                "SELECT trust FROM key_trust WHERE base_url = $1 AND key_fingerprint = $2 AND dialect = $3",
                .text(baseURL), .text(account.text), .text(dialect.rawValue)
            ) { row throws(StoreError) in try row.word("trust") } ?? .unknown
        }
    }
}

extension SQLiteConnection {
    fileprivate func openAttempts(
        of batch: BatchID, after last: AttemptID?, limit: Int, onlyUnsaved: Bool
    ) throws(StoreError) -> [OpenAttempt] {
        try rows(
            """
            \(Self.openAttempt)
            WHERE a.batch_id = $1 AND (a.is_open OR a.is_unsaved OR a.is_cost_awaited) AND (a.task, a.number) > ($2, $3)
                AND (a.is_unsaved OR NOT $5)
            ORDER BY a.task, a.number LIMIT $4
            """, SQLValue(batch), SQLValue(last?.task.rawValue ?? .min), SQLValue(last?.number ?? 0), SQLValue(limit),
            SQLValue(onlyUnsaved), map: Self.readOpenAttempt)
    }

    fileprivate func openAttempt(_ attempt: AttemptID) throws(StoreError) -> OpenAttempt? {
        try first(
            """
            \(Self.openAttempt)
            WHERE a.task = $1 AND a.number = $2 AND (a.is_open OR a.is_unsaved OR a.is_cost_awaited
                OR a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL AND a.task_id IS NOT NULL)
            """, SQLValue(attempt.task), SQLValue(attempt.number), map: Self.readOpenAttempt)
    }

    fileprivate func recentMissingCosts(of batch: BatchID, limit: Int) throws(StoreError) -> [OpenAttempt] {
        try rows(
            """
            \(Self.openAttempt)
            WHERE a.batch_id = $1 AND a.settled_at_ms IS NOT NULL AND a.credits_nano IS NULL
                AND a.task_id IS NOT NULL AND NOT (a.is_open OR a.is_unsaved OR a.is_cost_awaited)
            ORDER BY a.settled_at_ms DESC, a.task LIMIT $2
            """, SQLValue(batch), SQLValue(limit), map: Self.readOpenAttempt)
    }

    private static let openAttempt = """
        SELECT a.task, a.number, i.key, a.submission_key, a.model, a.dialect, a.key_fingerprint, a.body,
            i.duration_seconds, i.resolution, a.submitted_at_ms, a.reserved_nano, a.lost_at_ms, i.output,
            a.state, a.task_id, a.outcome_unknown_at_ms IS NOT NULL AS is_uncertain, a.output_url, a.is_unsaved,
            a.is_cost_awaited, a.failure_code IS NOT DISTINCT FROM 'no_asset' AS has_no_asset, a.credits_nano IS NULL AS is_unpriced,
            a.batch_id, \(Store.tagBudgets(of: "i.id", in: "i.batch_id")) AS tag_budgets, a.estimated_credits_nano, a.cancel_reason,
            a.is_replayed, a.sent_at_ms, a.task_id IS NULL AND \(Store.conflictCondition) AS is_conflict,
            a.handed_over_from IS NOT NULL AS is_handed_over
        FROM attempt AS a JOIN task_input AS i ON i.id = a.task
        """

    private static func readOpenAttempt(in row: SQLRow) throws(StoreError) -> OpenAttempt {
        let attempt = try row.attempt()
        let shape = RequestShape(in: row)
        return OpenAttempt(
            attempt: attempt, batch: row["batch_id"], key: row["key"],
            submission: Submission(
                attempt: attempt, key: row["submission_key"], model: shape.model, dialect: try row.word("dialect"),
                account: row["key_fingerprint"], body: row["body"]),
            shape: shape, progress: try progress(in: row), submittedAt: row["submitted_at_ms"],
            sentAt: row["sent_at_ms"], reserved: row["reserved_nano"], estimate: row["estimated_credits_nano"],
            cancelReason: try row.optionalWord("cancel_reason"), isReplayed: row["is_replayed"],
            lostAt: row["lost_at_ms"], output: row["output"], tagBudgets: Store.tagBudgets(in: row["tag_budgets"]),
            isConflict: row["is_conflict"], isTransferred: row["is_handed_over"])
    }

    private static func progress(in row: SQLRow) throws(StoreError) -> OpenAttempt.Progress {
        guard let remote: RemoteTaskID = row["task_id"] else {
            return .sent(isMarkedUncertain: row["is_uncertain"])
        }
        let cost: OpenAttempt.Cost = row["is_cost_awaited"] ? .awaited : row["is_unpriced"] ? .unknown : .known
        let state: TaskState = try row.word("state")
        switch state {
        case .queued, .running: return .accepted(remote, isRunning: state == .running)
        case .completed where row["is_unsaved"]:
            return .completed(
                remote, asset: (row["output_url"] as String?).map(AssetLocation.init(url:)), cost: cost,
                hasNoAsset: row["has_no_asset"])
        case .completed: return .missingCost(remote, .completed, cost)
        case .failed: return .missingCost(remote, .failed, cost)
        case .cancelled: return .missingCost(remote, .cancelled, cost)
        }
    }
}
