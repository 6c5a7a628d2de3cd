import DailiesCore

/// What a runner reads.
extension Store {
    /// The attempts that a run must follow: in the air, uncertain, accepted, running, completed but not saved (those
    /// without an address too), and those whose cost is still asked for. By task, then number.
    ///
    /// A superseded take is among them until its clip is saved or known to be out of reach.
    ///
    /// - Parameter baseURL: with `provider` it selects the batches.
    public func openAttempts(provider: String, baseURL: String) throws(StoreError) -> [OpenAttempt] {
        try reading { database throws(StoreError) in
            var attempts: [OpenAttempt] = []
            for batch in try database.batches() where batch.provider == provider && batch.baseURL == baseURL {
                attempts += try database.openAttempts(of: batch.id)
            }
            return attempts
        }
    }

    /// The pairs of batch and model that have tasks waiting.
    ///
    /// It jumps from model to model in the index of the waiting: the cost follows the number of pairs, not of tasks.
    public func waitingLanes(batches: [BatchID]) throws(StoreError) -> [Lane] {
        try reading { database throws(StoreError) in
            var lanes: [Lane] = []
            for batch in batches {
                var model: String?
                repeat {
                    model = try database.first(
                        """
                        SELECT model FROM task_standing
                        WHERE batch_id = ?1 AND state = 'queued' AND has_key = 0 AND model > coalesce(?2, '')
                        ORDER BY model LIMIT 1
                        """, Value(batch), Value(model)
                    ) { row in row.text(0) }
                    if let model { lanes.append(Lane(batch: batch, model: ModelID(model))) }
                } while model != nil
            }
            return lanes
        }
    }

    /// A page of the waiting of one lane: higher priority first, then the order of the manifest.
    ///
    /// - Parameters:
    ///   - place: where the page before ended; nil for the first.
    ///   - limit: at most this many.
    public func waiting(
        batch: BatchID, model: ModelID, after place: WaitingTask.Place?, limit: Int
    ) throws(StoreError) -> [WaitingTask] {
        precondition(limit > 0, "a page of \(limit) tasks")
        return try reading { database throws(StoreError) in
            var page: [WaitingTask] = []
            // Two ranges of the index rather than one condition with OR, which could not be looked up.
            if let place {
                page = try database.rows(
                    Self.waitingPage("s.priority = ?3 AND s.id > ?4", limit: "?5"), Value(batch), .text(model.text),
                    Value(place.priority), Value(place.id), Value(limit), map: Self.waitingTask)
            }
            if page.count < limit {
                page += try database.rows(
                    Self.waitingPage("s.priority < ?3", limit: "?4"), Value(batch), .text(model.text),
                    Value(place?.priority ?? .max), Value(limit - page.count), map: Self.waitingTask)
            }
            return page
        }
    }

    private static func waitingPage(_ range: String, limit: String) -> String {
        """
        SELECT s.id, s.batch_id, i.key, s.attempt, s.model, i.duration_seconds, i.resolution, \(requestAsSent), s.priority,
            i.output, \(tagBudgetsOfTask)
        FROM task_standing AS s JOIN task_input AS i ON i.id = s.id
        WHERE s.batch_id = ?1 AND s.model = ?2 AND s.state = 'queued' AND s.has_key = 0 AND \(range)
        ORDER BY s.priority DESC, s.id LIMIT \(limit)
        """
    }

    /// A column of a statement over `task_input AS i` and `task_standing AS s`: the request with the user's seed in it. All
    /// else stays as it is, numbers to the digit.
    static let requestAsSent = """
        CASE WHEN s.new_seed IS NULL THEN i.request ELSE json_set(i.request, '$.seed', s.new_seed) END
        """

    private static func waitingTask(in row: Row) -> WaitingTask {
        WaitingTask(
            id: TaskID(row.integer(0)), batch: BatchID(row.integer(1)), key: TaskKey(row.text(2)),
            attempt: row.int(3),
            shape: RequestShape(
                model: ModelID(row.text(4)), durationSeconds: row.optionalInt(5), resolution: row.optionalText(6)),
            request: CanonicalRequest(text: row.text(7)), priority: row.int(8),
            output: row.optionalText(9), tagBudgets: tagBudgets(in: row.optionalText(10)))
    }

    /// Where a batch stands against its budget, over all its runs and attempts.
    ///
    /// `reserved` holds an attempt's reservation until its cost is known: one whose cost stays unknown for good keeps
    /// it, since the provider may have billed it.
    public func budgetPosition(_ batch: BatchID) throws(StoreError) -> BudgetPosition {
        let found = try reading { database throws(StoreError) in
            try database.first(
                """
                SELECT b.budget_nano, t.settled_whole, t.settled_billionths, t.reserved_whole, t.reserved_billionths,
                    b.budget_mode
                FROM batch AS b JOIN batch_total AS t ON t.batch_id = b.id WHERE b.id = ?
                """, Value(batch)
            ) { row throws(StoreError) in
                BudgetPosition(
                    cap: row.optionalCredits(0), settled: row.total(1), reserved: row.total(3), mode: try row.word(5))
            }
        }
        guard let found else { throw StoreError(.conflict, "there is no batch \(batch)") }
        return found
    }

    /// The highest prices settled in this store, by model and resolution.
    public func settledPrices() throws(StoreError) -> [SettledPrice] {
        try reading { database throws(StoreError) in
            try database.rows(
                "SELECT model, resolution, highest_per_second_nano FROM price_seen ORDER BY model, resolution"
            ) { row in
                SettledPrice(
                    model: ModelID(row.text(0)), resolution: row.text(1).isEmpty ? nil : row.text(1),
                    highestPerSecond: Credits(nano: row.integer(2)))
            }
        }
    }

    /// What is known of submission keys; `unknown` where nothing was recorded.
    public func keyTrust(
        baseURL: String, account: KeyFingerprint, dialect: Dialect
    ) throws(StoreError) -> KeyTrust {
        try reading { database throws(StoreError) in
            try database.first(
                "SELECT trust FROM key_trust WHERE base_url = ? AND key_fingerprint = ? AND dialect = ?",
                .text(baseURL), .text(account.text), .text(dialect.rawValue)
            ) { row throws(StoreError) in try row.word(0) } ?? .unknown
        }
    }
}

extension Database {
    fileprivate func openAttempts(of batch: BatchID) throws(StoreError) -> [OpenAttempt] {
        try rows(
            """
            SELECT a.task, a.n, i.key, a.submission_key, a.model, a.dialect, a.key_fingerprint, a.body,
                i.duration_seconds, i.resolution, a.submitted_at_ms, a.reserved_nano, a.lost_at_ms, i.output,
                a.state, a.task_id, a.outcome_unknown_at_ms IS NOT NULL, a.output_url, a.output_path IS NOT NULL,
                a.is_cost_awaited, a.failure_code IS 'no_asset',
                \(Store.tagBudgetsOfTask)
            FROM attempt AS a JOIN task_input AS i ON i.id = a.task
            WHERE a.batch_id = ? AND (a.is_open OR a.is_unsaved OR a.is_cost_awaited) ORDER BY a.task, a.n
            """, Value(batch)
        ) { row throws(StoreError) in
            let attempt = AttemptID(task: TaskID(row.integer(0)), number: row.int(1))
            let model = ModelID(row.text(4))
            return OpenAttempt(
                attempt: attempt, batch: batch, key: TaskKey(row.text(2)),
                submission: Submission(
                    attempt: attempt, key: SubmissionKey(row.text(3)), model: model, dialect: try row.word(5),
                    account: KeyFingerprint(row.text(6)), body: row.blob(7)),
                shape: RequestShape(
                    model: model, durationSeconds: row.optionalInt(8), resolution: row.optionalText(9)),
                standing: try Self.standing(in: row), intentAt: row.instant(10), reserved: row.optionalCredits(11),
                lostAt: row.optionalInstant(12), output: row.optionalText(13),
                tagBudgets: Store.tagBudgets(in: row.optionalText(21)))
        }
    }

    private static func standing(in row: Row) throws(StoreError) -> OpenAttempt.Standing {
        guard let remote = row.optionalText(15).map(RemoteTaskID.init) else {
            return .sent(isMarkedUncertain: row.bool(16))
        }
        let state: TaskStateWord = try row.word(14)
        guard state == .completed else { return .accepted(remote, isRunning: state == .running) }
        return .completed(
            remote, asset: row.optionalText(17).map(AssetLocation.init(url:)), isSaved: row.bool(18),
            isCostAwaited: row.bool(19), hasNoAsset: row.bool(20))
    }
}
