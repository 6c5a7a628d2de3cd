import Foundation

/// The store for the report benchmark, and the shell's queries on it.
enum ReportFixture {
    struct Grouping {
        /// Options of `dailies report`.
        let options: [String]
        /// Statements for the shell.
        let statements: String
    }

    /// Two batches, five models, 23 clients and some tasks without one, four campaigns, about sixty days; nine in ten
    /// completed, some of them not saved; failures and cancellations, some of them charged; one cost in a hundred
    /// unknown; one task in fifty with a second take. Prices are exact to the billionth, and most are not round.
    static func filling(tasks: Int) -> String {
        """
        PRAGMA synchronous = OFF;
        BEGIN;
        INSERT INTO service (provider, base_url) VALUES ('bytespike', 'https://api.example');
        INSERT INTO batch (name, manifest_path, created_at_ms, provider, base_url, output_dir)
        VALUES ('autumn', '/shows/autumn.jsonl', 1790000000000, 'bytespike', 'https://api.example', '/shows/renders'),
            ('winter', '/shows/winter.jsonl', 1790000000000, 'bytespike', 'https://api.example', '/shows/renders');
        CREATE TEMP TABLE made AS
        WITH RECURSIVE number(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < \(tasks))
        SELECT id, 1 + (id % 3 = 0) AS batch_id,
            CASE id % 7 WHEN 0 THEN 'veo-3.1' WHEN 1 THEN 'veo-3.1-fast' WHEN 2 THEN 'seedance-fast'
                WHEN 3 THEN 'kling-3' ELSE 'sora-2-pro' END AS model,
            4 * (1 + id % 3) AS seconds,
            1790000000000 + id * 5184000000 / \(tasks) + id * 7919 % 9973 AS at_ms,
            id * 2654435761 % 1000 AS lot,
            'A slow crane up from moss and mushrooms to a forest ridge, the valley filled with cloud, take ' || id AS prompt
        FROM number;
        INSERT INTO task_input (id, batch_id, key, request, duration_seconds, resolution, tags)
        SELECT id, batch_id, 'shot-' || id,
            '{"duration_seconds":' || seconds || ',"model":"' || model || '","prompt":"' || prompt
                || '","resolution":"1080p"}', seconds, '1080p',
            '{"campaign":"' || CASE id % 4 WHEN 0 THEN 'spring' WHEN 1 THEN 'summer' WHEN 2 THEN 'autumn'
                ELSE 'winter' END || '"' || CASE WHEN lot < 950 THEN ',"client":"client-' || (id % 23) || '"' ELSE '' END || '}'
        FROM made;
        INSERT INTO task_tag (task, name, value) SELECT i.id, t.key, t.value FROM task_input AS i, json_each(i.tags) AS t;
        INSERT INTO task_state (id, batch_id, model, state, attempt, is_submitted)
        SELECT id, batch_id, model, CASE WHEN lot < 900 THEN 'completed' WHEN lot < 950 THEN 'failed'
            WHEN lot < 980 THEN 'cancelled' ELSE 'queued' END, 1 + (lot < 20), lot < 980 FROM made;
        \(attempts(number: "1", where: "lot < 980"))
        \(attempts(number: "2", where: "lot < 20"))
        INSERT INTO batch_total (batch_id, settled_whole, settled_billionths, reserved_whole, reserved_billionths,
            first_submitted_at_ms, last_settled_at_ms)
        SELECT batch_id, sum(credits_nano / 1000000000), sum(credits_nano % 1000000000),
            coalesce(sum(reserved_nano / 1000000000), 0), coalesce(sum(reserved_nano % 1000000000), 0),
            min(submitted_at_ms), max(settled_at_ms)
        FROM attempt GROUP BY batch_id;
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);
        SELECT count(*) FROM attempt;

        """
        // The shell prints the result of the checkpoint before the count.
        .replacing(
            "PRAGMA wal_checkpoint(TRUNCATE);", with: ".output /dev/null\nPRAGMA wal_checkpoint(TRUNCATE);\n.output")
    }

    /// If there is a second take, the first is superseded by it.
    private static func attempts(number: String, where condition: String) -> String {
        """
        INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
            key_fingerprint, task_id, submitted_at_ms, sent_at_ms, accepted_at_ms, accepted_by, estimated_credits_nano, reserved_nano, credits_nano,
            completed_at_ms, settled_at_ms, delivered_seconds, output_path, output_sha256, output_bytes, saved_at_ms,
            superseded_at_ms, failure_code, body)
        SELECT id, \(number), batch_id, 1, model, '1080p', seconds,
            CASE WHEN lot < 900 THEN 'completed' WHEN lot < 950 THEN 'failed' ELSE 'cancelled' END,
            printf('take\(number)%019d', id), 'flat', 'aaaa00000000', 'vt\(number)_' || id, at_ms - 120000, at_ms - 120000,
            at_ms - 119000,
            'reply', seconds * 230000000, CASE WHEN lot % 100 = 7 THEN seconds * 253000000 END,
            CASE WHEN lot % 100 = 7 THEN NULL WHEN lot < 900 THEN seconds * 230000000 + id % 1000
                WHEN lot < 910 THEN seconds * 100000000 WHEN lot >= 970 THEN 100000000 + id % 10 ELSE 0 END,
            at_ms - 1000, at_ms, CASE WHEN lot < 900 THEN seconds END,
            CASE WHEN lot < 880 THEN '/shows/renders/autumn/shot-' || id || '~take\(number).mp4' END,
            CASE WHEN lot < 880 THEN printf('%064x', id) END, CASE WHEN lot < 880 THEN 1000000 + id END,
            CASE WHEN lot < 880 THEN at_ms + 3000 END, CASE WHEN \(number) = 1 AND lot < 20 THEN at_ms + 60000 END,
            CASE WHEN lot >= 950 THEN 'cancelled' WHEN lot >= 900 THEN 'render_failed' END,
            CAST('{"duration_seconds":' || seconds || ',"model":"' || model || '","out_task_id":"'
                || printf('take\(number)%019d', id) || '","prompt":"' || prompt || '","resolution":"1080p"}' AS BLOB)
        FROM made WHERE \(condition);
        """
    }

    static let groupings: [Grouping] = [
        Grouping(options: [], statements: statement(by: [])),
        grouping(["model"], by: ["model"]),
        grouping(["day"], by: ["date(settled_at_ms / 1000, 'unixepoch')"]),
        grouping(["tag:client"], by: ["tags ->> '$.client'"], from: joined),
        grouping(
            ["model", "state", "tag:campaign"], by: ["attempt.model", "state", "tags ->> '$.campaign'"], from: joined),
    ]

    private static let joined = "attempt JOIN task_input ON task_input.id = attempt.task"

    private static func grouping(
        _ dimensions: [String], by expressions: [String], from tables: String = "attempt"
    ) -> Grouping {
        Grouping(
            options: ["--by", dimensions.joined(separator: ",")],
            statements: statement(by: expressions, from: tables) + "\n" + statement(by: []))
    }

    /// The query of a person who wants the report's exact figures from plain SQL.
    private static func statement(by expressions: [String], from tables: String = "attempt") -> String {
        let all = "sum(credits_nano / 1000000000), sum(credits_nano % 1000000000)"
        func spent(where condition: String) -> String {
            """
            count(*) FILTER (WHERE \(condition) AND credits_nano > 0),
            sum(credits_nano / 1000000000) FILTER (WHERE \(condition)),
            sum(credits_nano % 1000000000) FILTER (WHERE \(condition))
            """
        }
        let columns = [
            "count(DISTINCT task)", "count(*)", "count(output_path)", "total(delivered_seconds)",
            "total(delivered_seconds) FILTER (WHERE credits_nano IS NOT NULL)",
            "sum(estimated_credits_nano / 1000000000), sum(estimated_credits_nano % 1000000000)", all,
            "count(*) FILTER (WHERE credits_nano IS NULL)",
            "sum(estimated_credits_nano / 1000000000) FILTER (WHERE credits_nano IS NULL)",
            "sum(estimated_credits_nano % 1000000000) FILTER (WHERE credits_nano IS NULL)",
            "sum(is_rounded)", "sum(is_replayed)", spent(where: "state = 'failed'"),
            spent(where: "state = 'cancelled'"),
            spent(where: "state = 'completed' AND output_path IS NULL"), spent(where: "superseded_at_ms IS NOT NULL"),
        ]
        let places = expressions.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        return """
            SELECT \((expressions + columns).joined(separator: ",\n"))
            FROM \(tables) WHERE settled_at_ms IS NOT NULL\(places.isEmpty ? "" : " GROUP BY \(places)");
            """
    }

    /// The total charge, as computed by the shell.
    static func charged(in store: String) throws -> String {
        let sums = try ProcessUsage.run(
            "sqlite3",
            [
                "-readonly", store,
                """
                SELECT whole + billionths / 1000000000, billionths % 1000000000 FROM (
                    SELECT sum(credits_nano / 1000000000) AS whole, sum(credits_nano % 1000000000) AS billionths
                    FROM attempt)
                """,
            ]
        ).out.split(separator: "|").compactMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        guard sums.count == 2 else { throw ProcessUsage.Failure(description: "the shell returned no sum: \(sums)") }
        var digits = Substring(String(sums[1] + 1_000_000_000).dropFirst())
        while digits.last == "0" { digits = digits.dropLast() }
        return digits.isEmpty ? "\(sums[0])" : "\(sums[0]).\(digits)"
    }
}
