import DailiesCore

/// One row of the event log.
package struct EventRow: Hashable, Sendable {
    /// The row number, which grows with every row.
    package let id: Int64
    /// The time, with millisecond precision.
    package let at: Instant
    /// The attempt's number; nil if the event is about no attempt.
    package let attempt: Int?
    /// The kind: `intent`, `accepted`, `uncertain`, … ; `amount` is another amount of the previous row.
    package let kind: String
    /// The old state; nil if it did not change.
    package let from: TaskState?
    /// The new state; nil if it did not change.
    package let to: TaskState?
    /// The amount as the provider wrote it.
    package let amountText: String?
    /// The amount as booked.
    package let amount: Credits?
    /// The kind of amount: `reserved`, `quoted`, `charged`, `stated` or `released`.
    package let amountKind: String?
    /// The reply field of the amount, or the rule that it follows from.
    package let amountField: String?
    /// The source: `reply`, `query`, `user`, `rule:not_billed`, …
    package let source: String?
    /// The provider's code or one of this program.
    package let code: String?
    /// For display; may contain any characters.
    package let message: String?
}

extension Store {
    /// The events of a task, oldest first: the evidence for `explain` and `reconcile`.
    ///
    /// - Parameter limit: the maximum number; the newest are kept.
    package func events(of task: TaskID, limit: Int = 1000) throws(StoreError) -> [EventRow] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT id, at_ms, attempt, kind, from_state, to_state, amount_text, amount_nano, amount_kind,
                    amount_field, source, code, message
                FROM event WHERE task = $1 ORDER BY id DESC LIMIT $2
                """, SQLValue(task), SQLValue(limit)
            ) { row throws(StoreError) in
                EventRow(
                    id: row["id"], at: row["at_ms"], attempt: row["attempt"], kind: row["kind"],
                    from: try row.optionalWord("from_state"), to: try row.optionalWord("to_state"),
                    amountText: row["amount_text"], amount: row["amount_nano"], amountKind: row["amount_kind"],
                    amountField: row["amount_field"], source: row["source"], code: row["code"],
                    message: row["message"])
            }.reversed()
        }
    }
}
