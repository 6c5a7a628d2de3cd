import DailiesCore

/// Budgets of tags in a batch.
extension Store {
    /// Sets a cap, or removes it with nil. It applies to all runs until it is set again.
    package func setTagBudget(
        _ batch: BatchID, _ tag: TaskSpec.Tag, _ cap: Credits?, at: Instant
    ) throws(StoreError) {
        try transaction { database throws(StoreError) in
            let setting = cap.map(BudgetSetting.cap) ?? BudgetSetting.none
            try database.setTagBudget(of: batch, TagBudgetSetting(tag: tag, setting: setting), at: at)
        }
    }

    /// The budgets of a batch's tags and their use over all runs and attempts.
    ///
    /// Their use is that of the tasks that have the tag now.
    package func tagBudgets(_ batch: BatchID) throws(StoreError) -> [TagBudget] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT t.id, t.name, t.value, t.cap_nano, t.settled_whole, t.settled_billionths, t.reserved_whole,
                    t.reserved_billionths, b.budget_mode
                FROM tag_budget AS t JOIN batch AS b ON b.id = t.batch_id
                WHERE t.batch_id = $1 AND t.cap_nano IS NOT NULL ORDER BY t.id
                """, SQLValue(batch)
            ) { row throws(StoreError) in
                TagBudget(
                    id: TagBudgetID(row["id"]), batch: batch,
                    tag: TaskSpec.Tag(name: row["name"], value: row["value"]),
                    position: BudgetUsage(
                        cap: row["cap_nano"], settled: row.total("settled"), reserved: row.total("reserved"),
                        mode: try row.word("budget_mode")))
            }
        }
    }

    /// The costs and reservations of a batch's tasks with a tag, with or without a budget.
    package func tagPosition(_ batch: BatchID, _ tag: TaskSpec.Tag) throws(StoreError) -> BudgetUsage {
        try reading { database throws(StoreError) in try database.position(of: tag, in: batch) }
    }

    /// A column expression for a comma-separated list of the IDs of a task's tag budgets.
    static func tagBudgets(of task: String, in batch: String) -> String {
        """
        (SELECT \(SQLDialect.joined("b.id")) FROM tag_budget AS b
            WHERE b.batch_id = \(batch) AND b.cap_nano IS NOT NULL AND EXISTS (
                SELECT 1 FROM task_tag AS t WHERE t.task = \(task) AND t.name = b.name AND t.value = b.value))
        """
    }

    /// Parses that column.
    static func tagBudgets(in text: String?) -> [TagBudgetID] {
        (text ?? "").split(separator: ",").compactMap { Int64($0).map(TagBudgetID.init) }
    }
}

extension SQLiteConnection {
    func setTagBudget(of batch: BatchID, _ budget: TagBudgetSetting, at: Instant) throws(StoreError) {
        if budget.setting == .unchanged { return }
        let (name, value) = (budget.tag.name, budget.tag.value)
        let stored: Credits?? = try self.value(
            "SELECT cap_nano FROM tag_budget WHERE batch_id = $1 AND name = $2 AND value = $3", SQLValue(batch),
            .text(name), .text(value))
        let cap = budget.setting.applied(to: stored ?? nil)
        let changed = try run(
            """
            INSERT INTO tag_budget (batch_id, name, value, cap_nano) VALUES ($1, $2, $3, $4)
            ON CONFLICT (batch_id, name, value) DO UPDATE SET cap_nano = excluded.cap_nano
            WHERE tag_budget.cap_nano IS DISTINCT FROM excluded.cap_nano
            """, SQLValue(batch), .text(name), .text(value), SQLValue(cap))
        // Setting the same budget again records no event.
        guard changed == 1 else { return }
        // The totals of a tag without a budget are not kept.
        if cap != nil, (stored ?? nil) == nil { try sumUpBudget(of: budget.tag, in: batch) }
        var row = NewEvent("tag_budget_set", at: at, batch: batch)
        row.source = "user"
        row.message = "\(name)=\(value): \(cap?.description ?? "none")"
        try log(row)
    }

    fileprivate func position(of tag: TaskSpec.Tag, in batch: BatchID) throws(StoreError) -> BudgetUsage {
        try first(
            """
            SELECT \(Self.sums) FROM attempt AS a JOIN task_tag AS t ON t.task = a.task
            WHERE a.batch_id = $1 AND t.name = $2 AND t.value = $3
            """, SQLValue(batch), .text(tag.name), .text(tag.value)
        ) { row in
            BudgetUsage(cap: nil, settled: row.total("settled"), reserved: row.total("reserved"))
        } ?? BudgetUsage(cap: nil, settled: .zero, reserved: .zero)
    }
}
