import ArgumentParser
import DailiesCore
import DailiesStore

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel tasks. Unsent tasks are cancelled immediately; the provider is asked to cancel the others.",
        discussion: """
            Tasks that have not been sent are cancelled locally; no API key or network is needed. Tasks queued at the \
            provider are looked up, then cancelled free of charge. Tasks that are already rendering are skipped, \
            because cancelling them may be partly charged; --even-if-charged cancels them too. The provider's answer \
            is recorded either way: a clip that has finished is paid, and `dailies resume` downloads it.

            Uncertain tasks are looked up by their submission key; those that are not found stay uncertain.

            Examples:
              dailies cancel dolly crane
              dailies cancel --state queued
              dailies cancel --tag client=acme --even-if-charged
              dailies cancel --all --yes

            If a run is active, it carries out the cancellation within a second; no API key is needed here.

            Exit codes: 0 all are cancelled or already finished, 5 some continue, 6 some are uncertain, 7 access \
            refused, 9 some are paid but not saved, 64 usage, 77 API key missing or refused.
            """)

    @OptionGroup var selection: TaskSelection
    @Flag(help: "Cancel every queued or running task.")
    var all = false
    @Flag(help: "Also cancel tasks that are already rendering (may be partly charged).")
    var evenIfCharged = false
    @Flag(name: .shortAndLong, help: "Cancel without asking for confirmation.")
    var yes = false
    @Flag(help: "Write one JSON object per line to standard output.")
    var json = false
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions

    mutating func validate() throws {
        try selection.refuse(statesOutside: CancelOperation.states, of: "cancel")
        guard all || selection.isGiven else {
            throw ValidationError("specify which tasks: keys, --state, --tag, --batch or --all")
        }
        if all, !selection.keys.isEmpty { throw ValidationError("use either keys or --all, not both") }
    }

    func run() async throws {
        throw try await CommandSession.with(store, orElse: "then cancel", cancel).asExit
    }

    private func cancel(_ session: CommandSession) async throws -> ExitCode {
        var operation = CancelOperation(
            session: session, evenIfCharged: evenIfCharged,
            hint: SuggestedCommand(store: self.store, provider: provider), isJSON: json)
        let chosen = try operation.count(selection)
        if chosen.total > 0 {
            let isConfirmed = try confirm(chosen.total)
            // Unsent tasks need no API key.
            try session.connect(chosen.sent > 0 ? .providerIfKeyed(provider) : .offline)
            if isConfirmed { try refuseGrown(operation.count(selection).total, since: chosen.total) }
        }
        try await operation.cancel(selection)
        // Report the local cancellations before the missing key.
        if let problem = session.missingKey, operation.untouched > 0 {
            if operation.untouched < chosen.total { _ = operation.finish() }
            throw Stop(
                .keyRefused,
                "\(TaskDescription.count(operation.untouched, "task")) at the provider cannot be cancelled: "
                    + problem.message)
        }
        return operation.finish()
    }

    /// - Returns: whether the user was asked. The store is not locked meanwhile, so that no other command waits.
    private func confirm(_ count: Int) throws -> Bool {
        guard !yes, Console.canAsk else { return false }
        let question = "\(TaskDescription.count(count, "task")) will be cancelled. Continue?"
        guard Console.confirms(question) else { throw Stop(.stoppedEarly, "nothing was cancelled") }
        return true
    }

    private func refuseGrown(_ count: Int, since confirmed: Int) throws {
        guard count > confirmed else { return }
        throw Stop(
            .stoppedEarly,
            "\(TaskDescription.count(count, "task")) match now, not \(confirmed); nothing was cancelled; run the command again"
        )
    }
}
