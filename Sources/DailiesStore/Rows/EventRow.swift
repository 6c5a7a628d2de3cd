import DailiesCore

/// One row of the log, as it stands there.
public struct EventRow: Hashable, Sendable {
    /// Grows with every row.
    public let id: Int64
    /// When it happened, to the millisecond.
    public let at: Instant
    /// The attempt's number; nil where none is meant.
    public let attempt: Int?
    /// `intent`, `accepted`, `uncertain`, … ; `amount`: one more amount of the row before.
    public let kind: String
    /// The state before; nil where none changed.
    public let from: TaskState?
    /// The state after; nil where none changed.
    public let to: TaskState?
    /// As the provider wrote it.
    public let amountText: String?
    /// The same, as it is booked.
    public let amount: Credits?
    /// `reserved`, `quoted`, `charged`, `stated` or `released`.
    public let amountKind: String?
    /// The field of the reply that the amount stood in, or the rule it follows from.
    public let amountField: String?
    /// Who said so: `reply`, `query`, `user`, `rule:not_billed`, …
    public let source: String?
    /// The provider's code, or ours.
    public let code: String?
    /// For people; may hold anything.
    public let message: String?
}

extension Store {
    /// What happened to a task, oldest first: the evidence for `explain` and `reconcile`.
    ///
    /// - Parameter limit: at most this many; the newest are kept.
    public func events(of task: TaskID, limit: Int = 1000) throws(StoreError) -> [EventRow] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT id, at_ms, attempt, kind, from_state, to_state, amount_text, amount_nano, amount_kind,
                    amount_field, source, code, message
                FROM event WHERE task = ? ORDER BY id DESC LIMIT ?
                """, SQLValue(task), SQLValue(limit)
            ) { row throws(StoreError) in
                EventRow(
                    id: row.integer(0), at: row.instant(1), attempt: row.optionalInt(2), kind: row.text(3),
                    from: row.isNull(4) ? nil : try row.word(4), to: row.isNull(5) ? nil : try row.word(5),
                    amountText: row.optionalText(6), amount: row.optionalCredits(7), amountKind: row.optionalText(8),
                    amountField: row.optionalText(9), source: row.optionalText(10), code: row.optionalText(11),
                    message: row.optionalText(12))
            }.reversed()
        }
    }
}
