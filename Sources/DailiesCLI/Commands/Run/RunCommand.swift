import ArgumentParser
import DailiesCore
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Render the unfinished tasks in these manifests.",
        discussion: """
            Run the same command again to resume: finished tasks are kept, tasks at the provider are polled, and only \
            tasks that the provider never accepted are submitted.

            Examples:
              BYTESPIKE_API_KEY=… dailies run jobs/first.yaml
              dailies run jobs/first.yaml --concurrency 25 --budget 500 --api-key-file ~/.bytespike-key
              ./shots.py | dailies run - --format jsonl --batch shots
              dailies plan jobs/first.yaml --out plan.json && dailies run --plan plan.json
              dailies run jobs/first.yaml --provider simulator --base-url http://127.0.0.1:8080 --speed 60

            Exit codes: 0 all completed and saved, 3 some failed, 5 stopped early (run again), 6 some uncertain, 7 out \
            of credits or access denied, 8 budget reached, 9 paid but not saved, 11 store in use, 64 usage, 65 \
            manifest refused, 77 API key missing or refused, 129/130/143 stopped by a signal.
            """)

    @Argument(
        help: ArgumentHelp(
            "Manifest files (YAML, JSON, JSONL or CSV); use - for standard input.", valueName: "manifest"))
    var manifests: [String] = []
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Manifests") var reading: ManifestOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @OptionGroup(title: "Provider") var account: AccountOptions
    @OptionGroup(title: "Pace") var pace: PaceOptions

    @Option(help: ArgumentHelp("Batch name (default: the manifest's).", valueName: "name"))
    var batch: String?

    @Option(
        help: ArgumentHelp(
            "Run a plan saved with `dailies plan --out`, with its options; refused if the manifests, store, prices, API key or service have changed.",
            valueName: "file"))
    var plan: String?

    @Flag(name: .shortAndLong, help: "Start without asking for confirmation.")
    var yes = false

    mutating func validate() throws {
        guard manifests.isEmpty != (plan == nil) else {
            throw ValidationError("specify either manifests or --plan FILE")
        }
        guard plan == nil || reading.format == nil else {
            throw ValidationError("--format cannot be used with --plan; a plan stores the format")
        }
    }

    func run() async throws {
        EarlySignals.runBegins(json: pace.json)
        let approved = ConfigurationLoader.current.plan
        try approved?.refuseDifferent(batch: batch)
        let catalog = try reading.catalog()
        let checked =
            try approved?.check(reading.form, catalog: catalog, json: pace.json)
            ?? ManifestLoading.check(
                manifests, batchName: batch, form: reading.form, catalog: catalog, json: pace.json)
        let configuration = try provider.configuration()
        var session = RunSession(
            storePath: store.path, configuration: configuration, pace: pace, speed: provider.speed,
            resumeCommand: approved == nil
                ? .again : .resume(SuggestedCommand(store: store, provider: provider)),
            hint: SuggestedCommand(store: store, provider: provider))
        session.asksFirst = !yes && Console.canAsk && provider.provider == .bytespike
        session.approved = approved.map { ($0, SavedPlan.options(pace.spending, provider.dialect, reading)) }
        session.form = reading.form
        session.catalog = catalog
        session.isSameAccount = account.sameAccount
        session.rates = try pace.spending.prices.read()
        throw try await session.run(checked).asExit
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Finish all unfinished tasks in the store; no manifest is needed.",
        discussion: """
            Examples:
              BYTESPIKE_API_KEY=… dailies resume
              dailies resume --store campaign.sqlite --api-key-file ~/.bytespike-key --concurrency 25
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var models: CatalogOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @OptionGroup(title: "Provider") var account: AccountOptions
    @OptionGroup(title: "Pace") var pace: PaceOptions

    @Flag(name: .shortAndLong, help: "Start without asking for confirmation.")
    var yes = false

    func run() async throws {
        EarlySignals.runBegins(json: pace.json)
        // Checked before asking for a key that would not be used.
        try store.requireStore()
        let catalog = try models.read()
        let configuration = try provider.configuration()
        var session = RunSession(
            storePath: store.path, configuration: configuration, pace: pace, speed: provider.speed,
            resumeCommand: .again,
            hint: SuggestedCommand(store: store, provider: provider))
        session.asksFirst = !yes && Console.canAsk && provider.provider == .bytespike
        session.rates = try pace.spending.prices.read()
        session.catalog = catalog
        session.isSameAccount = account.sameAccount
        throw try await session.run(nil).asExit
    }
}

extension ResumeCommand {
    /// A command that resumes a run, for the user to copy.
    enum Line {
        /// The command that the user typed.
        case again
        /// `dailies resume` with the same store and provider.
        case resume(SuggestedCommand)

        private static let option = "--budget"

        /// - Parameters:
        ///   - budgets: replace the typed budgets; empty: the typed ones stay.
        ///   - flags: inserted before the other arguments.
        func text(
            budgets: [BudgetArgument] = [], flags: [String] = [], typed: [String] = CommandLine.arguments
        ) -> String {
            let given = budgets.map(\.description)
            switch self {
            case .resume(let hint): return hint.online("resume", given.map { (Self.option, $0) }, flags: flags)
            case .again:
                guard !budgets.isEmpty || !flags.isEmpty else { return ShellWord.line(typed) }
                let new = flags + given.flatMap { [Self.option, $0] }
                let old = typed.dropFirst(2)
                // Directly after the command's name, because everything after `--` is an argument.
                return ShellWord.line(typed.prefix(2) + new + (budgets.isEmpty ? Array(old) : Self.withoutBudgets(old)))
            }
        }

        private static func withoutBudgets(_ words: ArraySlice<String>) -> [String] {
            var (kept, rest): ([String], ArraySlice<String>) = ([], words)
            while let word = rest.popFirst() {
                if word == "--" { return kept + [word] + rest }
                if word == option {
                    rest = rest.dropFirst()
                } else if !word.hasPrefix(option + "=") {
                    kept.append(word)
                }
            }
            return kept
        }
    }
}
