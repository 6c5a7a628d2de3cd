import DailiesCore

@testable import DailiesStore

/// Looks at what is durable, through a connection of its own, and never waits for or disturbs the program.
final class InvariantChecker {
    struct Attempt: Equatable {
        let id: AttemptID
        let batch: BatchID
        let key: SubmissionKey
        let body: [UInt8]
        let state: TaskState
        let remote: RemoteTaskID?
        let isNotAccepted: Bool
        let isUncertain: Bool
        let isLost: Bool
        let isOpen: Bool
        let isCostAwaited: Bool
        let isUnsaved: Bool
        let reserved: Credits?
        let credits: Credits?
        let path: String?
        let digest: String?
        let failureCode: String?
        let failureMessage: String?
        let submittedAt: Instant
        let sentAt: Instant
        let isReplayed: Bool
        let acceptedBy: String?
        let account: KeyFingerprint
        let dialect: Dialect
        let model: ModelID
        let estimate: Credits?
        let cancelReason: CancelReason?
        let isTransferred: Bool

        var isFinal: Bool { state == .completed || state == .failed || state == .cancelled }
    }

    /// SQLite's flag for a connection that only reads.
    private static let readOnly: Int32 = 1

    private let database: SQLiteConnection

    init(path: String) throws {
        database = try SQLiteConnection(path: path, flags: Self.readOnly)
        database.waitWhenBusy(milliseconds: 5000)
    }

    func attempts() throws -> [Attempt] {
        try database.rows(
            """
            SELECT task, number, batch_id, submission_key, body, state, task_id,
                not_accepted_at_ms IS NOT NULL AS is_not_accepted, outcome_unknown_at_ms IS NOT NULL AS is_uncertain,
                lost_at_ms IS NOT NULL AS is_lost, is_open, is_cost_awaited, is_unsaved,
                reserved_nano, credits_nano, output_path, output_sha256, failure_code, failure_message,
                submitted_at_ms, sent_at_ms, is_replayed, accepted_by, key_fingerprint, dialect, model,
                estimated_credits_nano, cancel_reason, handed_over_from IS NOT NULL AS is_handed_over
            FROM attempt ORDER BY task, number
            """
        ) { row throws(StoreError) in
            Attempt(
                id: AttemptID(task: row["task"], number: row["number"]), batch: row["batch_id"],
                key: row["submission_key"], body: row["body"], state: try row.word("state"), remote: row["task_id"],
                isNotAccepted: row["is_not_accepted"], isUncertain: row["is_uncertain"], isLost: row["is_lost"],
                isOpen: row["is_open"], isCostAwaited: row["is_cost_awaited"], isUnsaved: row["is_unsaved"],
                reserved: row["reserved_nano"], credits: row["credits_nano"], path: row["output_path"],
                digest: row["output_sha256"], failureCode: row["failure_code"],
                failureMessage: row["failure_message"], submittedAt: row["submitted_at_ms"],
                sentAt: row["sent_at_ms"], isReplayed: row["is_replayed"], acceptedBy: row["accepted_by"],
                account: row["key_fingerprint"], dialect: try row.word("dialect"), model: row["model"],
                estimate: row["estimated_credits_nano"], cancelReason: try row.optionalWord("cancel_reason"),
                isTransferred: row["is_handed_over"])
        }
    }

    func attempt(_ key: SubmissionKey) throws -> Attempt? { try attempts().first { $0.key == key } }

    struct Progress {
        let id: TaskID
        let key: String
        let state: TaskState
        let attempt: Int
        let isSubmitted: Bool
        let credits: Credits?
    }

    func tasks() throws -> [Progress] {
        try database.rows(
            """
            SELECT s.id, i.key, s.state, s.attempt, s.is_submitted, s.credits_nano
            FROM task_state AS s JOIN task_input AS i ON i.id = s.id ORDER BY s.id
            """
        ) { row throws(StoreError) in
            Progress(
                id: row["id"], key: row["key"], state: try row.word("state"), attempt: row["attempt"],
                isSubmitted: row["is_submitted"], credits: row["credits_nano"])
        }
    }

    struct Command {
        let kind: String
        let task: TaskID?
        let attempt: Int
        let outcome: CommandOutcome?
    }

    /// What users have told, in order.
    func commands() throws -> [Command] {
        try database.rows("SELECT kind, task, attempt, outcome FROM command ORDER BY id") { row throws(StoreError) in
            Command(
                kind: row["kind"], task: row["task"], attempt: row["attempt"],
                outcome: try row.optionalWord("outcome"))
        }
    }

    struct Position {
        let batch: BatchID
        let cap: Credits?
        let mode: BudgetMode
        let settled: CreditTotal
        let reserved: CreditTotal
    }

    func positions() throws -> [Position] {
        try database.rows(
            """
            SELECT b.id, b.budget_nano, t.settled_whole, t.settled_billionths, t.reserved_whole, t.reserved_billionths,
                b.budget_mode
            FROM batch AS b JOIN batch_total AS t ON t.batch_id = b.id ORDER BY b.id
            """
        ) { row throws(StoreError) in
            Position(
                batch: row["id"], cap: row["budget_nano"], mode: try row.word("budget_mode"),
                settled: row.total("settled"), reserved: row.total("reserved"))
        }
    }

    /// Whether a bill of this batch came out above what was held for it.
    func hasBillAboveReservation(_ batch: BatchID) throws -> Bool {
        try database.exists(
            """
            SELECT 1 FROM event AS c WHERE c.batch_id = $1 AND c.amount_kind = 'charged' AND c.amount_nano > coalesce((
                SELECT r.amount_nano FROM event AS r
                WHERE r.task = c.task AND r.attempt = c.attempt AND r.amount_kind = 'reserved' AND r.id < c.id
                ORDER BY r.id DESC LIMIT 1), 0)
            """, SQLValue(batch))
    }

    /// A reply to it was about another submission, so that no run sends it again.
    func isConflict(_ attempt: AttemptID) throws -> Bool {
        try database.exists(
            """
            SELECT 1 FROM event
            WHERE task = $1 AND attempt = $2 AND kind = 'uncertain' AND code = 'another_submission'
            """, SQLValue(attempt.task), SQLValue(attempt.number))
    }

    /// What waits at the provider, by these keys, and was to be cancelled for a guard.
    func wantedCancelled(by accounts: APIKeyRouting) throws -> Set<RemoteTaskID> {
        let found = try database.rows(
            """
            SELECT DISTINCT a.task_id, a.key_fingerprint FROM attempt AS a
            JOIN event AS e ON e.task = a.task AND e.attempt = a.number AND e.kind = 'cancel_wanted'
            WHERE a.state = 'queued' AND a.task_id IS NOT NULL
            """
        ) { row in (remote: row["task_id"] as RemoteTaskID, account: row["key_fingerprint"] as KeyFingerprint) }
        return Set(found.filter { accounts.contains($0.account) }.map(\.remote))
    }

    /// Whether more was held for an attempt of this batch once it was accepted than before.
    func hasRaisedReservation(_ batch: BatchID) throws -> Bool {
        try database.exists(
            """
            SELECT 1 FROM event AS r JOIN event AS i ON i.task = r.task AND i.attempt = r.attempt AND i.kind = 'intent'
            WHERE r.batch_id = $1 AND r.kind = 'amount' AND r.amount_kind = 'reserved' AND r.amount_nano > i.amount_nano
            """, SQLValue(batch))
    }

    /// One row of the log, as far as budgets go.
    struct MoneyRow {
        let id: Int64
        let batch: BatchID
        let attempt: AttemptID?
        let kind: String
        let amountKind: String?
        let amount: Credits
        let to: String?
        let source: String?
        let message: String?
    }

    /// What the log says of amounts and budgets, in order.
    func moneyRows() throws -> [MoneyRow] {
        try database.rows(
            """
            SELECT id, batch_id, task, attempt, kind, amount_kind, amount_nano, to_state, source, message
            FROM event WHERE batch_id IS NOT NULL AND (amount_kind IS NOT NULL
                OR kind IN ('intent', 'accepted', 'cancel_wanted', 'budget_set', 'budget_mode_set'))
            ORDER BY id
            """
        ) { row in
            MoneyRow(
                id: row["id"], batch: row["batch_id"],
                attempt: row.isNull("attempt") ? nil : AttemptID(task: row["task"], number: row["attempt"]),
                kind: row["kind"], amountKind: row["amount_kind"], amount: row["amount_nano"], to: row["to_state"],
                source: row["source"], message: row["message"])
        }
    }

    /// Texts and amounts booked as costs, by attempt.
    func charged() throws -> [AttemptID: (text: String, credits: Credits, field: String)] {
        var result: [AttemptID: (text: String, credits: Credits, field: String)] = [:]
        try database.forEach(
            "SELECT task, attempt, amount_text, amount_nano, amount_field FROM event WHERE amount_kind = 'charged'"
        ) { row in
            result[AttemptID(task: row["task"], number: row["attempt"])] =
                (row["amount_text"], row["amount_nano"], row["amount_field"])
        }
        return result
    }

    func count(ofEvents kind: String) throws -> Int {
        try database.value("SELECT count(*) FROM event WHERE kind = $1", .text(kind)) ?? 0
    }

    /// Attempts that have more than one event of a kind that can come only once.
    func repeatedOnce() throws -> [String] {
        try database.column(
            """
            SELECT task || '#' || attempt || ' ' || kind FROM event
            WHERE kind IN ('accepted', 'completed', 'failed', 'cancelled', 'saved', 'cost_learned')
            GROUP BY task, attempt, kind HAVING count(*) > 1 + (
                SELECT count(*) FROM event AS gone
                WHERE event.kind = 'saved' AND gone.kind = 'clip_gone' AND gone.task = event.task
                    AND gone.attempt = event.attempt)
            """)
    }

    /// Whether the store knows that the keys of this attempt's account are honoured in its dialect.
    func keyIsHonored(of attempt: Attempt) throws -> Bool {
        try database.exists(
            "SELECT 1 FROM key_trust WHERE trust = 'honoured' AND key_fingerprint = $1 AND dialect = $2",
            .text(attempt.account.text), .text(attempt.dialect.rawValue))
    }

    /// What SQLite itself finds wrong.
    func damage() throws -> [String] {
        let found: [String] = try database.column("PRAGMA integrity_check").filter { $0 != "ok" }
        return found
            + (try database.rows("PRAGMA foreign_key_check") { row in "foreign key in \(row["table"] as String)" })
    }
}

/// What was durable at the last look: nothing of it may be taken back.
final class Ledger {
    private var attempts: [AttemptID: InvariantChecker.Attempt] = [:]
    /// Their clips vanished from the disk since the last look, and are to be fetched again.
    private var gone: Set<AttemptID> = []

    func clipIsGone(_ attempt: AttemptID) { gone.insert(attempt) }

    /// - Returns: what was overwritten or taken back, if anything.
    func take(_ rows: [InvariantChecker.Attempt]) -> String? {
        let present = Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0) })
        for (id, old) in attempts {
            guard let new = present[id] else { return "attempt \(id) is gone" }
            if let fault = fault(old, new) { return "attempt \(id): \(fault)" }
        }
        attempts = present
        gone = []
        return nil
    }

    private func fault(_ old: InvariantChecker.Attempt, _ new: InvariantChecker.Attempt) -> String? {
        if old.key != new.key { return "its key changed" }
        // What never reached the provider may go out in another dialect.
        if old.body != new.body, !old.isNotAccepted { return "its bytes changed" }
        if let remote = old.remote, new.remote != remote { return "its task id changed" }
        if old.isFinal, old.state != new.state { return "it went from \(old.state) to \(new.state)" }
        if old.state == .running, new.state == .queued { return "it went back to queued" }
        if let credits = old.credits, new.credits != credits { return "its cost changed" }
        if let path = old.path, new.path != path, !gone.contains(old.id) { return "its clip changed" }
        if new.isNotAccepted, old.remote != nil || old.isFinal { return "what was accepted counts as never sent" }
        return nil
    }
}
