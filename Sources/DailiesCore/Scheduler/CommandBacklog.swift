/// Users' commands on attempts that carry out another one. An attempt carries out one command at a time, in the order in
/// which they were given, so that each answer of the provider belongs to one command.
struct CommandBacklog: Sendable {
    private var waiting: [AttemptID: [UserCommand]] = [:]
    /// Attempts whose command may have ended, in order.
    private var freed: [AttemptID] = []

    var isEmpty: Bool { waiting.isEmpty }

    /// Adds a command. Its attempt is read again later, since it may have changed by then.
    mutating func add(_ command: UserCommand) {
        waiting[command.attempt, default: []].append(
            UserCommand(id: command.id, order: command.order, attempt: command.attempt, queue: command.queue))
    }

    /// The attempt has no command now, or has ended.
    mutating func free(_ id: AttemptID) { if waiting[id] != nil { freed.append(id) } }

    /// The next command of an attempt that carries out none.
    mutating func next(isBusy: (AttemptID) -> Bool) -> UserCommand? {
        while !freed.isEmpty {
            let id = freed.removeFirst()
            guard !isBusy(id), var commands = waiting[id] else { continue }
            let command = commands.removeFirst()
            waiting[id] = commands.isEmpty ? nil : commands
            free(id)
            return command
        }
        return nil
    }
}
