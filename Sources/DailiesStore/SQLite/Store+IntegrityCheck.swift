import DailiesCore

extension Store {
    /// Checks the store: the file, its references, and redundant data.
    ///
    /// Reads everything (about a second for a million tasks); used by `doctor` and tests.
    ///
    /// - Returns: descriptions of problems, up to 100 of each kind; empty: none.
    package func problems() throws(StoreError) -> [String] {
        try reading { database throws(StoreError) in
            var problems: [String] = try database.column("PRAGMA quick_check(100)").filter { $0 != "ok" }
            problems += try database.rows("SELECT \"table\", rowid FROM pragma_foreign_key_check LIMIT 100") { row in
                "row \(row["rowid"] as Int64) of \(row["table"] as String) refers to a missing row"
            }
            problems += try database.strayTasks()
            problems += try database.strayTags()
            problems += try database.wrongTotals()
            return problems
        }
    }
}

extension SQLiteConnection {
    /// Tasks that do not match their attempts.
    fileprivate func strayTasks() throws(StoreError) -> [String] {
        try rows(
            """
            SELECT s.id FROM task_state AS s
            LEFT JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt AND a.not_accepted_at_ms IS NULL
            WHERE s.is_submitted != (a.task IS NOT NULL) OR (s.is_submitted AND s.state != a.state) LIMIT 100
            """
        ) { row in "task \(row["id"] as TaskID) does not match its latest attempt" }
            + rows(
                """
                SELECT task FROM attempt WHERE settled_at_ms IS NOT NULL GROUP BY task
                HAVING sum(credits_nano / 1000000000) < 9000000000
                AND (SELECT credits_nano FROM task_state WHERE id = task) IS DISTINCT FROM CASE
                    WHEN count(*) = count(credits_nano)
                    THEN sum(credits_nano / 1000000000) * 1000000000 + sum(credits_nano % 1000000000) END
                OR (count(*) > count(credits_nano)
                    AND (SELECT credits_nano FROM task_state WHERE id = task) IS NOT NULL)
                LIMIT 100
                """
            ) { row in "the cost of task \(row["task"] as TaskID) is not the sum of its attempts" }
    }

    /// Tasks whose tags in `task_tag` differ from those in `task_input`.
    fileprivate func strayTags() throws(StoreError) -> [String] {
        let tasks: [TaskID] = try column(
            """
            SELECT i.id FROM task_input AS i WHERE i.tags <> '{}' AND EXISTS (
                SELECT key, value FROM json_each(i.tags) EXCEPT SELECT name, value FROM task_tag WHERE task = i.id)
            UNION SELECT t.task FROM task_tag AS t JOIN task_input AS i ON i.id = t.task WHERE NOT EXISTS (
                SELECT 1 FROM json_each(i.tags) WHERE key = t.name AND value = t.value)
            LIMIT 100
            """)
        return tasks.map { "the tags of task \($0) are not those of its manifest" }
    }

    /// Batches without totals, and batches and tag budgets whose totals differ from the sums of their attempts.
    fileprivate func wrongTotals() throws(StoreError) -> [String] {
        let missing: [BatchID] = try column(
            "SELECT id FROM batch WHERE id NOT IN (SELECT batch_id FROM batch_total) LIMIT 100")
        let batches: [String] = try column(
            """
            SELECT 'batch ' || b.batch_id FROM batch_total AS b
            WHERE (settled_whole, settled_billionths, reserved_whole, reserved_billionths) <> (
                SELECT \(Self.sums) FROM attempt AS a WHERE a.batch_id = b.batch_id)
            """)
        let tags: [String] = try column(
            """
            SELECT b.name || '=' || b.value || ' in batch ' || b.batch_id FROM tag_budget AS b
            WHERE cap_nano IS NOT NULL AND (settled_whole, settled_billionths, reserved_whole, reserved_billionths) <> (
                SELECT \(Self.sums) FROM attempt AS a JOIN task_tag AS t ON t.task = a.task
                WHERE a.batch_id = b.batch_id AND t.name = b.name AND t.value = b.value)
            """)
        return missing.map { "batch \($0) has no totals" }
            + (batches + tags).map { "the totals of \($0) are not the sums of its attempts" }
    }
}
