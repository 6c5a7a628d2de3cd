import DailiesCore

/// The use of budgets: the totals of batches and of tags with a cap. Each statement that changes an attempt's
/// reservation or cost has one of these next to it.
extension SQLiteConnection {
    /// Reserves a new attempt's maximum price if it fits the budgets of its batch and of its tags.
    ///
    /// The runner decides by its own sums first, so that this only fails if another writer has used the credits in the
    /// meantime.
    ///
    /// - Parameter amount: nil, an unknown price, fits only without a cap.
    /// - Throws: `overBudget` if it does not fit; the caller rolls back.
    func reserve(
        _ amount: Credits?, for attempt: AttemptID, in batch: BatchID, tags: [TagBudgetID], at: Instant
    ) throws(StoreError) {
        let parts = CreditParts(amount)
        let reserved = try run(
            Self.reserveInBatch, SQLValue(batch), .integer(parts.whole), .integer(parts.billionths),
            SQLValue(amount != nil), SQLValue(at))
        guard reserved == 1 else { throw Self.overBudget(attempt, amount, "batch \(batch)") }
        for tag in tags {
            let reserved = try run(
                Self.reserveInTag, .integer(tag.rawValue), .integer(parts.whole), .integer(parts.billionths),
                SQLValue(amount != nil))
            guard reserved == 1 else { throw Self.overBudget(attempt, amount, "a tag of batch \(batch)") }
        }
    }

    private static let reserveInBatch = """
        UPDATE batch_total SET reserved_whole = reserved_whole + $2, reserved_billionths = reserved_billionths + $3,
            first_submitted_at_ms = CASE WHEN first_submitted_at_ms <= $5 THEN first_submitted_at_ms ELSE $5 END
        WHERE batch_id = $1 AND EXISTS (
            SELECT 1 FROM batch AS b WHERE b.id = batch_total.batch_id AND \(fits("b.budget_nano")))
        """

    private static let reserveInTag = """
        UPDATE tag_budget SET reserved_whole = reserved_whole + $2, reserved_billionths = reserved_billionths + $3
        WHERE id = $1 AND EXISTS (
            SELECT 1 FROM batch AS b WHERE b.id = tag_budget.batch_id AND \(fits("tag_budget.cap_nano")))
        """

    /// Whether `$2` credits and `$3` billionths fit a budget of `batch AS b`, as in ``DailiesCore/Budget/verdict(for:)``.
    /// `$4`: whether the price is known.
    private static func fits(_ cap: String) -> String {
        """
        (\(cap) IS NULL OR ($4 AND CASE
            WHEN b.budget_mode = 'cautious' THEN
                (settled_whole + reserved_whole + $2 + (settled_billionths + reserved_billionths + $3) / 1000000000,
                    (settled_billionths + reserved_billionths + $3) % 1000000000)
                <= (\(cap) / 1000000000, \(cap) % 1000000000)
            ELSE (settled_whole + settled_billionths / 1000000000, settled_billionths % 1000000000)
                < (\(cap) / 1000000000, \(cap) % 1000000000) END))
        """
    }

    private static func overBudget(_ attempt: AttemptID, _ amount: Credits?, _ budget: String) -> StoreError {
        StoreError(
            .overBudget,
            "\(amount.map(\.description) ?? "an unknown amount of") credits for attempt \(attempt) do not fit the budget of "
                + "\(budget) any more, since another process has used it; the request was not sent; run again")
    }

    /// Books a change of an attempt's reservation and cost.
    ///
    /// - Parameter settledAt: nil: it was settled before, or is not settled.
    func book(
        _ old: AttemptSnapshot, reserved: Credits?, cost: Credits?, settledAt: Instant? = nil
    ) throws(StoreError) {
        if reserved == old.reserved, cost == old.credits, settledAt == nil { return }
        let reservation = CreditParts(reserved) - CreditParts(old.reserved)
        let settled = CreditParts(cost) - CreditParts(old.credits)
        try run(
            Self.bookInBatch, SQLValue(old.batch), .integer(settled.whole), .integer(settled.billionths),
            .integer(reservation.whole), .integer(reservation.billionths), SQLValue(settledAt))
        for tag in old.tagBudgets {
            try run(
                Self.bookInTag, .integer(tag.rawValue), .integer(settled.whole), .integer(settled.billionths),
                .integer(reservation.whole), .integer(reservation.billionths))
        }
    }

    private static let added = """
        settled_whole = settled_whole + $2, settled_billionths = settled_billionths + $3,
        reserved_whole = reserved_whole + $4, reserved_billionths = reserved_billionths + $5
        """

    private static let bookInBatch = """
        UPDATE batch_total SET \(added), last_settled_at_ms =
            CASE WHEN last_settled_at_ms >= $6 THEN last_settled_at_ms ELSE coalesce($6, last_settled_at_ms) END
        WHERE batch_id = $1
        """

    private static let bookInTag = "UPDATE tag_budget SET \(added) WHERE id = $1"

    /// Sums up the attempts of a batch's tasks with a tag, whose budget is new.
    func sumUpBudget(of tag: TaskSpec.Tag, in batch: BatchID) throws(StoreError) {
        try run(
            """
            UPDATE tag_budget SET (settled_whole, settled_billionths, reserved_whole, reserved_billionths) = (
                SELECT \(Self.sums) FROM attempt AS a WHERE a.batch_id = tag_budget.batch_id AND a.task IN (
                    SELECT t.task FROM task_tag AS t WHERE t.name = tag_budget.name AND t.value = tag_budget.value))
            WHERE batch_id = $1 AND name = $2 AND value = $3
            """, SQLValue(batch), .text(tag.name), .text(tag.value))
    }

    /// Adds a task's attempts to the budgets of its tags, or subtracts them, since its tags change.
    func book(_ task: TaskID, of batch: BatchID, _ change: TagChange) throws(StoreError) {
        try run(
            """
            UPDATE tag_budget SET settled_whole = tag_budget.settled_whole + $3 * s.settled_whole,
                settled_billionths = tag_budget.settled_billionths + $3 * s.settled_billionths,
                reserved_whole = tag_budget.reserved_whole + $3 * s.reserved_whole,
                reserved_billionths = tag_budget.reserved_billionths + $3 * s.reserved_billionths
            FROM (SELECT \(Self.sums) FROM attempt AS a WHERE a.task = $1) AS s
            WHERE tag_budget.cap_nano IS NOT NULL AND tag_budget.id IN (
                SELECT b.id FROM task_tag AS t
                JOIN tag_budget AS b ON b.batch_id = $2 AND b.name = t.name AND b.value = t.value
                WHERE t.task = $1)
            """, SQLValue(task), SQLValue(batch), .integer(change.rawValue))
    }

    /// Whether a task loses or gains tags.
    enum TagChange: Int64 {
        case removed = -1
        case added = 1
    }

    /// Columns with sums over `attempt AS a`.
    static let sums = """
        coalesce(sum(a.credits_nano / 1000000000), 0) AS settled_whole,
        coalesce(sum(a.credits_nano % 1000000000), 0) AS settled_billionths,
        coalesce(sum(a.reserved_nano / 1000000000), 0) AS reserved_whole,
        coalesce(sum(a.reserved_nano % 1000000000), 0) AS reserved_billionths
        """
}

/// An amount as it is added to two integer sums, each of which cannot overflow.
private struct CreditParts {
    let whole: Int64
    let billionths: Int64

    init(_ credits: Credits?) {
        let nano = credits?.nano ?? 0
        (whole, billionths) = (nano / 1_000_000_000, nano % 1_000_000_000)
    }

    private init(whole: Int64, billionths: Int64) { (self.whole, self.billionths) = (whole, billionths) }

    static func - (a: CreditParts, b: CreditParts) -> CreditParts {
        CreditParts(whole: a.whole - b.whole, billionths: a.billionths - b.billionths)
    }
}
