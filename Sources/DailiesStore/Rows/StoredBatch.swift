import DailiesCore

/// A batch as the store holds it.
public struct StoredBatch: Hashable, Sendable {
    /// The store's number of it.
    public let id: BatchID
    /// Unique in its store; part of every submission key.
    public let name: String
    /// Absolute.
    public let manifestPath: String
    /// When it was first enrolled.
    public let createdAt: Instant
    /// The provider's name; a batch belongs to one from its first accepted submit on.
    public let provider: String
    /// Where that provider is; the same holds for it.
    public let baseURL: String
    /// Absolute.
    public let outputDirectory: String
    /// nil: no budget.
    public let budget: Credits?
    /// How strictly its budgets are kept.
    public let budgetMode: BudgetMode
}

/// What is to become of a batch's budget.
public enum BudgetSetting: Hashable, Sendable {
    /// As it is stored; a new batch has none.
    case unchanged
    /// No cap, whatever was stored.
    case none
    /// So many credits over all runs and attempts.
    case cap(Credits)
    /// At most so many: a lower one that is stored stays.
    case atMost(Credits)

    /// The cap that is asked for; nil: none.
    public var cap: Credits? {
        switch self {
        case .unchanged, .none: nil
        case .cap(let cap), .atMost(let cap): cap
        }
    }

    /// What holds after it, where `stored` held before.
    public func applied(to stored: Credits?) -> Credits? {
        switch self {
        case .unchanged: stored
        case .none: nil
        case .cap(let cap): cap
        case .atMost(let cap): min(stored ?? cap, cap)
        }
    }
}

/// What is to become of the budget of a tag.
public struct TagBudgetSetting: Hashable, Sendable {
    /// Of the tasks that it is for.
    public let tag: TaskSpec.Tag
    /// What becomes of it.
    public let setting: BudgetSetting
    /// Takes its properties as they are given.
    public init(tag: TaskSpec.Tag, setting: BudgetSetting) {
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
            id: BatchID(row.integer(0)), name: row.text(1), manifestPath: row.text(2), createdAt: row.instant(3),
            provider: row.text(4), baseURL: row.text(5), outputDirectory: row.text(6), budget: row.optionalCredits(7),
            budgetMode: try row.word(8))
    }

    func batches() throws(StoreError) -> [StoredBatch] {
        try rows("SELECT \(Self.batchColumns) FROM batch ORDER BY id", map: Self.batch)
    }

    func batch(named name: String) throws(StoreError) -> StoredBatch? {
        try first("SELECT \(Self.batchColumns) FROM batch WHERE name = ?", .text(name), map: Self.batch)
    }

    fileprivate func isUnfinished(_ batch: BatchID) throws(StoreError) -> Bool {
        try first(
            """
            SELECT 1 WHERE EXISTS (
                SELECT 1 FROM task_standing WHERE batch_id = ?1 AND state = 'queued' AND has_key = 0)
            OR EXISTS (
                SELECT 1 FROM attempt WHERE batch_id = ?1 AND (is_open OR is_unsaved OR is_cost_awaited))
            """, SQLValue(batch)
        ) { _ in true } ?? false
    }

    /// - Parameter mode: nil: as it is.
    func setBudget(
        of batch: BatchID, _ setting: BudgetSetting, mode: BudgetMode?, at: Instant
    ) throws(StoreError) {
        if let mode { try setBudgetMode(of: batch, mode, at: at) }
        let stored = try first("SELECT budget_nano FROM batch WHERE id = ?", SQLValue(batch)) { row in
            row.optionalCredits(0)
        }
        let cap = setting.applied(to: stored ?? nil)
        let changed = try run(
            "UPDATE batch SET budget_nano = ?1 WHERE id = ?2 AND budget_nano IS NOT ?1", SQLValue(cap), SQLValue(batch))
        // The same budget again is no event.
        guard changed == 1 else { return }
        var row = NewEvent("budget_set", at: at, batch: batch)
        row.source = "user"
        row.message = cap?.description ?? "none"
        try log(row)
    }

    private func setBudgetMode(of batch: BatchID, _ mode: BudgetMode, at: Instant) throws(StoreError) {
        let changed = try run(
            "UPDATE batch SET budget_mode = ?1 WHERE id = ?2 AND budget_mode <> ?1", .text(mode.rawValue),
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
    public func batches() throws(StoreError) -> [StoredBatch] {
        try reading { database throws(StoreError) in try database.batches() }
    }

    /// The batch of exactly this name; nil where there is none.
    public func batch(named name: String) throws(StoreError) -> StoredBatch? {
        try reading { database throws(StoreError) in try database.batch(named: name) }
    }

    /// Whether the service of a batch has accepted a submit of it, or may have; before that a batch may still be given to
    /// another service.
    public func isBound(_ batch: BatchID) throws(StoreError) -> Bool {
        try reading { database throws(StoreError) in try database.isBound(batch) }
    }

    /// The batches with anything to do, oldest first: a task that waits, an attempt that is open, a paid clip that is
    /// not saved, or a cost that is still asked for.
    public func unfinishedBatches() throws(StoreError) -> [StoredBatch] {
        try reading { database throws(StoreError) in
            var unfinished: [StoredBatch] = []
            for batch in try database.batches() where try database.isUnfinished(batch.id) {
                unfinished.append(batch)
            }
            return unfinished
        }
    }

    /// Sets or lifts budgets of some batches and of their tags, in one transaction. They hold over all runs until they are
    /// set again.
    ///
    /// - Parameter mode: how strictly they are kept; nil: as it is stored.
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

    /// Sets or lifts a budget, and says how strictly it is kept. It holds over all runs until it is set again.
    ///
    /// - Parameter mode: nil: as it is stored.
    public func setBudget(
        _ batch: BatchID, _ setting: BudgetSetting, mode: BudgetMode? = nil, at: Instant
    ) throws(StoreError) {
        try transaction { database throws(StoreError) in
            try database.setBudget(of: batch, setting, mode: mode, at: at)
        }
    }
}
