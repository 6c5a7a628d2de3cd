import DailiesCore

/// A batch as stored.
package struct StoredBatch: Hashable, Sendable {
    /// Its row number in the store.
    package let id: BatchID
    /// The name, unique in its store and part of every submission key.
    package let name: String
    /// The absolute path.
    package let manifestPath: String
    /// When it was first imported.
    package let createdAt: Instant
    /// The provider's name. A batch belongs to one provider and base URL from its first accepted submit on.
    package let provider: String
    /// The provider's base URL.
    package let baseURL: String
    /// The absolute path.
    package let outputDirectory: String
    /// The budget; nil: none.
    package let budget: Credits?
    /// How strictly its budgets are enforced.
    package let budgetMode: BudgetMode
}

/// A change to a batch's budget.
package enum BudgetSetting: Hashable, Sendable {
    /// Keeps the stored budget; a new batch has none.
    case unchanged
    /// Removes the cap.
    case none
    /// Sets the cap, in credits over all runs and attempts.
    case cap(Credits)
    /// Lowers the cap to this; a lower stored one stays.
    case atMost(Credits)

    /// The requested cap; nil: none.
    package var cap: Credits? {
        switch self {
        case .unchanged, .none: nil
        case .cap(let cap), .atMost(let cap): cap
        }
    }

    /// The cap after applying this to a stored one.
    package func applied(to stored: Credits?) -> Credits? {
        switch self {
        case .unchanged: stored
        case .none: nil
        case .cap(let cap): cap
        case .atMost(let cap): min(stored ?? cap, cap)
        }
    }
}

/// A change to a tag's budget.
package struct TagBudgetSetting: Hashable, Sendable {
    /// The tag.
    package let tag: TaskSpec.Tag
    /// The change.
    package let setting: BudgetSetting
    package init(tag: TaskSpec.Tag, setting: BudgetSetting) {
        self.tag = tag
        self.setting = setting
    }
}

extension SQLiteConnection {
    private static let batchColumns = """
        id, name, manifest_path, created_at_ms, provider, base_url, output_dir, budget_nano, budget_mode
        """

    private static func batch(in row: SQLRow) throws(StoreError) -> StoredBatch {
        StoredBatch(
            id: row["id"], name: row["name"], manifestPath: row["manifest_path"], createdAt: row["created_at_ms"],
            provider: row["provider"], baseURL: row["base_url"], outputDirectory: row["output_dir"],
            budget: row["budget_nano"], budgetMode: try row.word("budget_mode"))
    }

    func batches() throws(StoreError) -> [StoredBatch] {
        try rows("SELECT \(Self.batchColumns) FROM batch ORDER BY id", map: Self.batch)
    }

    func batch(named name: String) throws(StoreError) -> StoredBatch? {
        try first("SELECT \(Self.batchColumns) FROM batch WHERE name = $1", .text(name), map: Self.batch)
    }

    fileprivate func isUnfinished(_ batch: BatchID) throws(StoreError) -> Bool {
        try exists(
            """
            SELECT 1 WHERE EXISTS (
                SELECT 1 FROM task_state WHERE batch_id = $1 AND state = 'queued' AND NOT is_submitted)
            OR EXISTS (
                SELECT 1 FROM attempt WHERE batch_id = $1 AND (is_open OR is_unsaved OR is_cost_awaited))
            """, SQLValue(batch))
    }

    /// - Parameter mode: nil: unchanged.
    func setBudget(
        of batch: BatchID, _ setting: BudgetSetting, mode: BudgetMode?, at: Instant
    ) throws(StoreError) {
        if let mode { try setBudgetMode(of: batch, mode, at: at) }
        let stored: Credits?? = try value("SELECT budget_nano FROM batch WHERE id = $1", SQLValue(batch))
        let cap = setting.applied(to: stored ?? nil)
        let changed = try run(
            "UPDATE batch SET budget_nano = $1 WHERE id = $2 AND budget_nano IS DISTINCT FROM $1", SQLValue(cap),
            SQLValue(batch))
        // Setting the same budget again records no event.
        guard changed == 1 else { return }
        var row = NewEvent("budget_set", at: at, batch: batch)
        row.source = "user"
        row.message = cap?.description ?? "none"
        try log(row)
    }

    private func setBudgetMode(of batch: BatchID, _ mode: BudgetMode, at: Instant) throws(StoreError) {
        let changed = try run(
            "UPDATE batch SET budget_mode = $1 WHERE id = $2 AND budget_mode <> $1", .text(mode.rawValue),
            SQLValue(batch))
        guard changed == 1 else { return }
        var row = NewEvent("budget_mode_set", at: at, batch: batch)
        row.source = "user"
        row.message = mode.rawValue
        try log(row)
    }
}

extension Store {
    /// All batches, oldest first.
    package func batches() throws(StoreError) -> [StoredBatch] {
        try reading { database throws(StoreError) in try database.batches() }
    }

    /// The batch of exactly this name; nil if there is none.
    package func batch(named name: String) throws(StoreError) -> StoredBatch? {
        try reading { database throws(StoreError) in try database.batch(named: name) }
    }

    /// Whether a batch's service has accepted a submit of it, or may have. Before that the batch may be moved to
    /// another service.
    package func isBound(_ batch: BatchID) throws(StoreError) -> Bool {
        try reading { database throws(StoreError) in try database.isBound(batch) }
    }

    /// The batches with work left, oldest first: a waiting task, an open attempt, a paid clip that is not saved, or a
    /// cost that is still being queried.
    package func unfinishedBatches() throws(StoreError) -> [StoredBatch] {
        try reading { database throws(StoreError) in
            var unfinished: [StoredBatch] = []
            for batch in try database.batches() where try database.isUnfinished(batch.id) {
                unfinished.append(batch)
            }
            return unfinished
        }
    }

    /// Sets or removes budgets of batches and of their tags, in one transaction. They apply to all runs until they are
    /// set again.
    ///
    /// - Parameter mode: how strictly they are enforced; nil: unchanged.
    package func setBudgets(
        of batches: [BatchID], _ setting: BudgetSetting, tags: [TagBudgetSetting], mode: BudgetMode?, at: Instant
    ) throws(StoreError) {
        if setting == .unchanged, tags.isEmpty, mode == nil { return }
        try transaction { database throws(StoreError) in
            for batch in batches {
                try database.setBudget(of: batch, setting, mode: mode, at: at)
                for tag in tags { try database.setTagBudget(of: batch, tag, at: at) }
            }
        }
    }

    /// Sets or removes a budget, and how strictly it is enforced. It applies to all runs until it is set again.
    ///
    /// - Parameter mode: nil: unchanged.
    package func setBudget(
        _ batch: BatchID, _ setting: BudgetSetting, mode: BudgetMode? = nil, at: Instant
    ) throws(StoreError) {
        try transaction { database throws(StoreError) in
            try database.setBudget(of: batch, setting, mode: mode, at: at)
        }
    }
}
