import ArgumentParser
import DailiesCore
import DailiesStore

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Resolve uncertain tasks, lost tasks and unknown costs by querying the provider.",
        discussion: """
            A task is uncertain when its request was sent but no response was received: it may be rendering, and it \
            may be billed. It is not resubmitted unless you request it. reconcile looks up each uncertain task by its \
            submission key and each lost task by its task id. Lookups are free.

            Tasks that are found are recorded, and `dailies resume` continues them. The others stay uncertain or lost \
            until a later reconcile finds them, or you resolve them: use --adopt if you know the task id, or \
            --assume-lost to give up. Both query the provider first and are recorded in the log.

            A task can be looked up only with the API key that sent it. If a new key of the same account replaced it, \
            --same-account transfers the unfinished tasks, and `dailies resume` continues them.

            Costs that the provider has not reported are requested again, and recorded if they are now reported.

            If a run is active, it carries out the lookups; no API key is needed here. --same-account needs the run to \
            end first.

            Examples:
              BYTESPIKE_API_KEY=… dailies reconcile
              dailies reconcile --adopt dolly=vt_8f2c
              dailies reconcile --assume-lost dolly
              dailies reconcile --json | jq 'select(.verdict == "still_uncertain").key'

            Exit codes: 0 no uncertain or lost tasks, 6 some remain, 7 access refused, 11 store in use (--same-account), \
            64 usage, 77 API key.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @OptionGroup(title: "Provider") var account: AccountOptions

    @Option(help: ArgumentHelp("Only tasks in this batch.", valueName: "name"))
    var batch: String?
    @Option(
        help: ArgumentHelp(
            "Link this uncertain task to a task id at the provider. Repeatable.", valueName: "key=task-id"))
    var adopt: [String] = []
    @Option(
        help: ArgumentHelp(
            "Mark this uncertain or lost task as failed (assumed_lost), cost unknown. Repeatable.",
            valueName: "key"))
    var assumeLost: [String] = []
    @Flag(
        help: """
            With --assume-lost: do not query the provider first. Use it if the provider or the API key that sent the \
            task no longer exists.
            """)
    var withoutAsking = false
    @OptionGroup var keys: KeyMemoryOptions
    @Flag(help: "Write one JSON object per line to standard output.")
    var json = false

    mutating func validate() throws {
        if withoutAsking, assumeLost.isEmpty || !adopt.isEmpty {
            throw ValidationError("--without-asking can be used only with --assume-lost")
        }
        if withoutAsking, account.sameAccount {
            throw ValidationError(
                "--same-account needs an API key and --without-asking uses none; they cannot be used together")
        }
    }

    func run() async throws {
        // The transfer changes the store itself.
        throw try await CommandSession.with(
            store, orElse: "then reconcile", needsLock: account.sameAccount, reconcile
        ).asExit
    }

    private func reconcile(_ session: CommandSession) async throws -> ExitCode {
        let store = session.store
        let chosen = try TaskLookup.batch(batch, in: store)
        let resolutions = try ManualResolution(adopt: adopt, assumeLost: assumeLost, batch: chosen, in: store)
        // After looking up the batch and the keys, so a typo changes nothing.
        if account.sameAccount {
            let configuration = try provider.configuration()
            try SameAccountTransfer.perform(in: store, APIKeyRouting(of: configuration), configuration)
        }
        // With manual resolutions, only their tasks are reconciled.
        let tasks = try resolutions.isEmpty ? store.unresolvedTasks(in: chosen?.id) : resolutions.tasks
        let text = ReconcileOutput(hint: SuggestedCommand(store: self.store, provider: provider), isJSON: json)
        var costs = CostBackfill(session: session, batch: chosen?.id)
        let asksForCosts = try resolutions.isEmpty && !withoutAsking && costs.isNeeded
        if tasks.isEmpty, !asksForCosts {
            text.finish(ReconcileTally(), left: (0, 0), try keyNeeds(session, chosen), code: .success)
            return .success
        }
        try session.connect(withoutAsking ? .offline : .provider(provider, keys: keys))
        var tally = ReconcileTally()
        var reconciler = Reconciler(
            session: session, keyMemory: keys.duration.divided(bySpeed: provider.speed), isOffline: withoutAsking)
        for start in stride(from: 0, to: tasks.count, by: Reconciler.pageSize) {
            let rows = try tasks[start..<min(start + Reconciler.pageSize, tasks.count)].compactMap(store.task)
                // A run may have returned it to its queue.
                .filter { $0.latest != nil }
            for finding in try await reconciler.reconcile(rows, by: resolutions) {
                text.write(finding, batches: try store.batches().count)
                tally.count(finding)
            }
        }
        tally.codes.formUnion(reconciler.codes)
        if asksForCosts, tally.codes == [.success] {
            try await costs.run { unpriced, answer in
                let attempt = try store.attempts(of: unpriced.attempt.task)
                    .first { $0.number == unpriced.attempt.number }
                text.write(unpriced, answer, credits: attempt?.credits)
            }
        }
        tally.costs = costs.tally
        let counts = try store.summary(chosen.map { [$0.id] }).total
        let left = (uncertain: counts.uncertain + counts.submitting, lost: counts.lost)
        if left.uncertain + left.lost > 0 { tally.codes.insert(.uncertain) }
        let code = ExitCode.precedence.first(where: tally.codes.contains) ?? .success
        text.finish(tally, left: left, try keyNeeds(session, chosen), code: code)
        return code
    }

    /// Without a connection to the provider, keys come from files and the environment.
    private func keyNeeds(_ session: CommandSession, _ batch: StoredBatch?) throws -> [MissingKey] {
        // An unreadable key counts as absent here; commands that need it report it.
        let stored = (try? provider.keysAtHand()) ?? []
        let atHand = session.configuration.map { APIKeyRouting(of: $0).all } ?? Set(stored.map(\.key.fingerprint))
        return try session.store.keyNeeds(present: atHand.isEmpty ? nil : atHand, in: batch.map { [$0.id] })
    }
}

/// The user's resolutions of single tasks (`--adopt`, `--assume-lost`).
struct ManualResolution {
    enum Action: Hashable {
        case adopt(RemoteTaskID)
        case assumeLost
    }

    private var actions: [TaskID: Action] = [:]
    /// In the order of the arguments.
    private(set) var tasks: [TaskID] = []

    var isEmpty: Bool { tasks.isEmpty }
    subscript(task: TaskID) -> Action? { actions[task] }

    /// - Throws: ``Stop`` with 64 for a key that is unknown, ambiguous or repeated, or whose task is not uncertain or
    ///   lost.
    init(adopt: [String], assumeLost: [String], batch: StoredBatch?, in store: Store) throws {
        for text in adopt {
            let (row, remote) = try Self.adoption(text, batch: batch, in: store)
            guard row.isOpen, row.latest?.remoteID == nil else {
                throw Stop(.usage, "\(Self.refusal(of: row)); only an uncertain task can be adopted")
            }
            try add(row, .adopt(remote))
        }
        for key in assumeLost {
            let row = try TaskLookup.task(key, batch: batch, in: store)
            guard row.isOpen, row.latest?.remoteID == nil || row.latest?.lostAt != nil else {
                throw Stop(.usage, "\(Self.refusal(of: row)); only an uncertain or lost task can be assumed lost")
            }
            try add(row, .assumeLost)
        }
    }

    private mutating func add(_ row: TaskRow, _ action: Action) throws {
        guard actions.updateValue(action, forKey: row.id) == nil else {
            throw Stop(
                .usage,
                "the task \(SafeText.quoted(row.key.text)) is given twice; use one --adopt or --assume-lost for it")
        }
        tasks.append(row.id)
    }

    private static func refusal(of row: TaskRow) -> String {
        "the task \(SafeText.quoted(row.key.text)) is \(TaskDescription.state(of: row))"
    }

    /// `KEY=TASK_ID`. A key may contain `=`: the longest known key before an `=` is used.
    private static func adoption(
        _ text: String, batch: StoredBatch?, in store: Store
    ) throws -> (TaskRow, RemoteTaskID) {
        let marks = text.indices.filter { text[$0] == "=" }
        guard let first = marks.first, text[text.index(after: first)...] != "" else {
            throw Stop(.usage, "--adopt must be KEY=TASK_ID, not \(SafeText.quoted(text))")
        }
        for mark in marks.reversed() {
            let remote = String(text[text.index(after: mark)...])
            guard !remote.isEmpty,
                try !store.tasks(called: TaskKey(String(text[..<mark])), in: batch?.id).isEmpty
            else { continue }
            return (try TaskLookup.task(String(text[..<mark]), batch: batch, in: store), RemoteTaskID(remote))
        }
        return (
            try TaskLookup.task(String(text[..<first]), batch: batch, in: store),
            RemoteTaskID(String(text[text.index(after: first)...]))
        )
    }
}
