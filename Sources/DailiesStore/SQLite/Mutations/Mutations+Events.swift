import DailiesCore

/// A row of the table `event` to be written.
struct NewEvent {
    enum AmountKind: String {
        /// Reserved in the budget.
        case reserved
        /// The provider's cost estimate.
        case quoted
        /// Booked as the cost.
        case charged
        /// Stated in addition to the booked one.
        case stated
        /// Released from the budget.
        case released
    }

    /// The unit of every amount.
    static let unit = "credits"

    let at: Instant
    /// nil: that of its task, if it is about a task.
    let batch: BatchID?
    var task: TaskID?
    var attempt: Int?
    let kind: String
    var from: TaskState?
    var to: TaskState?
    private(set) var amount: (amount: Amount, kind: AmountKind)?
    var source: String?
    var code: String?
    var message: String?

    init(_ kind: String, at: Instant, batch: BatchID?, task: TaskID? = nil, attempt: Int? = nil) {
        self.kind = kind
        self.at = at
        self.batch = batch
        self.task = task
        self.attempt = attempt
    }

    /// A row about an attempt.
    ///
    /// - Parameter batch: nil: that of its task.
    init(_ kind: String, at: Instant, _ attempt: AttemptID, in batch: BatchID? = nil) {
        self.init(kind, at: at, batch: batch, task: attempt.task, attempt: attempt.number)
    }

    func moving(from: TaskState, to: TaskState) -> NewEvent {
        var row = self
        row.from = from
        row.to = to
        return row
    }

    func caused(by fault: ProviderError) -> NewEvent {
        var row = self
        row.code = fault.code ?? fault.status.map { "http_\($0)" } ?? fault.kind.rawValue
        row.message = fault.message
        return row
    }

    func with(_ amount: Amount?, _ kind: AmountKind) -> NewEvent {
        var row = self
        row.amount = amount.map { ($0, kind) }
        return row
    }

    /// Adds an amount that the budget reserves or releases.
    func with(_ held: Credits?, _ kind: AmountKind) -> NewEvent {
        let amount = held.map {
            Amount(credits: $0, text: $0.description, source: "reservation", isRounded: false)
        }
        return with(amount, kind)
    }

    /// A separate row for another amount of the same event.
    func also(_ amount: Amount, _ kind: AmountKind) -> NewEvent {
        NewEvent("amount", at: at, batch: batch, task: task, attempt: attempt).with(amount, kind)
    }

    func also(_ held: Credits, _ kind: AmountKind) -> NewEvent {
        NewEvent("amount", at: at, batch: batch, task: task, attempt: attempt).with(held, kind)
    }
}

extension SQLiteConnection {
    func log(_ row: NewEvent) throws(StoreError) {
        try run(
            """
            INSERT INTO event (at_ms, batch_id, task, attempt, kind, from_state, to_state, amount_text, amount_nano,
                amount_unit, amount_field, amount_kind, is_rounded, source, code, message)
            VALUES ($1, coalesce($2, (SELECT batch_id FROM task_state WHERE id = $3)), $3, $4, $5, $6, $7, $8, $9,
                $10, $11, $12, $13, $14, $15, $16)
            """,
            SQLValue(row.at), SQLValue(row.batch?.rawValue), SQLValue(row.task?.rawValue), SQLValue(row.attempt),
            .text(row.kind),
            SQLValue(row.from?.rawValue), SQLValue(row.to?.rawValue), SQLValue(row.amount?.amount.text),
            SQLValue(row.amount?.amount.credits), SQLValue(row.amount.map { _ in NewEvent.unit }),
            SQLValue(row.amount?.amount.source), SQLValue(row.amount?.kind.rawValue),
            SQLValue(row.amount?.amount.isRounded ?? false), SQLValue(row.source), SQLValue(row.code),
            SQLValue(row.message))
    }
}
