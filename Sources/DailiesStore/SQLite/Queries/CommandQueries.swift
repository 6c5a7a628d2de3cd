import DailiesCore

/// Commands that users gave to a run through the store.
package struct PendingCommands: Sendable {
    /// Commands on single tasks, in the order in which they were given.
    package var commands: [UserCommand] = []
    /// Pauses and limits that are not marked as applied.
    package var lasting: [CommandID] = []
    /// The last command that was read.
    package var last: CommandID?
    /// Whether there may be more.
    package var isMore = false
}

/// A command to be given.
package struct NewCommand: Hashable, Sendable {
    package let order: UserCommand.Action
    /// The attempt that the user saw.
    package let attempt: AttemptID
    package init(_ order: UserCommand.Action, of attempt: AttemptID) {
        self.order = order
        self.attempt = attempt
    }
}

/// A pause, its end, or a limit.
package enum ControlChange: Hashable, Sendable {
    /// Submit nothing of this scope until it is unpaused.
    case pause(PauseScope)
    /// End a pause. `everything` ends all pauses.
    case unpause(PauseScope)
    /// Set the limit of tasks in flight; nil: use the run's options.
    case concurrency(Int?, model: ModelID?)
}

/// Giving commands. Each call is one short transaction.
extension Store {
    /// Records commands for the active or the next run.
    ///
    /// - Returns: their IDs, in order.
    package func enqueue(_ orders: [NewCommand], at: Instant) throws(StoreError) -> [CommandID] {
        try transaction { database throws(StoreError) in
            var ids: [CommandID] = []
            for order in orders {
                let columns = order.order.columns
                ids.append(
                    try database.insert(
                        """
                        INSERT INTO command (at_ms, kind, task, attempt, is_insisted, new_seed, adopted_task_id)
                        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
                        """, SQLValue(at), .text(columns.kind), SQLValue(order.attempt.task),
                        SQLValue(order.attempt.number), SQLValue(columns.isInsisted), SQLValue(columns.newSeed),
                        SQLValue(columns.adopted?.text)))
            }
            return ids
        }
    }

    /// Records a pause or limit that applies until it is changed.
    package func enqueue(_ order: ControlChange, at: Instant) throws(StoreError) -> CommandID {
        try transaction { database throws(StoreError) in
            let (kind, scope, limit): (String, PauseScope, Int?) =
                switch order {
                case .pause(let scope): ("pause", scope, nil)
                case .unpause(let scope): ("unpause", scope, nil)
                case .concurrency(let limit, let model):
                    ("concurrency", model.map(PauseScope.model) ?? .everything, limit)
                }
            return try database.insert(
                """
                INSERT INTO command (at_ms, kind, batch_id, model, tasks_in_flight) VALUES ($1, $2, $3, $4, $5) RETURNING id
                """, SQLValue(at), .text(kind), SQLValue(scope.columns.batch), SQLValue(scope.columns.model),
                SQLValue(limit))
        }
    }

    /// The outcomes of these commands; commands that have not ended are omitted.
    package func outcomes(
        of commands: [CommandID]
    ) throws(StoreError) -> [CommandID: (outcome: CommandOutcome, message: String?)] {
        guard let first = commands.first, let last = commands.last else { return [:] }
        let found = try reading { database throws(StoreError) in
            try database.rows(
                "SELECT id, outcome, message FROM command WHERE id BETWEEN $1 AND $2 AND ended_at_ms IS NOT NULL",
                .integer(first.rawValue), .integer(last.rawValue)
            ) { row throws(StoreError) in
                (
                    id: row["id"] as CommandID, outcome: try row.word("outcome", as: CommandOutcome.self),
                    message: row["message"] as String?
                )
            }
        }
        let wanted = Set(commands)
        return Dictionary(
            uniqueKeysWithValues: found.filter { wanted.contains($0.id) }.map { ($0.id, ($0.outcome, $0.message)) })
    }

    /// Withdraws commands that no run has carried out.
    ///
    /// - Parameter evenIfStarted: also those that a run has read, which has ended since. Otherwise they may still take
    ///   effect, and stay.
    /// - Returns: the number of commands that stay.
    @discardableResult
    package func revoke(_ commands: [CommandID], evenIfStarted: Bool, at: Instant) throws(StoreError) -> Int {
        try transaction { database throws(StoreError) in
            var open = 0
            for command in commands {
                let isStarted: Bool? = try database.value(
                    "SELECT started_at_ms IS NOT NULL FROM command WHERE id = $1 AND ended_at_ms IS NULL",
                    .integer(command.rawValue))
                guard let isStarted else { continue }
                if isStarted, !evenIfStarted {
                    open += 1
                } else {
                    try database.endCommand(command, .revoked, message: nil, at: at)
                }
            }
            return open
        }
    }
}

/// Reading commands in a run.
extension Store {
    /// Maximum commands read at once.
    private static let commandPage = 500

    /// Commands that no run has carried out, after a known one. The run that reads them carries them out: from now on
    /// they cannot be withdrawn.
    ///
    /// - Parameter isForced: read even if no other connection has written since the last read.
    package func pendingCommands(
        after last: CommandID?, isForced: Bool, at: Instant
    ) throws(StoreError) -> PendingCommands {
        var pending = try unreadCommands(after: last, isForced: isForced)
        guard !pending.commands.isEmpty else { return pending }
        let read = pending.commands
        pending.commands = try transaction { database throws(StoreError) in
            var started: [UserCommand] = []
            // A user may have withdrawn some in the meantime.
            for command in read where try database.startCommand(command.id, at: at) { started.append(command) }
            return started
        }
        return pending
    }

    private func unreadCommands(after last: CommandID?, isForced: Bool) throws(StoreError) -> PendingCommands {
        try reading { database throws(StoreError) in
            // Changes only when another connection has committed; usually nothing more needs to be read.
            let version: Int64? = try database.value(SQLDialect.changeCounter)
            guard isForced || version != self.lastDataVersion else { return PendingCommands() }
            let pending = try database.pendingCommands(after: last, limit: Self.commandPage)
            self.lastDataVersion = pending.isMore ? nil : version
            return pending
        }
    }

    /// The pauses and limits in effect.
    ///
    /// - Parameter command: limits up to this one are omitted, since a run already knows or overrides them.
    package func runControls(limitsAfter command: CommandID? = nil) throws(StoreError) -> RunControls {
        try reading { database throws(StoreError) in try database.runControls(limitsAfter: command) }
    }

    /// The last command that was given, carried out or not; nil: none.
    package func latestCommandID() throws(StoreError) -> CommandID? {
        try reading { database throws(StoreError) in
            try database.value("SELECT id FROM command ORDER BY id DESC LIMIT 1")
        }
    }
}

extension SQLiteConnection {
    fileprivate func pendingCommands(after last: CommandID?, limit: Int) throws(StoreError) -> PendingCommands {
        var pending = PendingCommands()
        let rows = try rows(
            """
            SELECT c.id, c.kind, c.task, c.attempt, c.is_insisted, s.batch_id, s.model, c.new_seed, c.adopted_task_id
            FROM command AS c LEFT JOIN task_state AS s ON s.id = c.task
            WHERE c.ended_at_ms IS NULL AND c.id > $1 ORDER BY c.id LIMIT $2
            """, .integer(last?.rawValue ?? 0), SQLValue(limit)
        ) { row throws(StoreError) -> (id: CommandID, isControl: Bool, command: UserCommand?) in
            let id: CommandID = row["id"]
            guard !row.isNull("task") else { return (id, true, nil) }
            let action = UserCommand.Action(
                kind: row["kind"], isInsisted: row["is_insisted"], newSeed: row["new_seed"],
                adopted: row["adopted_task_id"])
            // A kind that this program does not know is left to one that does.
            guard let action else { return (id, false, nil) }
            return (
                id, false,
                UserCommand(
                    id: id, order: action,
                    attempt: AttemptID(task: row["task"], number: try row.attemptNumber("attempt")),
                    queue: TaskQueueID(batch: row["batch_id"], model: row["model"]))
            )
        }
        pending.commands = rows.compactMap(\.command)
        pending.lasting = rows.filter(\.isControl).map(\.id)
        pending.last = rows.last?.id
        pending.isMore = rows.count == limit
        return pending
    }

    /// The last command of each scope counts. There are few, since people give them.
    ///
    /// - Parameter command: limits up to this one are omitted.
    func runControls(limitsAfter command: CommandID? = nil) throws(StoreError) -> RunControls {
        // A limit that was written into the file by hand is clamped to a valid range.
        let limit = { (row: SQLRow) in
            (row["tasks_in_flight"] as Int64?).map { Int(max(Int32(clamping: $0), 1)) }
        }
        var controls = RunControls()
        try forEach(
            "SELECT id, kind, batch_id, model, tasks_in_flight FROM command WHERE task IS NULL ORDER BY id"
        ) { row in
            let model: ModelID? = row["model"]
            let scope = PauseScope(batch: row["batch_id"], model: model)
            switch row["kind"] as String {
            case "pause": controls.pauses.insert(scope)
            case "unpause" where scope == .everything: controls.pauses = []
            case "unpause": controls.pauses.remove(scope)
            default:
                guard row["id"] > command?.rawValue ?? 0 else { return }
                if let model {
                    controls.modelConcurrency[model] = limit(row)
                } else {
                    controls.concurrency = limit(row)
                }
            }
        }
        return controls
    }
}

extension UserCommand.Action {
    fileprivate typealias Columns = (kind: String, isInsisted: Bool, newSeed: Int64?, adopted: RemoteTaskID?)

    fileprivate var columns: Columns {
        switch self {
        case .cancel(let evenIfCharged): ("cancel", evenIfCharged, nil, nil)
        case .retry(let again, let newSeed): ("retry", again, newSeed, nil)
        case .reconcile: ("reconcile", false, nil, nil)
        case .adopt(let remote): ("adopt", false, nil, remote)
        case .assumeLost(let afterLookup): ("assume_lost", !afterLookup, nil, nil)
        }
    }

    fileprivate init?(kind: String, isInsisted: Bool, newSeed: Int64?, adopted: RemoteTaskID?) {
        switch (kind, adopted) {
        case ("cancel", _): self = .cancel(evenIfCharged: isInsisted)
        case ("retry", _): self = .retry(again: isInsisted, newSeed: newSeed)
        case ("reconcile", _): self = .reconcile
        case ("adopt", let remote?): self = .adopt(remote)
        case ("assume_lost", _): self = .assumeLost(afterLookup: !isInsisted)
        default: return nil
        }
    }
}

extension PauseScope {
    fileprivate var columns: (batch: Int64?, model: String?) {
        switch self {
        case .everything: (nil, nil)
        case .batch(let batch): (batch.rawValue, nil)
        case .model(let model): (nil, model.text)
        }
    }

    fileprivate init(batch: BatchID?, model: ModelID?) {
        self = batch.map(PauseScope.batch) ?? model.map(PauseScope.model) ?? .everything
    }
}
