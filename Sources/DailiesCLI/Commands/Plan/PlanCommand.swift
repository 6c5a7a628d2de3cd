import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesStore
import Foundation

struct PlanCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a run would do, its cost and its duration.",
        discussion: """
            Sends nothing to the provider, changes nothing and needs no API key. Prices come from the service's latest \
            bills in this store, else from your rates (--rates), else from the provider's published prices; the source \
            of each price is shown. Clips without a known price are counted as unknown, never as 0.

            Use the same options as for the run. A saved plan (--out) stores budget, concurrency, rates and all other \
            options that affect the figures, and `run --plan` uses them. Save it with the API key of the run; it is \
            valid only for that key, service and store.

            Examples:
              dailies plan campaign.yaml --concurrency 25 --budget 500
              dailies plan campaign.yaml --tasks
              dailies plan campaign.yaml --out plan.json && dailies run --plan plan.json

            Exit codes: 0; with --detailed-exitcode 2 if there is work to do; 64 usage, or clips cannot be saved in \
            the output folder; 65 manifest, rates or batch refused.
            """)

    @Argument(
        help: ArgumentHelp(
            "Manifest files (YAML, JSON, JSONL or CSV); use - for standard input.", valueName: "manifest"))
    var manifests: [String]
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Manifests") var reading: ManifestOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @OptionGroup(title: "Pace") var spending: SpendingOptions

    @Option(help: ArgumentHelp("Batch name (default: the manifest's).", valueName: "name"))
    var batch: String?
    @Option(help: ArgumentHelp("Folder for clips, as for `run` (default: renders).", valueName: "dir"))
    var output: String?
    @Flag(help: "List every task.")
    var tasks = false
    @Flag(help: "Write JSON.")
    var json = false
    @Flag(help: "Exit with 2 if there is work to do, or 0 if there is none.")
    var detailedExitcode = false
    @Option(
        help: ArgumentHelp(
            "Save a plan for `run --plan`. Only an existing plan is replaced.", valueName: "file"))
    var out: String?

    mutating func validate() throws {
        if out != nil, manifests.contains("-") {
            throw ValidationError("--out cannot be used with standard input; save the manifest to a file")
        }
    }

    func run() throws {
        let catalog = try reading.catalog()
        let checked = try ManifestLoading.check(
            manifests, batchName: batch, form: reading.form, catalog: catalog, json: json)
        let rates = try spending.prices.read()
        let (configuration, keys) = try provider.planned(needsKey: out != nil)
        let (plan, revision, controls) = try PlanStore.withOptionalStore(store.path) { store in
            try Self.refuseForeign(checked, in: store, configuration)
            let controls = try store?.runControls() ?? RunControls()
            let known = PlanPrices(
                catalog: catalog, rates: rates, maximumPerTask: spending.maxCreditsPerTask?.credits,
                observed: try store?.observedPrices(of: configuration.service) ?? [])
            var limits = ConcurrencyArgument.limits(spending.concurrencyLimits, controls: controls)
            limits.pace = spending.rate?.pace
            var plan = RunPlan(
                catalog: catalog, provider: configuration.name, prices: known, limits: limits,
                acceptsChanges: spending.acceptChanges, budget: spending.budget,
                listing: tasks ? try PlanTaskList(json ? .objects : .table) : nil)
            for manifest in checked { try plan.add(manifest, in: store) }
            return (plan, try store?.revision() ?? .empty, controls)
        }
        if !json { FolderSettings.announce(json: false) }
        if let out {
            let saved = SavedPlan(
                plan, storePath: store.path, revision: revision, configuration, keys: keys, format: reading.format,
                options: SavedPlan.options(spending, provider.dialect, reading, controls: controls))
            try saved.write(to: out, plan, madeAt: Composition.timers().now)
            if keys == nil {
                Console.error(
                    "warning: this plan was made without an API key, so `run --plan` will refuse it; set "
                        + "\(ProviderOptions.keyName) and run `dailies plan` again")
            }
        }
        let fault =
            plan.hasWork
            ? try OutputFolderCheck(folders: [OutputFolderCheck.absolute(output)], manifests: checked).fault() : nil
        let code: ExitCode =
            fault != nil ? .usage : detailedExitcode && plan.hasWork ? .workToDo : .success
        let warnings = checked.flatMap { $0.warnings.map(\.description) }
        if json {
            try PlanOutput.writeJSON(plan, warnings: warnings, outputFault: fault, code: code) {
                Console.out($0, lineEnd: "")
            }
        } else {
            ManifestLoading.warn(checked, reading.form)
            Console.out(PlanOutput.table(plan))
            if let listing = plan.listing {
                Console.out("")
                try listing.writeTable { Console.out($0, lineEnd: "") }
            }
            if let fault { Console.error("dailies: \(fault) (a run would stop before its first submit)") }
        }
        throw code.asExit
    }

    /// Refuses a batch of another provider, as a run would.
    private static func refuseForeign(
        _ manifests: [ValidatedManifest], in store: Store?, _ configuration: ProviderConfiguration
    ) throws {
        for manifest in manifests {
            guard let store, let known = try store.batch(named: manifest.batchName),
                known.provider != configuration.name || known.baseURL != configuration.baseURL,
                try store.isBound(known.id)
            else { continue }
            throw Stop(
                .refused,
                "the batch \(SafeText.quoted(known.name)) belongs to \(known.provider) at "
                    + "\(SafeText.escaped(known.baseURL)); use the --provider and --base-url of its run, or another "
                    + "name with --batch")
        }
    }
}

/// Prices that the user provides.
struct PriceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Your rates, as JSON: {\"MODEL\": {\"per_second\": \"0.45\", \"fee\": \"0\", \"source\": \"…\", \"date\": \"…\"}}.",
            valueName: "file"))
    var rates: String?

    func read() throws -> RateCard? { try RateCard.read(rates) }
}

extension ProviderConfiguration {
    /// The service that issues the bills and task ids.
    var service: Service { Service(provider: name, baseURL: baseURL) }
}

extension ProviderOptions {
    /// The provider for a command that sends nothing to it.
    ///
    /// - Parameter needsKey: also run the configured key command, if any.
    /// - Returns: the configuration, and the keys; nil if none is set.
    func planned(needsKey: Bool) throws -> (ProviderConfiguration, [ModelAPIKey]?) {
        let environment = ProcessInfo.processInfo.environment
        let isKeySet =
            !apiKeyFile.isEmpty || environment[Self.keyName].map { !$0.isEmpty } ?? false
            || needsKey && ConfigurationLoader.current.values[OptionRule.keyCommand] != nil
        if isKeySet || provider == .simulator {
            let configuration = try configuration()
            return (configuration, configuration.keys)
        }
        do {
            // Never sent; a configuration requires a key.
            let placeholder = ModelAPIKey(key: try APIKey("no-key-is-needed-here"))
            var configuration = try ProviderConfiguration(
                baseURL: baseURL ?? environment[Self.baseURLName] ?? ProviderConfiguration.defaultBaseURL,
                keys: [placeholder])
            configuration.name = provider.rawValue
            configuration.dialect = dialect
            return (configuration, nil)
        } catch {
            throw ValidationError(error.message)
        }
    }
}
