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
        let isHandedOver: Bool

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
            SELECT task, n, batch_id, submission_key, body, state, task_id, not_accepted_at_ms IS NOT NULL,
                outcome_unknown_at_ms IS NOT NULL, lost_at_ms IS NOT NULL, is_open, is_cost_awaited, is_unsaved,
                reserved_nano, credits_nano, output_path, output_sha256, failure_code,
                submitted_at_ms, accepted_by, key_fingerprint, dialect, failure_message, model,
                estimated_credits_nano, cancel_reason, sent_at_ms, is_replayed, handed_over_from IS NOT NULL
            FROM attempt ORDER BY task, n
            """
        ) { row throws(StoreError) in
            Attempt(
                id: AttemptID(task: TaskID(row.integer(0)), number: row.int(1)), batch: BatchID(row.integer(2)),
                key: SubmissionKey(row.text(3)), body: row.blob(4), state: try row.word(5),
                remote: row.optionalText(6).map(RemoteTaskID.init), isNotAccepted: row.bool(7),
                isUncertain: row.bool(8), isLost: row.bool(9), isOpen: row.bool(10), isCostAwaited: row.bool(11),
                isUnsaved: row.bool(12), reserved: row.optionalCredits(13), credits: row.optionalCredits(14),
                path: row.optionalText(15), digest: row.optionalText(16), failureCode: row.optionalText(17),
                failureMessage: row.optionalText(22),
                submittedAt: row.instant(18), sentAt: row.instant(26), isReplayed: row.bool(27),
                acceptedBy: row.optionalText(19),
                account: KeyFingerprint(row.text(20)), dialect: try row.word(21), model: ModelID(row.text(23)),
                estimate: row.optionalCredits(24), cancelReason: row.isNull(25) ? nil : try row.word(25),
                isHandedOver: row.bool(28))
        }
    }

    func attempt(_ key: SubmissionKey) throws -> Attempt? { try attempts().first { $0.key == key } }

    struct Progress {
        let id: TaskID
        let key: String
        let state: TaskState
        let attempt: Int
        let hasKey: Bool
        let credits: Credits?
    }

    func tasks() throws -> [Progress] {
        try database.rows(
            """
            SELECT s.id, i.key, s.state, s.attempt, s.has_key, s.credits_nano
            FROM task_standing AS s JOIN task_input AS i ON i.id = s.id ORDER BY s.id
            """
        ) { row throws(StoreError) in
            Progress(
                id: TaskID(row.integer(0)), key: row.text(1), state: try row.word(2), attempt: row.int(3),
                hasKey: row.bool(4), credits: row.optionalCredits(5))
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
                kind: row.text(0), task: row.optionalInteger(1).map(TaskID.init), attempt: row.int(2),
                outcome: row.isNull(3) ? nil : try row.word(3))
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
                batch: BatchID(row.integer(0)), cap: row.optionalCredits(1), mode: try row.word(6),
                settled: row.total(2), reserved: row.total(4))
        }
    }

    /// Whether a bill of this batch came out above what was held for it.
    func hasBillAboveReservation(_ batch: BatchID) throws -> Bool {
        try database.first(
            """
            SELECT 1 FROM event AS c WHERE c.batch_id = ? AND c.amount_kind = 'charged' AND c.amount_nano > coalesce((
                SELECT r.amount_nano FROM event AS r
                WHERE r.task = c.task AND r.attempt = c.attempt AND r.amount_kind = 'reserved' AND r.id < c.id
                ORDER BY r.id DESC LIMIT 1), 0)
            """, SQLValue(batch)
        ) { _ in true } ?? false
    }

    /// A reply to it was about another submission, so that no run sends it again.
    func isConflict(_ attempt: AttemptID) throws -> Bool {
        try database.first(
            """
            SELECT count(*) > 0 FROM event
            WHERE task = ? AND attempt = ? AND kind = 'uncertain' AND code = 'another_submission'
            """, SQLValue(attempt.task), SQLValue(attempt.number)
        ) { row in row.bool(0) } ?? false
    }

    /// What waits at the provider, by these keys, and was to be cancelled for a guard.
    func wantedCancelled(by accounts: APIKeyRouting) throws -> Set<RemoteTaskID> {
        let found = try database.rows(
            """
            SELECT DISTINCT a.task_id, a.key_fingerprint FROM attempt AS a
            JOIN event AS e ON e.task = a.task AND e.attempt = a.n AND e.kind = 'cancel_wanted'
            WHERE a.state = 'queued' AND a.task_id IS NOT NULL
            """
        ) { row in (remote: RemoteTaskID(row.text(0)), account: KeyFingerprint(row.text(1))) }
        return Set(found.filter { accounts.contains($0.account) }.map(\.remote))
    }

    /// Whether more was held for an attempt of this batch once it was accepted than before.
    func hasRaisedReservation(_ batch: BatchID) throws -> Bool {
        try database.first(
            """
            SELECT 1 FROM event AS r JOIN event AS i ON i.task = r.task AND i.attempt = r.attempt AND i.kind = 'intent'
            WHERE r.batch_id = ? AND r.kind = 'amount' AND r.amount_kind = 'reserved' AND r.amount_nano > i.amount_nano
            """, SQLValue(batch)
        ) { _ in true } ?? false
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
            SELECT id, batch_id, task, attempt, kind, amount_kind, coalesce(amount_nano, 0), to_state, source, message
            FROM event WHERE batch_id IS NOT NULL AND (amount_kind IS NOT NULL
                OR kind IN ('intent', 'accepted', 'cancel_wanted', 'budget_set', 'budget_mode_set'))
            ORDER BY id
            """
        ) { row in
            MoneyRow(
                id: row.integer(0), batch: BatchID(row.integer(1)),
                attempt: row.isNull(3) ? nil : AttemptID(task: TaskID(row.integer(2)), number: row.int(3)),
                kind: row.text(4), amountKind: row.optionalText(5), amount: Credits(nano: row.integer(6)),
                to: row.optionalText(7), source: row.optionalText(8), message: row.optionalText(9))
        }
    }

    /// Texts and amounts booked as costs, by attempt.
    func charged() throws -> [AttemptID: (text: String, credits: Credits, field: String)] {
        var result: [AttemptID: (text: String, credits: Credits, field: String)] = [:]
        try database.forEach(
            "SELECT task, attempt, amount_text, amount_nano, amount_field FROM event WHERE amount_kind = 'charged'"
        ) { row in
            result[AttemptID(task: TaskID(row.integer(0)), number: row.int(1))] =
                (row.text(2), Credits(nano: row.integer(3)), row.text(4))
        }
        return result
    }

    func count(ofEvents kind: String) throws -> Int {
        try database.first("SELECT count(*) FROM event WHERE kind = ?", .text(kind)) { row in row.int(0) } ?? 0
    }

    /// Attempts that have more than one event of a kind that can come only once.
    func repeatedOnce() throws -> [String] {
        try database.rows(
            """
            SELECT task || '#' || attempt || ' ' || kind FROM event
            WHERE kind IN ('accepted', 'completed', 'failed', 'cancelled', 'saved', 'cost_learned')
            GROUP BY task, attempt, kind HAVING count(*) > 1 + (
                SELECT count(*) FROM event AS gone
                WHERE event.kind = 'saved' AND gone.kind = 'clip_gone' AND gone.task = event.task
                    AND gone.attempt = event.attempt)
            """
        ) { row in row.text(0) }
    }

    /// Whether the store knows that the keys of this attempt's account are honoured in its dialect.
    func keyIsHonoured(of attempt: Attempt) throws -> Bool {
        try database.first(
            "SELECT 1 FROM key_trust WHERE trust = 'honoured' AND key_fingerprint = ? AND dialect = ?",
            .text(attempt.account.text), .text(attempt.dialect.rawValue)
        ) { _ in true } ?? false
    }

    /// What SQLite itself finds wrong.
    func damage() throws -> [String] {
        let found = try database.rows("PRAGMA integrity_check") { row in row.text(0) }.filter { $0 != "ok" }
        return found + (try database.rows("PRAGMA foreign_key_check") { row in "foreign key in \(row.text(0))" })
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
