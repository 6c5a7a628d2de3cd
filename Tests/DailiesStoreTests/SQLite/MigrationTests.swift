import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

/// Stores of earlier versions, from `Tests/Golden`.
struct MigrationTests {
    /// The contents of each table of a version 1 store: all columns that it had, under their present names.
    private static let version1 = [
        "batch": "id, name, manifest_path, created_at_ms, provider, base_url, output_dir, budget_nano, budget_mode",
        "tag_budget": "id, batch_id, name, value, cap_nano",
        "batch_total": """
        batch_id, settled_whole, settled_billionths, reserved_whole, reserved_billionths, first_submitted_at_ms,
        last_settled_at_ms
        """,
        "task_input": "id, batch_id, key, request, duration_seconds, resolution, tags, output",
        "task_state": """
        id, batch_id, model, priority, state, attempt, is_submitted, credits_nano, new_seed, withdrawn_code, withdrawn_at_ms
        """,
        "attempt": """
        task, number, batch_id, model, state, submission_key, dialect, key_fingerprint, task_id, submitted_at_ms,
        not_accepted_at_ms, outcome_unknown_at_ms, accepted_at_ms, accepted_by, lost_at_ms, is_replayed,
        estimated_credits_nano, reserved_nano, credits_nano, is_cost_awaited, is_rounded, completed_at_ms,
        settled_at_ms, delivered_seconds, output_url, output_path, output_sha256, output_bytes, saved_at_ms,
        superseded_at_ms, failure_code, failure_message, hex(body)
        """,
        "event": """
        id, at_ms, batch_id, task, attempt, kind, from_state, to_state, amount_text, amount_nano, amount_unit,
        amount_field, amount_kind, is_rounded, source, code, message
        """,
        "command": """
        id, at_ms, kind, task, attempt, batch_id, model, is_insisted, new_seed, tasks_in_flight, ended_at_ms, outcome,
        message
        """,
        "key_trust": "base_url, key_fingerprint, dialect, trust, evidence, at_ms",
    ]

    private static func dump(_ version: Int) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: tests.appending(path: "Golden/version-\(version).sql"), encoding: .utf8)
    }

    /// Names that version 1 had for the same things.
    private static let names = ["task_state": "task_standing", "is_submitted": "has_key", "task, number": "task, n"]

    private func contents(of path: String) throws -> [String: [String]] {
        let shell = try Shell(path)
        let isOld = try shell.one("PRAGMA user_version") == "1"
        func query(_ text: String) -> String {
            Self.names.reduce(text) { isOld ? $0.replacingOccurrences(of: $1.key, with: $1.value) : $0 }
        }
        return try Self.version1.mapValues { _ in [] }.merging(
            Self.version1.map { table, columns in
                (table, try shell.rows(query("SELECT \(columns) FROM \(table) ORDER BY 1, 2")))
            }, uniquingKeysWith: { $1 })
    }

    private func schema(of path: String) throws -> [String] {
        try Shell(path).rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    }

    @Test func `a store of version 1 gets the current schema and keeps every value`() throws {
        let (old, new) = (try Scratch(), try Scratch())
        try Shell(old.path).run(try Self.dump(1))
        let before = try contents(of: old.path)
        #expect(before["attempt"]?.count == 16)
        let tags = try Shell(old.path).rows(
            "SELECT i.id, t.key, t.value FROM task_input AS i, json_each(i.tags) AS t ORDER BY i.id, t.key")
        _ = try Store.open(old.path, for: .running)
        _ = try Store.open(new.path, for: .running)
        #expect(try schema(of: old.path) == schema(of: new.path))
        #expect(try contents(of: old.path) == before)
        let shell = try Shell(old.path)
        #expect(try shell.one("PRAGMA user_version") == "\(Migration.current)")
        #expect(try shell.one("PRAGMA integrity_check") == "ok")
        #expect(try shell.rows("PRAGMA foreign_key_check") == [])
        #expect(try shell.rows("SELECT task, name, value FROM task_tag ORDER BY task, name") == tags && !tags.isEmpty)
        #expect(try shell.rows("SELECT provider, base_url FROM service") == ["simulator|http://127.0.0.1:18080"])
        #expect(try shell.one("SELECT count(*) FROM attempt WHERE service_id = 1 AND shares_task_id = 0") == "16")
        #expect(try shell.one("SELECT count(*) FROM attempt WHERE sent_at_ms < submitted_at_ms") == "0")
        // Bills with a known service are prices; recorded prices without one are dropped.
        let billed = "SELECT count(*) FROM attempt WHERE state = 'completed' AND credits_nano > 0"
        let migrated = try Store.open(old.path, for: .reading)
        let prices = try migrated.observedPrices(of: Service(provider: "simulator", baseURL: "http://127.0.0.1:18080"))
        #expect("\(prices.count)" == (try shell.one(billed)) && prices.count > 1)
        let seconds = try shell.rows(
            "SELECT i.duration_seconds FROM task_input AS i JOIN attempt AS a ON a.task = i.id")
        #expect(
            prices.allSatisfy { seconds.contains("\($0.shape.durationSeconds ?? 0)") && $0.shape.resolution == "720p" })
        #expect(try migrated.problems() == [])
        try migrated.close()
        // The copy is the older store, complete and private.
        let copy = old.path + ".version-1"
        #expect(try Shell(copy).one("SELECT user_version FROM pragma_user_version") == "1")
        #expect(try contents(of: copy) == before)
        #expect(try old.permissions(of: copy) == 0o600)
    }

    @Test func `the request of an earlier take of version 1 is unknown, so its bill is not a price`() throws {
        let scratch = try Scratch()
        let service = Service(provider: "simulator", baseURL: "http://127.0.0.1:18080")
        let shell = try Shell(scratch.path)
        try shell.run(try Self.dump(1))
        let billed = try shell.rows("SELECT task FROM attempt WHERE state = 'completed' AND credits_nano > 0")
        let task = try #require(billed.first)
        try shell.run(
            """
            UPDATE attempt SET superseded_at_ms = settled_at_ms + 1 WHERE task = \(task);
            UPDATE task_standing SET state = 'queued', attempt = 2, has_key = 0 WHERE id = \(task)
            """)
        let store = try Store.open(scratch.path, for: .running)
        #expect(try store.observedPrices(of: service).count == billed.count - 1)
        #expect(try shell.rows("SELECT task FROM attempt WHERE seconds IS NULL") == [task])
    }

    @Test func `equivalent base URLs of version 1 become one service`() throws {
        let scratch = try Scratch()
        let shell = try Shell(scratch.path)
        try shell.run(try Self.dump(1))
        try shell.run(
            """
            UPDATE batch SET base_url = 'HTTP://LocalHost:18080/';
            INSERT INTO key_trust SELECT 'HTTP://LocalHost:18080/', key_fingerprint, dialect, 'ignored', 'later', at_ms + 1
            FROM key_trust
            """)
        let trusted = try shell.rows("SELECT DISTINCT key_fingerprint, dialect FROM key_trust").count
        _ = try Store.open(scratch.path, for: .running)
        #expect(try shell.rows("SELECT base_url FROM service") == ["http://127.0.0.1:18080"])
        #expect(try shell.rows("SELECT DISTINCT base_url FROM batch") == ["http://127.0.0.1:18080"])
        let kept = try shell.rows("SELECT trust FROM key_trust").count
        #expect(trusted > 0 && kept == trusted)
        #expect(
            try shell.rows("SELECT DISTINCT base_url, trust FROM key_trust") == ["http://127.0.0.1:18080|ignored"])
    }

    @Test func `of attempts that share a task ID the first keeps it, and the others are marked`() throws {
        let scratch = try Scratch()
        let shell = try Shell(scratch.path)
        try shell.run(try Self.dump(1))
        try shell.run(
            "UPDATE attempt SET task_id = 'task_same' WHERE task IN (SELECT id FROM task WHERE key LIKE 'open-%')")
        _ = try Store.open(scratch.path, for: .running)
        #expect(
            try Shell(scratch.path).rows(
                "SELECT key, shares_task_id FROM attempt JOIN task ON task.id = attempt.task "
                    + "WHERE attempt.task_id = 'task_same' ORDER BY key")
                == ["open-1|0", "open-2|1", "open-3|1", "open-4|1"])
    }

    @Test func `tasks of version 1 are found by their current names, each once`() throws {
        let scratch = try Scratch()
        let shell = try Shell(scratch.path)
        try shell.run(try Self.dump(1))
        let request = #"{"model":"sora-2","prompt":"one\r\ntwo"}"#
        let keys = [
            "abcdefghijklmnop", "abcdefghijklmnop-2", "abcdefghijklmnop-10", "c\u{200b}", "no-derived-key", "plain",
        ]
        for (index, key) in keys.enumerated() {
            let text = key == "plain" ? #"{"model":"sora-2","prompt":"a\\r"}"# : request
            try shell.run(
                """
                INSERT INTO task_input (id, batch_id, key, request) VALUES (\(100 + index), 1, '\(key)', '\(text)');
                INSERT INTO task_standing (id, batch_id, model, state, withdrawn_code, withdrawn_at_ms)
                VALUES (\(100 + index), 1, 'sora-2', 'cancelled', 'cancelled', 1);
                """)
        }
        let store = try Store.open(scratch.path, for: .running)
        #expect(
            try Shell(scratch.path).rows("SELECT task, alias FROM task_alias WHERE task >= 100 ORDER BY task")
                == [100, 101, 102].map { #"\#($0)|{"model":"sora-2","prompt":"one\ntwo"}"# } + ["103|c"])

        func spec(_ key: String, isKeyDerived: Bool, _ lineEnd: String) -> TaskSpec {
            TaskSpec(
                key: TaskKey(key), isKeyDerived: isKeyDerived,
                shape: RequestShape(model: ModelID("sora-2"), durationSeconds: nil, resolution: nil), prompt: "",
                request: CanonicalRequest(text: #"{"model":"sora-2","prompt":"one\#(lineEnd)two"}"#), tags: [],
                priority: 0, output: nil)
        }
        let specs =
            (1...4).map { spec("qrstuvwxyz234567-\($0)", isKeyDerived: true, $0 == 1 ? #"\n"# : #"\r\n"#) }
            + [spec("c", isKeyDerived: false, #"\n"#), spec("qrstuvwxyz234567", isKeyDerived: false, #"\n"#)]
        var found: [String] = []
        try store.compare(
            batchName: "golden", provider: "simulator", forEachTask: { body in for spec in specs { try body(spec) } },
            { finding in if case .named(let task, let verdict, _) = finding { found.append("\(task.key) \(verdict)") } }
        )
        let cancelled = "cancelled(code: Optional(\"cancelled\"))"
        #expect(
            found == [
                "abcdefghijklmnop \(cancelled)", "abcdefghijklmnop-2 \(cancelled)", "abcdefghijklmnop-10 \(cancelled)",
                "qrstuvwxyz234567-4 new", "c\u{200b} \(cancelled)", "qrstuvwxyz234567 new",
            ])
        #expect(try store.tasks(called: TaskKey("c")).map(\.key.text) == ["c\u{200b}"])
        // Version 2 creates no such names: an import finds the same tasks and adds none.
        let result = try store.importManifest(
            BatchDefinition(
                name: "golden", manifestPath: "/m", provider: "simulator", baseURL: "http://127.0.0.1:18080",
                outputDirectory: "/r", budget: .unchanged),
            tasks: specs, rules: ImportOptions(sameBatch: true), at: Instant(milliseconds: 1))
        #expect(result.new == 2 && result.changed == 0)
    }

    @Test func `the latest attempt of a task gets the hash of its request`() throws {
        let scratch = try Scratch()
        try Shell(scratch.path).run(try Self.dump(1))
        _ = try Store.open(scratch.path, for: .running)
        let request = CanonicalRequest(
            text: #"{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"Rain on a tin roof","#
                + #""resolution":"720p"}"#)
        #expect(
            try Shell(scratch.path).one(
                "SELECT similarity_hash FROM attempt JOIN task ON task.id = attempt.task WHERE key = 'saved-2'")
                == "\(SimilarityHash(request).number)")
        #expect(
            try Shell(scratch.path).one(
                "SELECT count(*) FROM attempt JOIN task ON task.id = attempt.task AND task.attempt = attempt.number "
                    + "WHERE similarity_hash IS NULL") == "0")
    }

    @Test func `a migration that fails leaves the store as it was, and its copies stay`() throws {
        let scratch = try Scratch()
        try Shell(scratch.path).run(try Self.dump(1))
        let (before, schemaBefore) = (try contents(of: scratch.path), try schema(of: scratch.path))
        let broken = Migration(from: 1, copying: "INSERT INTO batch (id) VALUES (1)")
        for _ in 1...2 {
            let database = try SQLiteConnection(path: scratch.path, flags: 2)
            #expect(throws: StoreError.self) {
                try Migration.migrate(database, path: scratch.path, from: 1, by: [broken])
            }
        }
        #expect(try Shell(scratch.path).one("PRAGMA user_version") == "1")
        #expect(try schema(of: scratch.path) == schemaBefore)
        #expect(try contents(of: scratch.path) == before)
        for copy in [".version-1", ".version-1.2"] {
            #expect(try contents(of: scratch.path + copy) == before)
        }
        _ = try Store.open(scratch.path, for: .running)
        #expect(try Shell(scratch.path).one("PRAGMA user_version") == "\(Migration.current)")
    }
}
