import DailiesCore

/// What users tell a runner through the store.
public struct PendingCommands: Sendable {
    /// About single tasks, in the order in which they were given.
    public var commands: [UserCommand] = []
    /// Pauses and limits that are not marked as taken up.
    public var lasting: [CommandID] = []
    /// The last command that was read.
    public var last: CommandID?
    /// There may be more.
    public var isMore = false
}

/// A cancel or retry, as it is given.
public struct NewCommand: Hashable, Sendable {
    /// What is to be done.
    public let order: UserCommand.Action
    /// As the user saw it.
    public let attempt: AttemptID
    /// Takes its properties as they are given.
    public init(_ order: UserCommand.Action, of attempt: AttemptID) {
        self.order = order
        self.attempt = attempt
    }
}

/// A pause, its end, or a limit.
public enum ControlChange: Hashable, Sendable {
    /// Nothing of this is submitted until it is unpaused.
    case pause(PauseScope)
    /// Of everything: every pause ends.
    case unpause(PauseScope)
    /// nil: as the run's own options say.
    case concurrency(Int?, model: ModelID?)
}

/// The side of the one who commands. Each call is one short transaction of its own.
extension Store {
    /// Writes commands for whoever runs on the store, now or next.
    ///
    /// - Returns: their ids, in order.
    public func tell(_ orders: [NewCommand], at: Instant) throws(StoreError) -> [CommandID] {
        try transaction { database throws(StoreError) in
            var ids: [CommandID] = []
            for order in orders {
                let (kind, insists, newSeed): (String, Bool, Int64?) =
                    switch order.order {
                    case .cancel(let evenIfCharged): ("cancel", evenIfCharged, nil)
                    case .retry(let again, let newSeed): ("retry", again, newSeed)
                    }
                try database.run(
                    "INSERT INTO command (at_ms, kind, task, attempt, is_insisted, new_seed) VALUES (?, ?, ?, ?, ?, ?)",
                    SQLValue(at), .text(kind), SQLValue(order.attempt.task), SQLValue(order.attempt.number),
                    SQLValue(insists),
                    SQLValue(newSeed))
                ids.append(CommandID(database.lastInsertedRow))
            }
            return ids
        }
    }

    /// The same for what holds until something else is said.
    public func tell(_ order: ControlChange, at: Instant) throws(StoreError) -> CommandID {
        try transaction { database throws(StoreError) in
            let (kind, scope, limit): (String, PauseScope, Int?) =
                switch order {
                case .pause(let scope): ("pause", scope, nil)
                case .unpause(let scope): ("unpause", scope, nil)
                case .concurrency(let limit, let model):
                    ("concurrency", model.map(PauseScope.model) ?? .everything, limit)
                }
            try database.run(
                """
                INSERT INTO command (at_ms, kind, batch_id, model, tasks_in_flight) VALUES (?, ?, ?, ?, ?)
                """, SQLValue(at), .text(kind), SQLValue(scope.columns.batch), SQLValue(scope.columns.model),
                SQLValue(limit))
            return CommandID(database.lastInsertedRow)
        }
    }

    /// What became of these commands; those that have not ended are left out.
    public func outcomes(
        of commands: [CommandID]
    ) throws(StoreError) -> [CommandID: (outcome: CommandOutcome, message: String?)] {
        guard let first = commands.first, let last = commands.last else { return [:] }
        let found = try reading { database throws(StoreError) in
            try database.rows(
                "SELECT id, outcome, message FROM command WHERE id BETWEEN ? AND ? AND ended_at_ms IS NOT NULL",
                .integer(first.rawValue), .integer(last.rawValue)
            ) { row throws(StoreError) in
                (
                    id: CommandID(row.integer(0)), outcome: try row.word(1, as: CommandOutcome.self),
                    message: row.optionalText(2)
                )
            }
        }
        let wanted = Set(commands)
        return Dictionary(
            uniqueKeysWithValues: found.filter { wanted.contains($0.id) }.map { ($0.id, ($0.outcome, $0.message)) })
    }

    /// Takes commands back that nobody has carried out.
    public func takeBack(_ commands: [CommandID], at: Instant) throws(StoreError) {
        try transaction { database throws(StoreError) in
            for command in commands { try database.endCommand(command, .takenBack, message: nil, at: at) }
        }
    }
}

/// The side of the one who runs.
extension Store {
    /// Commands in one look, at most.
    private static let commandPage = 500

    /// What users have told and nobody has carried out, after a command that is known already.
    ///
    /// - Parameter isForced: look even though no other connection has written since the last look.
    public func pendingCommands(after last: CommandID?, isForced: Bool) throws(StoreError) -> PendingCommands {
        try reading { database throws(StoreError) in
            // Changes only when another connection has committed: the usual look costs no more than this.
            let version = try database.first("PRAGMA data_version") { row in row.integer(0) }
            guard isForced || version != self.lastDataVersion else { return PendingCommands() }
            let told = try database.pendingCommands(after: last, limit: Self.commandPage)
            self.lastDataVersion = told.isMore ? nil : version
            return told
        }
    }

    /// What a task is called.
    public func name(of task: TaskID) throws(StoreError) -> TaskName? {
        try reading { database throws(StoreError) in
            try database.first("SELECT batch_id, key FROM task_input WHERE id = ?", SQLValue(task)) { row in
                TaskName(batch: BatchID(row.integer(0)), key: TaskKey(row.text(1)))
            }
        }
    }

    /// Pauses and limits that hold.
    ///
    /// - Parameter command: limits told up to this one are left out: a run knows them, or was told otherwise.
    public func runControls(limitsAfter command: CommandID? = nil) throws(StoreError) -> RunControls {
        try reading { database throws(StoreError) in try database.runControls(limitsAfter: command) }
    }

    /// The last command that was given, carried out or not.
    public func latestCommandID() throws(StoreError) -> CommandID? {
        try reading { database throws(StoreError) in
            try database.first("SELECT id FROM command ORDER BY id DESC LIMIT 1") { row in CommandID(row.integer(0)) }
        }
    }
}

extension SQLiteConnection {
    fileprivate func pendingCommands(after last: CommandID?, limit: Int) throws(StoreError) -> PendingCommands {
        var told = PendingCommands()
        let rows = try rows(
            """
            SELECT c.id, c.kind, c.task, c.attempt, c.is_insisted, s.batch_id, s.model, c.new_seed
            FROM command AS c LEFT JOIN task_standing AS s ON s.id = c.task
            WHERE c.ended_at_ms IS NULL AND c.id > ? ORDER BY c.id LIMIT ?
            """, .integer(last?.rawValue ?? 0), SQLValue(limit)
        ) { row throws(StoreError) -> (id: CommandID, command: UserCommand?) in
            let id = CommandID(row.integer(0))
            guard !row.isNull(2) else { return (id, nil) }
            let insists = row.bool(4)
            return (
                id,
                UserCommand(
                    id: id,
                    order: row.text(1) == "cancel"
                        ? .cancel(evenIfCharged: insists) : .retry(again: insists, newSeed: row.optionalInteger(7)),
                    attempt: try row.attempt(2, 3),
                    lane: TaskQueueID(batch: BatchID(row.integer(5)), model: ModelID(row.text(6))))
            )
        }
        told.commands = rows.compactMap(\.command)
        told.lasting = rows.filter { $0.command == nil }.map(\.id)
        told.last = rows.last?.id
        told.isMore = rows.count == limit
        return told
    }

    /// The last word on each scope counts. There are few: people say them.
    ///
    /// - Parameter command: limits told up to this one are left out.
    func runControls(limitsAfter command: CommandID? = nil) throws(StoreError) -> RunControls {
        // A limit that somebody wrote into the file by hand is brought into what a run can count with.
        let limit = { (row: SQLRow) in row.optionalInteger(4).map { Int(max(Int32(clamping: $0), 1)) } }
        var orders = RunControls()
        try forEach(
            "SELECT id, kind, batch_id, model, tasks_in_flight FROM command WHERE task IS NULL ORDER BY id"
        ) { row in
            let model = row.optionalText(3).map(ModelID.init)
            let scope = PauseScope(batch: row.optionalInteger(2).map(BatchID.init), model: model)
            switch row.text(1) {
            case "pause": orders.pauses.insert(scope)
            case "unpause" where scope == .everything: orders.pauses = []
            case "unpause": orders.pauses.remove(scope)
            default:
                guard row.integer(0) > command?.rawValue ?? 0 else { return }
                if let model {
                    orders.modelConcurrency[model] = limit(row)
                } else {
                    orders.concurrency = limit(row)
                }
            }
        }
        return orders
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
