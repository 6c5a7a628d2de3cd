import ArgumentParser
import DailiesCore
import DailiesStore

/// The tasks that a command works on: named by key, or all that match every filter.
struct TaskSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("Task keys (ids in the manifest).", valueName: "key"))
    var keys: [String] = []
    @Option(
        help: ArgumentHelp(
            "Only tasks in this state: queued, running, completed, failed or cancelled (comma-separated).",
            valueName: "state"))
    var state: StatesArgument?
    @Option(help: ArgumentHelp("Only tasks with this tag (repeatable; all must match).", valueName: "name=value"))
    var tag: [TagArgument] = []
    @Option(help: ArgumentHelp("Only tasks in this batch.", valueName: "name"))
    var batch: String?

    /// Whether a key or filter was given.
    var isGiven: Bool { !keys.isEmpty || state != nil || !tag.isEmpty || batch != nil }

    mutating func validate() throws {
        if !keys.isEmpty, state != nil || !tag.isEmpty {
            throw ValidationError("use either keys or --state/--tag, not both")
        }
    }

    /// - Parameter states: the states that the command accepts.
    func refuse(statesOutside states: [TaskState], of command: String) throws {
        guard let stray = state?.states.first(where: { !states.contains($0) }) else { return }
        let allowed = states.map(\.rawValue).joined(separator: " or ")
        throw ValidationError("\(command) accepts only --state \(allowed), not \(stray.rawValue)")
    }

    /// The selected tasks, page by page.
    ///
    /// - Parameters:
    ///   - states: the default for `--state`; nil: all.
    /// - Throws: ``Stop`` with 64 for an unknown batch or key, and for a key in several batches.
    func pages(of store: Store, states: [TaskState]? = nil) throws -> TaskPages {
        let batch = try TaskLookup.batch(batch, in: store)
        if !keys.isEmpty {
            var seen: Set<TaskID> = []
            let rows = try keys.map { try TaskLookup.task($0, batch: batch, in: store) }
            return TaskPages(store: store, source: .named(rows.filter { seen.insert($0.id).inserted }))
        }
        let tags = tag.map(\.tag)
        let filter = TaskFilter(
            batches: batch.map { [$0.id] }, states: self.state?.states ?? states, tag: tags.first)
        return TaskPages(store: store, source: .filter(filter, alsoTagged: Array(tags.dropFirst())))
    }
}

/// Tasks read from the store in pages, in manifest order.
struct TaskPages {
    enum Source {
        case named([TaskRow])
        case filter(TaskFilter, alsoTagged: [TaskSpec.Tag])
    }

    /// Rows per page.
    static let size = 500

    private let store: Store
    private let source: Source
    private var last: TaskID?
    private var isAtEnd = false

    init(store: Store, source: Source) {
        self.store = store
        self.source = source
    }

    /// Whether the user named each task by key.
    var areNamed: Bool { if case .named = source { true } else { false } }

    /// The next non-empty page; nil at the end.
    mutating func next() throws -> [TaskRow]? {
        while !isAtEnd {
            switch source {
            case .named(let rows):
                isAtEnd = true
                return rows
            case .filter(let filter, let tags):
                let page = try store.tasks(matching: filter, after: last, limit: Self.size)
                isAtEnd = page.count < Self.size
                last = page.last?.id ?? last
                let fitting = tags.isEmpty ? page : page.filter { row in tags.allSatisfy(row.tags.contains) }
                if !fitting.isEmpty { return fitting }
            }
        }
        return nil
    }
}

/// Finds batches and tasks in the store by the names that the user typed.
enum TaskLookup {
    private static let maximumListed = 10

    /// - Returns: nil if `name` is nil.
    static func batch(_ name: String?, in store: Store) throws -> StoredBatch? {
        guard let name else { return nil }
        guard !name.allSatisfy(\.isWhitespace) else { throw Stop(.usage, "--batch requires a batch name") }
        if let batch = try store.batch(named: name) { return batch }
        let known = try store.batches().map { SafeText.quoted($0.name) }
        throw Stop(
            .usage,
            "no batch \(SafeText.quoted(name)) in the store"
                + (known.isEmpty ? ", which is empty" : "; known batches: \(listed(known))"))
    }

    static func task(_ key: String, batch: StoredBatch?, in store: Store) throws -> TaskRow {
        let found = try store.tasks(called: TaskKey(key), in: batch?.id)
        guard let only = found.first else {
            let place = batch.map { "the batch \(SafeText.quoted($0.name))" } ?? "the store"
            throw Stop(
                .usage,
                "no task \(SafeText.quoted(key)) in \(place); run `dailies export --format csv` to list all keys")
        }
        guard found.count == 1 else {
            let names = listed(found.map { SafeText.quoted($0.batchName) })
            throw Stop(
                .usage,
                "the task \(SafeText.quoted(key)) is in \(found.count) batches: \(names); choose one with --batch NAME")
        }
        return only
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(maximumListed).joined(separator: ", ")
            + (names.count > maximumListed ? " and \(names.count - maximumListed) more" : "")
    }
}

/// `failed` or `failed,cancelled`
struct StatesArgument: ExpressibleByArgument {
    let states: [TaskState]

    init?(argument: String) {
        var states: [TaskState] = []
        for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let state = TaskState(rawValue: String(word)), !states.contains(state) else { return nil }
            states.append(state)
        }
        self.states = states
    }
}

/// `client=acme`
struct TagArgument: ExpressibleByArgument {
    let tag: TaskSpec.Tag

    init?(argument: String) {
        guard let mark = argument.firstIndex(of: "="), mark != argument.startIndex else { return nil }
        tag = TaskSpec.Tag(
            name: String(argument[..<mark]), value: String(argument[argument.index(after: mark)...]))
    }
}

extension TaskRow {
    /// Batch and key, safe to show: `misty-forest/dolly`.
    var shownName: String { "\(SafeText.escaped(batchName))/\(SafeText.escaped(key.text))" }

    /// The latest attempt, or the next one if none has been sent.
    var attemptID: AttemptID { AttemptID(task: id, number: attempt) }

    /// Sent and not ended: at the provider, or uncertain.
    var isOpen: Bool { latest != nil && (state == .queued || state == .running) }
}
