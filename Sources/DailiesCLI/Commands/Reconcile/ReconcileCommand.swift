import ArgumentParser
import DailiesCore
import DailiesStore

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Settle uncertain and lost tasks and unknown costs by asking the provider; show the evidence.",
        discussion: """
            A task is uncertain when its submit was sent and no answer says what became of it: it may be rendering, and \
            it may be billed. Nothing sends it again without your word. For each one the provider is asked, free of \
            charge, for the key under which it was submitted; lost ones are asked for by their task id.

            What is found is recorded, and `dailies resume` goes on with it. What is not found stays as it is, until \
            the provider finds it or you say otherwise: with --adopt when you know its task id, with --assume-lost when \
            you give it up. Both are checked with the provider first and written into the log.

            What another API key sent is asked for with that key. Where a new key of the same account took its place, \
            --same-account hands over what is unfinished, and `dailies resume` goes on with it.

            A cost that the provider did not state when it was asked is asked for once more, and booked if it is stated now.

            Examples:
              BYTESPIKE_API_KEY=… dailies reconcile
              dailies reconcile --adopt dolly=vt_8f2c
              dailies reconcile --assume-lost dolly
              dailies reconcile --json | jq 'select(.verdict == "still_uncertain").key'

            Exit codes: 0 nothing is uncertain or lost any more, 6 some still are, 7 access refused, 11 store in use, \
            64 usage, 77 API key.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @OptionGroup(title: "Provider") var account: AccountOptions

    @Option(help: ArgumentHelp("Only tasks of this batch.", valueName: "name"))
    var batch: String?
    @Option(
        help: ArgumentHelp(
            "This uncertain task is that task of the provider. May be repeated.", valueName: "key=task-id"))
    var adopt: [String] = []
    @Option(
        help: ArgumentHelp(
            "Give this uncertain or lost task up: failed/assumed_lost, at an unknown cost. May be repeated.",
            valueName: "key"))
    var assumeLost: [String] = []
    @Flag(
        help: """
            With --assume-lost: do not ask once more, since nobody can (the API key that sent it, or the provider, \
            is gone).
            """)
    var withoutAsking = false
    @OptionGroup var keys: KeyMemoryOptions
    @Flag(help: "Write one JSON object a line to standard output.")
    var json = false

    mutating func validate() throws {
        if withoutAsking, assumeLost.isEmpty || !adopt.isEmpty {
            throw ValidationError("--without-asking goes with --assume-lost alone")
        }
        if withoutAsking, account.sameAccount {
            throw ValidationError(
                "--same-account needs the API key, and --without-asking uses none; give one of the two")
        }
    }

    func run() async throws {
        throw try await ExclusiveStore.with(store, orElse: "then reconcile", reconcile).asExit
    }

    private func reconcile(_ store: Store) async throws -> ExitCode {
        let chosen = try TaskLookup.batch(batch, in: store)
        let words = try ManualResolution(adopt: adopt, assumeLost: assumeLost, batch: chosen, in: store)
        // After the batch and the keys were looked up: a mistyped one changes nothing.
        if account.sameAccount {
            let configuration = try provider.configuration()
            try KeyTransferNotice.carryOut(in: store, APIKeyRouting(of: configuration), configuration)
        }
        // The user's words are about these tasks; all others wait for a call without.
        let tasks = try words.isEmpty ? store.unresolvedTasks(in: chosen?.id) : words.tasks
        let text = ReconcileOutput(hint: SuggestedCommand(store: self.store, provider: provider), isJSON: json)
        var costs = CostBackfill(store: store, batch: chosen?.id, isJSON: json)
        let asksForCosts = try words.isEmpty && !withoutAsking && costs.isNeeded
        if tasks.isEmpty, !asksForCosts {
            let needs = try keyNeeds(in: store, chosen, nil)
            text.finish(ReconcileTally(), left: (0, 0), needs, code: .success)
            return .success
        }
        var tally = ReconcileTally()
        var accounts: APIKeyRouting?
        try await withDesk(on: store) { desk in
            accounts = desk?.provider.accounts
            var reconciliation = Reconciler(
                store: store, desk: desk,
                keyMemory: keys.memory(of: desk?.provider).divided(bySpeed: provider.speed))
            for task in tasks {
                guard let row = try store.task(task) else { continue }
                let finding = try await reconciliation.settle(row, by: words[task])
                text.write(finding, batches: try store.batches().count)
                tally.count(finding)
            }
            tally.codes.formUnion(reconciliation.codes)
            if let desk, asksForCosts, tally.codes == [.success] { try await costs.ask(desk) }
        }
        tally.costs = costs.tally
        let counts = try store.summary(chosen.map { [$0.id] }).total
        let left = (uncertain: counts.uncertain + counts.inTheAir, lost: counts.lost)
        if left.uncertain + left.lost > 0 { tally.codes.insert(.uncertain) }
        let code = ExitCode.precedence.first(where: tally.codes.contains) ?? .success
        text.finish(tally, left: left, try keyNeeds(in: store, chosen, accounts), code: code)
        return code
    }

    /// - Parameter accounts: nil: nobody was asked, and what is known of keys is what files and the environment hold.
    private func keyNeeds(in store: Store, _ batch: StoredBatch?, _ accounts: APIKeyRouting?) throws -> [MissingKey] {
        // A key that cannot be read counts as absent here; a command that needs it refuses it.
        let atHand = accounts?.all ?? (try? provider.keysAtHand()).map { Set($0.map(\.key.fingerprint)) } ?? []
        return try store.keyNeeds(present: atHand.isEmpty ? nil : atHand, in: batch.map { [$0.id] })
    }

    private func withDesk(on store: Store, _ body: (TaskReconciler?) async throws -> Void) async throws {
        if withoutAsking { return try await body(nil) }
        try await ProviderSession.with(provider) { try await body(TaskReconciler(store, $0)) }
    }
}

/// What the user says about single tasks.
struct ManualResolution {
    enum Word: Hashable {
        case adopt(RemoteTaskID)
        case assumeLost
    }

    private var words: [TaskID: Word] = [:]
    /// In the order in which they were given.
    private(set) var tasks: [TaskID] = []

    var isEmpty: Bool { tasks.isEmpty }
    subscript(task: TaskID) -> Word? { words[task] }

    /// - Throws: ``Stop`` with 64 for a key that is not there, is ambiguous, is given twice, or whose task is in no doubt.
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

    private mutating func add(_ row: TaskRow, _ word: Word) throws {
        guard words.updateValue(word, forKey: row.id) == nil else {
            throw Stop(.usage, "the task \(SafeText.quoted(row.key.text)) is named twice; say one thing about it")
        }
        tasks.append(row.id)
    }

    private static func refusal(of row: TaskRow) -> String {
        "the task \(SafeText.quoted(row.key.text)) is \(TaskDescription.standing(row))"
    }

    /// `KEY=TASK_ID`, where a key may hold `=` itself: the longest text before a `=` that is a key counts.
    private static func adoption(
        _ text: String, batch: StoredBatch?, in store: Store
    ) throws -> (TaskRow, RemoteTaskID) {
        let marks = text.indices.filter { text[$0] == "=" }
        guard let first = marks.first, text[text.index(after: first)...] != "" else {
            throw Stop(.usage, "--adopt takes KEY=TASK_ID, not \(SafeText.quoted(text))")
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
