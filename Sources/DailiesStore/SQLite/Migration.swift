import DailiesCore

/// Migrates a store of an earlier version to the current one.
///
/// The old tables are renamed to `old_…`, `schema.sql` creates the new ones, and a script copies the rows, so that the
/// result equals a new store's schema. The store is first copied to a file next to it, and the migration is one
/// transaction.
struct Migration {
    /// The version that `schema.sql` creates.
    static let current: Int64 = 2
    /// One migration per version before ``current``. If that is raised, all scripts must be adapted to the new schema.
    static let all = [
        Migration(from: 1, copying: copyFromVersion1)
    ]

    /// The version before the migration.
    let from: Int64
    /// Statements that read the `old_…` tables and fill the new ones.
    let copying: String

    /// Migrates a store, unless it is current.
    ///
    /// - Throws: ``StoreError``; the store is then unchanged.
    static func migrate(
        _ database: SQLiteConnection, path: String, from version: Int64, by migrations: [Migration] = all
    ) throws(StoreError) {
        guard version < current else { return }
        guard let migration = migrations.first(where: { $0.from == version }) else {
            preconditionFailure("there is no migration from version \(version) of the schema to \(current)")
        }
        try copy(database, to: "\(path).version-\(version)")
        // SQLite ignores this setting inside a transaction. All references are checked at the end.
        try database.run("PRAGMA foreign_keys = OFF")
        try database.run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            try migration.run(on: database)
            try database.run("COMMIT")
        } catch {
            if !database.isOutsideTransaction { try database.run("ROLLBACK") }
            try database.run("PRAGMA foreign_keys = ON")
            throw error
        }
        try database.run("PRAGMA foreign_keys = ON")
    }

    private func run(on database: SQLiteConnection) throws(StoreError) {
        let old = try Self.renameTables(in: database)
        if from == 1 {
            try database.define("similarity_hash") { .integer(SimilarityHash(CanonicalRequest(text: $0)).number) }
            try database.define("request_with_line_feeds") { .text(CanonicalRequest(text: $0).withLineFeeds.text) }
            try database.define("name_without_outer_characters") { .text(OuterCharacters.removed(from: $0) ?? $0) }
            try Self.unifyBaseURLs(in: database)
        }
        try database.execute(script: Store.schema)
        try database.execute(script: copying)
        for table in old { try database.execute(script: "DROP TABLE \"\(table)\"") }
        let broken: [String] = try database.rows("PRAGMA foreign_key_check") { row in row["table"] }
        guard broken.isEmpty else {
            throw StoreError(
                .damaged, "rows of the table \(broken[0]) refer to missing rows; restore a backup")
        }
    }

    /// Version 1 kept base URLs as typed. Of two records about the keys of one service the later one is kept.
    private static func unifyBaseURLs(in database: SQLiteConnection) throws(StoreError) {
        let typed: [String] = try database.column(
            "SELECT base_url FROM old_batch UNION SELECT base_url FROM old_key_trust")
        for text in typed {
            let canonical = BaseURL.canonical(text)
            if canonical == text { continue }
            try database.run(
                "UPDATE old_batch SET base_url = $1 WHERE base_url = $2", .text(canonical), .text(text))
            try database.run(
                """
                DELETE FROM old_key_trust AS t WHERE base_url IN ($1, $2) AND EXISTS (
                    SELECT 1 FROM old_key_trust AS o
                    WHERE o.base_url IN ($1, $2) AND o.base_url <> t.base_url
                        AND o.key_fingerprint = t.key_fingerprint AND o.dialect = t.dialect
                        AND (o.at_ms, o.base_url) > (t.at_ms, t.base_url))
                """, .text(canonical), .text(text))
            try database.run(
                "UPDATE old_key_trust SET base_url = $1 WHERE base_url = $2", .text(canonical), .text(text))
        }
    }

    /// Drops indexes, triggers and views, and renames the tables.
    ///
    /// - Returns: the new names.
    private static func renameTables(in database: SQLiteConnection) throws(StoreError) -> [String] {
        let objects: [(type: String, name: String)] = try database.rows(
            "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid"
        ) { row in (row["type"], row["name"]) }
        for object in objects where object.type != "table" {
            try database.execute(script: "DROP \(object.type) \"\(object.name)\"")
        }
        var renamed: [String] = []
        for object in objects where object.type == "table" {
            try database.execute(script: "ALTER TABLE \"\(object.name)\" RENAME TO \"old_\(object.name)\"")
            renamed.append("old_\(object.name)")
        }
        return renamed
    }

    /// Earlier copies are kept, since one may be from a migration that failed after more was written.
    private static let maximumCopies = 100

    private static func copy(_ database: SQLiteConnection, to path: String) throws(StoreError) {
        for number in 1...maximumCopies {
            let candidate = number == 1 ? path : "\(path).\(number)"
            // SQLite accepts an empty file as target; creating it here makes it private to the user.
            if try Store.createPrivateFile(candidate) {
                try database.run("VACUUM INTO $1", .text(candidate))
                return
            }
        }
        throw StoreError(.io, "\(maximumCopies) copies already exist next to the store; move them elsewhere")
    }
}

extension Migration {
    /// A derived key of version 1 is that of the text as written: 16 characters, with a number from the second of
    /// equals on. Version 1 allowed several attempts with one task ID: the first keeps it, the others are marked. It
    /// did not record the service of a price: its prices are dropped, and the bills of its attempts take their place.
    /// The request of a task's earlier attempts is unknown, so their bills do not count as prices.
    fileprivate static let copyFromVersion1 = """
        INSERT INTO service (provider, base_url) SELECT DISTINCT provider, base_url FROM old_batch ORDER BY id;
        INSERT INTO batch (id, name, manifest_path, created_at_ms, provider, base_url, output_dir, budget_nano, budget_mode)
        SELECT id, name, manifest_path, created_at_ms, provider, base_url, output_dir, budget_nano, budget_mode
        FROM old_batch ORDER BY id;
        INSERT INTO tag_budget (id, batch_id, name, value, cap_nano)
        SELECT id, batch_id, name, value, cap_nano FROM old_tag_budget ORDER BY id;
        INSERT INTO task_input (id, batch_id, key, request, duration_seconds, resolution, tags, output)
        SELECT id, batch_id, key, request, duration_seconds, resolution, tags, output FROM old_task_input ORDER BY id;
        INSERT OR IGNORE INTO task_tag (task, name, value)
        SELECT i.id, t.key, t.value FROM task_input AS i, json_each(i.tags) AS t;
        INSERT INTO task_alias (batch_id, alias, task)
        SELECT batch_id, request_with_line_feeds(request), id FROM task_input
        WHERE instr(request, '\\r') > 0 AND request_with_line_feeds(request) <> request
            AND substr(key, 1, 16) NOT GLOB '*[^a-z2-7]*'
            AND (length(key) = 16 OR substr(key, 17) GLOB '-[2-9]*' OR substr(key, 17) GLOB '-1[0-9]*')
        UNION ALL
        SELECT batch_id, name_without_outer_characters(key), id FROM task_input
        WHERE name_without_outer_characters(key) <> key;
        INSERT INTO task_state (id, batch_id, model, priority, state, attempt, is_submitted, credits_nano, new_seed,
            withdrawn_code, withdrawn_at_ms)
        SELECT id, batch_id, model, priority, state, attempt, has_key, credits_nano, new_seed,
            withdrawn_code, withdrawn_at_ms
        FROM old_task_standing ORDER BY id;
        CREATE INDEX old_attempt_of_task_id ON old_attempt (task_id, key_fingerprint, submitted_at_ms);
        INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
            key_fingerprint, task_id, shares_task_id, submitted_at_ms, sent_at_ms, similarity_hash, not_accepted_at_ms,
            outcome_unknown_at_ms, accepted_at_ms, accepted_by, lost_at_ms, is_replayed, estimated_credits_nano,
            reserved_nano, credits_nano, is_cost_awaited, is_rounded, completed_at_ms, settled_at_ms,
            delivered_seconds, output_url, output_path, output_sha256, output_bytes, saved_at_ms, superseded_at_ms, failure_code, failure_message, body)
        SELECT a.task, a.n, a.batch_id, v.id, a.model,
            CASE WHEN s.attempt = a.n AND s.has_key = 1 THEN coalesce(i.resolution, '') ELSE '' END,
            CASE WHEN s.attempt = a.n AND s.has_key = 1 THEN max(coalesce(i.duration_seconds, 1), 1) END,
            a.state, a.submission_key, a.dialect, a.key_fingerprint, a.task_id, EXISTS (
                SELECT 1 FROM old_attempt AS e JOIN old_batch AS eb ON eb.id = e.batch_id
                WHERE e.task_id = a.task_id AND e.key_fingerprint = a.key_fingerprint
                    AND eb.provider = b.provider AND eb.base_url = b.base_url
                    AND (e.submitted_at_ms, e.task, e.n) < (a.submitted_at_ms, a.task, a.n)),
            a.submitted_at_ms, coalesce((
                SELECT max(at_ms) FROM old_event AS v
                WHERE v.task = a.task AND v.attempt = a.n AND v.kind = 'repeated'), a.submitted_at_ms),
            CASE WHEN s.attempt = a.n AND s.has_key = 1 THEN similarity_hash(
                CASE WHEN s.new_seed IS NULL THEN i.request ELSE json_set(i.request, '$.seed', s.new_seed) END) END,
            a.not_accepted_at_ms, a.outcome_unknown_at_ms,
            a.accepted_at_ms, a.accepted_by, a.lost_at_ms, a.is_replayed, a.estimated_credits_nano, a.reserved_nano,
            a.credits_nano, a.is_cost_awaited, a.is_rounded, a.completed_at_ms, a.settled_at_ms, a.delivered_seconds,
            a.output_url, a.output_path, a.output_sha256, a.output_bytes, a.saved_at_ms, a.superseded_at_ms,
            a.failure_code, a.failure_message, a.body
        FROM old_attempt AS a JOIN old_batch AS b ON b.id = a.batch_id
        JOIN service AS v ON v.provider = b.provider AND v.base_url = b.base_url
        JOIN old_task_standing AS s ON s.id = a.task JOIN old_task_input AS i ON i.id = a.task
        ORDER BY a.rowid;
        INSERT INTO batch_total (batch_id, settled_whole, settled_billionths, reserved_whole, reserved_billionths,
            first_submitted_at_ms, last_settled_at_ms)
        SELECT batch_id, settled_whole, settled_billionths, reserved_whole, reserved_billionths,
            first_submitted_at_ms, last_settled_at_ms
        FROM old_batch_total;
        UPDATE tag_budget SET (settled_whole, settled_billionths, reserved_whole, reserved_billionths) = (
            SELECT \(SQLiteConnection.sums) FROM attempt AS a JOIN task_tag AS t ON t.task = a.task
            WHERE a.batch_id = tag_budget.batch_id AND t.name = tag_budget.name AND t.value = tag_budget.value)
        WHERE cap_nano IS NOT NULL;
        INSERT INTO event (id, at_ms, batch_id, task, attempt, kind, from_state, to_state, amount_text, amount_nano,
            amount_unit, amount_field, amount_kind, is_rounded, source, code, message)
        SELECT id, at_ms, batch_id, task, attempt, kind, from_state, to_state, amount_text, amount_nano,
            amount_unit, amount_field, amount_kind, is_rounded, source, code, message
        FROM old_event ORDER BY id;
        INSERT INTO command (id, at_ms, kind, task, attempt, batch_id, model, is_insisted, new_seed, tasks_in_flight,
            ended_at_ms, outcome, message)
        SELECT id, at_ms, kind, task, attempt, batch_id, model, is_insisted, new_seed, tasks_in_flight,
            ended_at_ms, outcome, message
        FROM old_command ORDER BY id;
        INSERT INTO key_trust (base_url, key_fingerprint, dialect, trust, evidence, at_ms)
        SELECT base_url, key_fingerprint, dialect, trust, evidence, at_ms FROM old_key_trust;
        """
}
