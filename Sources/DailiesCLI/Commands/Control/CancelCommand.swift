import ArgumentParser
import DailiesCore
import DailiesStore

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel tasks: at once what was never sent, by asking the provider what was.",
        discussion: """
            What waits here is cancelled at once, without a key and without the network. What waits at the provider is \
            asked for first, then cancelled; that is free. What renders already is left alone, since it may be charged \
            in part, unless --even-if-charged is given. What comes back is booked, whatever it is: a clip that was \
            finished meanwhile is paid, and `dailies resume` fetches it.

            Uncertain tasks are asked for by their submission key; those that are not found stay uncertain.

            Examples:
              dailies cancel dolly crane
              dailies cancel --state queued
              dailies cancel --tag client=acme --even-if-charged
              dailies cancel --all --yes

            While a runner works on the store it is told, and does it within a second, without a key given here.

            Exit codes: 0 all are cancelled or were over before, 5 some go on, 6 some are uncertain, 7 access refused, \
            9 some are paid and not saved, 64 usage, 77 API key.
            """)

    @OptionGroup var selection: TaskSelection
    @Flag(help: "Every task that is queued or running.")
    var all = false
    @Flag(help: "Cancel what renders already, too; it may be charged in part.")
    var evenIfCharged = false
    @Flag(name: .shortAndLong, help: "Do not ask before cancelling.")
    var yes = false
    @Flag(help: "Write one JSON object a line to standard output.")
    var json = false
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions

    mutating func validate() throws {
        try selection.refuse(statesOutside: CancelOperation.states, of: "cancel")
        guard all || selection.isGiven else {
            throw ValidationError("say which: keys, --state, --tag, --batch, or --all")
        }
        if all, !selection.keys.isEmpty { throw ValidationError("name keys or give --all; not both") }
    }

    func run() async throws {
        throw try await ExclusiveStore.with(store, orElse: "then cancel", cancel, beside: tell).asExit
    }

    private func tell(_ store: Store) async throws -> ExitCode {
        var text = CancelOutput(hint: SuggestedCommand(store: self.store, provider: provider), isJSON: json)
        text.isTold = true
        var round = CancelOperation(store: store, evenIfCharged: evenIfCharged, text: text)
        let chosen = try round.count(selection)
        guard chosen.total > 0 else { return round.finish() }
        try confirm(chosen.total)
        try await round.tellRunner(selection)
        return round.finish()
    }

    private func confirm(_ count: Int) throws {
        guard !yes, Console.canAsk else { return }
        let question = "\(TaskDescription.count(count, "task")) will be cancelled. Go on?"
        guard Console.confirms(question) else { throw Stop(.stoppedEarly, "nothing was cancelled") }
    }

    private func cancel(_ store: Store) async throws -> ExitCode {
        var round = CancelOperation(
            store: store, evenIfCharged: evenIfCharged,
            text: CancelOutput(hint: SuggestedCommand(store: self.store, provider: provider), isJSON: json))
        let chosen = try round.count(selection)
        guard chosen.total > 0 else { return round.finish() }
        try confirm(chosen.total)
        try round.withdrawWaiting(selection)
        if chosen.sent > 0 {
            do {
                try await ProviderSession.with(provider) { desk in
                    try await round.cancelSent(selection, TaskReconciler(store, desk, cancelsForUser: true))
                }
            } catch let stop as Stop where stop.code == .keyRefused {
                // What needed no key is done, and is said before the key is missed.
                if chosen.total > chosen.sent { _ = round.finish() }
                throw Stop(
                    .keyRefused,
                    "\(TaskDescription.count(chosen.sent, "task")) at the provider cannot be cancelled: "
                        + stop.message)
            }
        }
        return round.finish()
    }
}
