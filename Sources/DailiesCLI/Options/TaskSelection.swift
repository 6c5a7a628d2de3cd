import ArgumentParser
import DailiesCore
import DailiesStore

/// Which tasks a command is for: named by key, or all that fit every filter.
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

    /// Something was said about which tasks are meant.
    var isGiven: Bool { !keys.isEmpty || state != nil || !tag.isEmpty || batch != nil }

    mutating func validate() throws {
        if !keys.isEmpty, state != nil || !tag.isEmpty {
            throw ValidationError("use either keys or --state/--tag, not both")
        }
    }

    /// - Parameter states: those that the command works on.
    func refuse(statesOutside states: [TaskState], of command: String) throws {
        guard let stray = state?.states.first(where: { !states.contains($0) }) else { return }
        let allowed = states.map(\.rawValue).joined(separator: " or ")
        throw ValidationError("\(command) accepts only --state \(allowed), not \(stray.rawValue)")
    }

    /// The chosen tasks, page by page.
    ///
    /// - Parameters:
    ///   - states: taken where none was asked for; nil: all.
    /// - Throws: ``Stop`` with 64 for a batch or key that is not there, and for a key of several batches.
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

/// Tasks read from the store a page at a time, in the order of the manifest.
struct TaskPages {
    enum Source {
        case named([TaskRow])
        case filter(TaskFilter, alsoTagged: [TaskSpec.Tag])
    }

    /// Rows in memory at one time.
    static let size = 500

    private let store: Store
    private let source: Source
    private var last: TaskID?
    private var isAtEnd = false

    init(store: Store, source: Source) {
        self.store = store
        self.source = source
    }

    /// The user named each of them.
    var areNamed: Bool { if case .named = source { true } else { false } }

    /// The next page that holds anything; nil at the end.
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

/// Names of batches and keys as people type them, found in the store.
enum TaskLookup {
    private static let mostNamed = 10

    /// - Returns: nil where no batch was named.
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
        names.prefix(mostNamed).joined(separator: ", ")
            + (names.count > mostNamed ? " and \(names.count - mostNamed) more" : "")
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
}
