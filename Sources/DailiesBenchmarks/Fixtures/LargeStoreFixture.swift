import CSQLite
import DailiesCore
import DailiesStore
import Foundation

/// Stores like those after years of runs, created with a few large statements.
enum LargeStoreFixture {
    /// Creates a store with one batch.
    ///
    /// - Parameters:
    ///   - finished: completed and saved tasks.
    ///   - rendering: accepted and running; their intents are evenly spread between the two ages, oldest first.
    ///   - waiting: not submitted.
    static func make(
        _ path: String, baseURL: String, account: String, finished: Int, rendering: Int, waiting: Int,
        intentAges: ClosedRange<Duration> = .seconds(1200) ... .seconds(1800), at now: Instant
    ) throws {
        let store = try Store.open(path, for: .running)
        _ = try store.importManifest(
            BatchDefinition(
                name: "batch", manifestPath: "/batch.jsonl", provider: "simulator", baseURL: baseURL,
                outputDirectory: "/renders", budget: .unchanged), tasks: [], at: now)
        try store.close()
        let attempts = finished + rendering
        let ages = (intentAges.upperBound - intentAges.lowerBound).nanoseconds
        let oldest = (now - intentAges.upperBound).milliseconds
        try execute(
            path,
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
            BEGIN;
            \(numbers(1, attempts + waiting))
            INSERT INTO task_input (id, batch_id, key, request, duration_seconds, resolution)
            SELECT i, 1, 'clip-' || i, \(request), 8, '1080p' FROM n;
            \(numbers(1, attempts))
            INSERT INTO task_state (id, batch_id, model, state, is_submitted, credits_nano)
            SELECT i, 1, 'sora-2-pro', CASE WHEN i <= \(finished) THEN 'completed' ELSE 'running' END, 1,
                CASE WHEN i <= \(finished) THEN 3650000000 END FROM n;
            \(numbers(attempts + 1, attempts + waiting))
            INSERT INTO task_state (id, batch_id, model) SELECT i, 1, 'sora-2-pro' FROM n;
            \(numbers(1, finished))
            INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
                key_fingerprint, task_id, submitted_at_ms, sent_at_ms, accepted_at_ms, accepted_by, credits_nano, settled_at_ms, output_path, output_sha256,
                output_bytes, saved_at_ms, body)
            SELECT i, 1, 1, 1, 'sora-2-pro', '1080p', 8, 'completed', \(key), 'flat', '\(account)', \(remote),
                \(oldest), \(oldest), \(oldest), 'reply', 3650000000, \(oldest), '/renders/batch/clip-' || i || '.mp4',
                printf('%064x', i), 4000000, \(oldest), CAST(\(request) AS BLOB) FROM n;
            \(numbers(finished + 1, attempts))
            INSERT INTO attempt (task, number, batch_id, service_id, model, resolution, seconds, state, submission_key, dialect,
                key_fingerprint, task_id, submitted_at_ms, sent_at_ms, accepted_at_ms, accepted_by, estimated_credits_nano, reserved_nano, body)
            SELECT i, 1, 1, 1, 'sora-2-pro', '1080p', 8, 'running', \(key), 'flat', '\(account)', \(remote),
                \(oldest) + (i - \(finished)) * \(ages / 1_000_000) / \(max(rendering, 1)),
                \(oldest) + (i - \(finished)) * \(ages / 1_000_000) / \(max(rendering, 1)), \(oldest), 'reply',
                3650000000, 3650000000, CAST(\(request) AS BLOB) FROM n;
            UPDATE batch_total SET first_submitted_at_ms = \(oldest), last_settled_at_ms = \(oldest),
                (settled_whole, settled_billionths, reserved_whole, reserved_billionths) = (
                SELECT coalesce(sum(credits_nano / 1000000000), 0), coalesce(sum(credits_nano % 1000000000), 0),
                    coalesce(sum(reserved_nano / 1000000000), 0), coalesce(sum(reserved_nano % 1000000000), 0)
                FROM attempt);
            INSERT INTO key_trust VALUES ('\(baseURL)', '\(account)', 'flat', 'honoured', 'query_found', \(oldest));
            COMMIT;
            PRAGMA wal_checkpoint(TRUNCATE);
            """)
    }

    private static let request = """
        '{"aspect_ratio":"16:9","duration_seconds":8,"model":"sora-2-pro","prompt":"A cinematic dolly shot through a misty \
        pine forest at dawn, take ' || i || '","resolution":"1080p"}'
        """
    /// 24 characters of the keys' alphabet, and a remote id of the provider's length.
    private static let key =
        "replace(replace(replace(replace(printf('%024d', i), '0', 'a'), '1', 'b'), '8', 'c'), '9', 'd')"
    private static let remote = "printf('task_%026d', i)"

    /// A `WITH` clause with a table of numbers.
    private static func numbers(_ first: Int, _ last: Int) -> String {
        """
        WITH RECURSIVE n (i) AS (
            SELECT \(first) WHERE \(first) <= \(last) UNION ALL SELECT i + 1 FROM n WHERE i < \(last))
        """
    }

    private static func execute(_ path: String, _ script: String) throws {
        var connection: OpaquePointer?
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw ProcessUsage.Failure(description: "cannot open \(path)")
        }
        defer { sqlite3_close_v2(connection) }
        guard sqlite3_exec(connection, script, nil, nil, nil) == SQLITE_OK else {
            throw ProcessUsage.Failure(description: "filling \(path): \(String(cString: sqlite3_errmsg(connection)))")
        }
    }
}
