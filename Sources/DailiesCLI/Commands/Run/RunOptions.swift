import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesStore
import Foundation

/// Options for pace and spending that a plan stores and a run of it must use.
struct SpendingOptions: ParsableArguments {
    @Option(
        name: .customLong("concurrency"),
        help: ArgumentHelp(
            "Maximum tasks in flight (default: 5); model:NAME=N sets the limit of one model. Repeatable.",
            valueName: "[model:name=]n"))
    var concurrencyLimits: [ConcurrencyArgument] = []

    @Option(
        help: ArgumentHelp(
            "Maximum submit rate, such as 2/s, 30/min or 100/h (default: as fast as slots become free). --speed does not affect it.",
            valueName: "n/unit"))
    var rate: RateArgument?

    @Option(
        help: ArgumentHelp(
            "Maximum credits for each batch over all its runs, or `none`; tag:NAME=VALUE=CREDITS limits its tasks with that tag. Repeatable. Stored with the batch, so later runs use it too.",
            valueName: "[tag:name=value=]credits"))
    var budget: [BudgetArgument] = []

    @Option(
        help: ArgumentHelp(
            "cautious: settled plus reserved credits never exceed a budget; soft: stop submitting once settled credits reach it; hard: like soft, and also cancel tasks still queued at the provider, which is free. Stored with the batch (default: cautious).",
            valueName: "mode"))
    var budgetMode: BudgetMode?

    @Option(
        help: ArgumentHelp(
            "Maximum credits per task, for models without a known price.", valueName: "credits"))
    var maxCreditsPerTask: CreditsArgument?

    @OptionGroup var prices: PriceOptions

    @Option(
        help: ArgumentHelp(
            "Maximum percentage by which a quote may exceed past or published prices, or a bill its quote. Beyond it, the model is no longer submitted, and its tasks with such quotes are cancelled while that is free.",
            valueName: "percent"))
    var quoteTolerance: Int64 = 10

    @Flag(help: "Accept any quote or bill; budgets still apply.")
    var acceptQuote = false

    @Flag(help: "Render changed tasks again, as new attempts.")
    var acceptChanges = false

    mutating func validate() throws {
        try ConcurrencyArgument.validate(concurrencyLimits)
        try BudgetArgument.validate(budget)
        guard quoteTolerance >= 0, quoteTolerance <= 100_000 else {
            throw ValidationError("--quote-tolerance must be a percentage from 0 to 100000")
        }
    }

    /// Option values as stored in a plan, by option name; unset options are left out.
    ///
    /// - Parameter limits: the limits of tasks in flight, including defaults and `dailies concurrency`.
    func plannedValues(_ limits: SubmissionLimits) -> [String: [String]] {
        let models = limits.byModel.sorted { $0.key < $1.key }.map { "model:\($0.key.text)=\($0.value)" }
        let all: [String: [String]] = [
            "concurrency": ["\(limits.concurrency)"] + models,
            "rate": rate.map { [$0.description] } ?? [],
            "budget": budget.map(\.description).sorted(),
            "budget-mode": budgetMode.map { [$0.rawValue] } ?? [],
            "max-credits-per-task": maxCreditsPerTask.map { ["\($0.credits)"] } ?? [],
            "rates": prices.rates.map { [URL(fileURLWithPath: $0).standardizedFileURL.path] } ?? [],
            "quote-tolerance": ["\(quoteTolerance)"],
            "accept-quote": acceptQuote ? ["true"] : [],
            "accept-changes": acceptChanges ? ["true"] : [],
        ]
        return all.filter { !$0.value.isEmpty }
    }
}

/// Options that `run`, `resume` and `rehearse` share: pace, spending and waiting times.
struct PaceOptions: ParsableArguments {
    @OptionGroup var spending: SpendingOptions

    @Option(help: ArgumentHelp("Folder for clips, saved as DIR/BATCH/KEY.mp4 (default: renders).", valueName: "dir"))
    var output: String?

    @Flag(name: .customLong("no-download"), help: "Do not download finished clips; leave them at the provider.")
    var noDownload = false

    @Option(help: ArgumentHelp("Maximum new attempts after a render fails free of charge.", valueName: "n"))
    var retries = 0

    @Option(
        help: ArgumentHelp(
            "JSON file with rules for failures that cost nothing: [{\"code\": …, \"status\": …, \"text\": …, \"then\": retry, new_seed, skip or pause}]. The first matching rule applies; --retries limits new attempts.",
            valueName: "file"))
    var retryRules: String?

    @Option(
        help: ArgumentHelp(
            "Render this many clips first; continue only if they succeed.", valueName: "n"))
    var canary: Int?

    @Option(
        help: ArgumentHelp("Minimum percentage of canary clips that must complete.", valueName: "percent"))
    var canarySuccessRate = 80

    @Option(
        help: ArgumentHelp("Maximum credits for each canary clip.", valueName: "credits"))
    var canaryMaxCredits: CreditsArgument?

    @Option(
        help: ArgumentHelp(
            "Stop submitting after this many content policy rejections in a row; 0 means never.", valueName: "n"))
    var pauseAfterRejections = 10

    @Option(
        help: ArgumentHelp(
            "When to poll a task: `documented`, as on its model's page, or `adaptive`, when completion is likely according to the store's history, with a third of the requests (adaptive:SHARE sets another share).",
            valueName: "mode"))
    var cadence = CadenceArgument(argument: "documented")!

    @Option(
        help: ArgumentHelp(
            "Time after which a task frees its slot and is polled once a minute (default: 1h, or four times its model's polling window).",
            valueName: "time"))
    var pollWindow: DurationArgument?

    @Option(help: ArgumentHelp("Maximum time to wait for an outage or a rate limit to end.", valueName: "time"))
    var maxWait = DurationArgument(argument: "15min")!

    @OptionGroup var keys: KeyMemoryOptions

    @Flag(
        name: .customLong("trust-5xx"),
        help: "Resubmit after a 5xx response with an API error, which the provider promises not to bill.")
    var trustServerErrors = false

    @Flag(help: "Accept a manifest at a different path for an existing batch.")
    var sameBatch = false

    @Flag(name: .shortAndLong, help: "Print only errors and the summary.")
    var quiet = false

    @Flag(help: "Print every step of every task.")
    var verbose = false

    @Flag(name: .customLong("no-color"), help: "Disable color. The environment variable NO_COLOR does the same.")
    var noColor = false

    @Flag(help: "Write one JSON object per line to standard output.")
    var json = false

    @Option(help: .hidden)
    var jitterSeed: UInt64?

    mutating func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose cannot be used together") }
        guard canary.map({ 1...1_000_000 ~= $0 }) ?? true else {
            throw ValidationError("--canary must be a number from 1 to 1000000")
        }
        guard 0...100 ~= canarySuccessRate else {
            throw ValidationError("--canary-success-rate must be a percentage from 0 to 100")
        }
        guard canary != nil || canaryMaxCredits == nil else {
            throw ValidationError("--canary-max-credits requires --canary N")
        }
        guard 0...1_000_000 ~= pauseAfterRejections else {
            throw ValidationError("--pause-after-rejections must be a number from 0 to 1000000")
        }
        guard retries >= 0, retries <= 100 else { throw ValidationError("--retries must be a number from 0 to 100") }
    }

    /// Maximum tasks in flight for all models together.
    var concurrency: Int { ConcurrencyArgument.total(spending.concurrencyLimits) ?? SchedulerSettings().concurrency }

    /// Scheduler settings, with durations divided by `speed`.
    ///
    /// - Parameter controls: limits set with `dailies concurrency`; options override them.
    func settings(speed: Double, controls: RunControls) -> SchedulerSettings {
        var settings = SchedulerSettings()
        let limits = ConcurrencyArgument.limits(spending.concurrencyLimits, controls: controls)
        settings.concurrency = limits.concurrency
        settings.modelConcurrency = limits.byModel
        settings.submitPace = spending.rate?.pace
        settings.cadence = cadence.mode
        settings.maximumPolicyRejections = pauseAfterRejections == 0 ? nil : pauseAfterRejections
        if let canary {
            var rule = CanarySettings(clips: canary)
            rule.successRate = canarySuccessRate
            rule.maximumCredits = canaryMaxCredits?.credits
            settings.canary = rule
        }
        settings.retries = retries
        settings.downloads = !noDownload
        settings.pollWindow = pollWindow?.duration
        settings.maximumWait = maxWait.duration
        settings.keyMemory = keys.keyMemory?.duration
        settings.trustsServerErrors = trustServerErrors
        settings.quoteTolerance = spending.acceptQuote ? nil : spending.quoteTolerance
        settings.unsavedLimit = max(settings.unsavedLimit, 4 * settings.concurrency)
        return settings.divided(bySpeed: speed)
    }

    var outputFolder: String { OutputFolderCheck.absolute(output) }
}

/// How long the provider remembers submission keys.
struct KeyMemoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long the provider remembers a submission key. An older submit with an unknown outcome is never resubmitted (default: the known period of the service, else 24h).",
            valueName: "time"))
    var keyMemory: DurationArgument?

    var duration: Duration { keyMemory?.duration ?? SchedulerSettings.usualKeyMemory }
}

/// Options about the account of the API keys.
struct AccountOptions: ParsableArguments {
    @Flag(
        help: """
            Transfer unfinished tasks from the API key that sent them to the API key of this command. Both must belong \
            to the same account. Needed only once; the transfer is recorded.
            """)
    var sameAccount = false
}

/// Options for connecting to the provider.
struct ProviderOptions: ParsableArguments {
    enum Name: String, ExpressibleByArgument, CaseIterable {
        case bytespike
        case simulator
    }

    static let baseURLName = "BYTESPIKE_BASE_URL"
    static let keyName = "BYTESPIKE_API_KEY"

    @Option(help: "Provider to use.")
    var provider = Name.bytespike

    @Option(
        help: ArgumentHelp(
            "Base URL of the service (default: $BYTESPIKE_BASE_URL, else https://llm.bytespike.ai).", valueName: "url"))
    var baseURL: String?

    @Option(
        help: ArgumentHelp(
            "File with the API key; with a prefix, only for models whose id begins with it. Repeatable (default: $BYTESPIKE_API_KEY).",
            valueName: "[model-prefix:]path"))
    var apiKeyFile: [String] = []

    @Option(help: "Request format: `flat` as on the model pages, or `params` as in the dispatcher reference.")
    var dialect = Dialect.flat

    @Option(
        help: ArgumentHelp(
            "Simulator speed, as a multiple of real time; only for a service on this machine.", valueName: "n"))
    var speed = 1.0

    mutating func validate() throws {
        guard speed >= 1, speed <= 100_000 else { throw ValidationError("--speed must be a number from 1 to 100000") }
    }

    /// - Throws: ``Stop`` with 77 for a missing or unusable key, a usage error for anything else.
    func configuration() throws -> ProviderConfiguration {
        let environment = ProcessInfo.processInfo.environment
        let url = baseURL ?? environment[Self.baseURLName]
        if provider == .simulator, url == nil {
            throw ValidationError(
                "--provider simulator requires --base-url; `dailies simulate` prints the URL on its first line")
        }
        let keys = try modelKeys(environment)
        do {
            var configuration = try ProviderConfiguration(
                baseURL: url ?? ProviderConfiguration.defaultBaseURL, keys: keys)
            configuration.name = provider.rawValue
            configuration.dialect = dialect
            configuration.network = try NetworkSettings(environment: environment)
            guard speed == 1 || configuration.isLoopback else {
                throw ValidationError(
                    "--speed requires a simulator on this machine; \(configuration.baseURL) is not one")
            }
            return configuration
        } catch let problem as ConfigurationError {
            throw ValidationError(problem.message)
        }
    }

    private func modelKeys(_ environment: [String: String]) throws -> [ModelAPIKey] {
        do {
            var keys = try keysAtHand(environment)
            if keys.isEmpty, let text = try KeyCommand.key() {
                keys.append(ModelAPIKey(key: try KeyOutput.key(text, from: "the output of api_key_command")))
            }
            // The simulator accepts any key. The key's text is redacted wherever the provider repeats it, so this key
            // must not resemble any part of a URL.
            if keys.isEmpty, provider == .simulator {
                keys.append(ModelAPIKey(key: try APIKey("any-key-will-do-here")))
            }
            guard !keys.isEmpty else {
                throw Stop(
                    .keyRefused,
                    "no API key; set \(Self.keyName) or use --api-key-file PATH (nothing was submitted)")
            }
            return keys
        } catch let problem as ConfigurationError {
            throw Stop(.keyRefused, problem.message)
        }
    }

    /// Keys from files and the environment; never runs the key command.
    func keysAtHand(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> [ModelAPIKey] {
        var keys = try apiKeyFile.map(Self.key(file:))
        if keys.isEmpty || !keys.contains(where: { $0.modelPrefix.isEmpty }),
            let text = environment[Self.keyName], !text.isEmpty
        {
            keys.append(ModelAPIKey(key: try KeyOutput.key(text, from: Self.keyName)))
        }
        return keys
    }

    /// The fingerprint of the key in the environment, for commands that make no requests.
    static var accountAtHand: KeyFingerprint? {
        guard let text = ProcessInfo.processInfo.environment[keyName], !text.isEmpty else { return nil }
        // An invalid key counts as absent here; commands that need a key report it.
        return (try? KeyOutput.key(text, from: keyName))?.fingerprint
    }

    /// `[MODEL_PREFIX:]PATH`: the text before the first colon is a prefix unless a file with the whole name exists.
    private static func key(file argument: String) throws -> ModelAPIKey {
        var (prefix, path) = ("", argument)
        if !FileManager.default.fileExists(atPath: argument), let colon = argument.firstIndex(of: ":") {
            prefix = String(argument[..<colon])
            path = String(argument[argument.index(after: colon)...])
        }
        let key = try KeyOutput.key(try KeyFile.text(of: path), from: "the file \(SafeText.quoted(path))")
        return ModelAPIKey(modelPrefix: prefix, key: key)
    }
}

/// Credits as a non-negative decimal number.
struct CreditsArgument: ExpressibleByArgument {
    let credits: Credits
    init?(argument: String) {
        guard let reading = Credits.read(argument), !reading.isRounded else { return nil }
        credits = reading.credits
    }
}

/// `500`, `none`, `tag:client=acme=120`, `tag:client=acme=none`.
enum BudgetArgument: ExpressibleByArgument, CustomStringConvertible {
    case batch(BudgetSetting)
    case tag(TagBudgetSetting)

    private static let tagPrefix = "tag:"
    private static let lowering = "at-most:"

    /// The value from the folder's configuration if the user set none: it can lower the stored budget, never raise it.
    static func atMost(_ argument: String) -> String { lowering + argument }

    init?(argument: String) {
        let isLowering = argument.hasPrefix(Self.lowering)
        let text = isLowering ? argument.dropFirst(Self.lowering.count) : argument[...]
        if text.hasPrefix(Self.tagPrefix) {
            self.init(tag: text.dropFirst(Self.tagPrefix.count), isLowering)
        } else if let setting = Self.setting(text, isLowering) {
            self = .batch(setting)
        } else {
            return nil
        }
    }

    /// `NAME=VALUE=CREDITS`, split at the first and last equals sign, so the value may contain `=`.
    private init?(tag text: Substring, _ isLowering: Bool) {
        guard let first = text.firstIndex(of: "="), let last = text.lastIndex(of: "="), first < last,
            first > text.startIndex, let setting = Self.setting(text[text.index(after: last)...], isLowering)
        else { return nil }
        let tag = TaskSpec.Tag(
            name: String(text[..<first]), value: String(text[text.index(after: first)..<last]))
        self = .tag(TagBudgetSetting(tag: tag, setting: setting))
    }

    private static func setting(_ text: Substring, _ isLowering: Bool) -> BudgetSetting? {
        if text.lowercased() == "none" { return isLowering ? nil : BudgetSetting.none }
        guard let amount = CreditsArgument(argument: String(text)) else { return nil }
        return isLowering ? .atMost(amount.credits) : .cap(amount.credits)
    }

    /// The argument as typed.
    var description: String {
        switch self {
        case .batch(let setting): Self.text(setting)
        case .tag(let budget):
            // The `at-most:` prefix comes before the `tag:` prefix.
            if case .atMost(let cap) = budget.setting {
                "\(Self.lowering)\(Self.tagPrefix)\(budget.tag.name)=\(budget.tag.value)=\(cap)"
            } else {
                "\(Self.tagPrefix)\(budget.tag.name)=\(budget.tag.value)=\(Self.text(budget.setting))"
            }
        }
    }

    private static func text(_ setting: BudgetSetting) -> String {
        switch setting {
        case .unchanged: ""
        case .none: "none"
        case .cap(let cap): "\(cap)"
        case .atMost(let cap): "\(lowering)\(cap)"
        }
    }

    static func validate(_ all: [BudgetArgument]) throws {
        guard all.count - tags(of: all).count <= 1 else {
            throw ValidationError("--budget can set only one budget for the batch")
        }
        let tags = tags(of: all).map(\.tag)
        guard Set(tags).count == tags.count else {
            throw ValidationError("--budget can set only one budget for each tag")
        }
    }

    /// The change of the batch's budget.
    static func setting(of all: [BudgetArgument]) -> BudgetSetting {
        for case .batch(let setting) in all { return setting }
        return .unchanged
    }

    /// The changes of tag budgets.
    static func tags(of all: [BudgetArgument]) -> [TagBudgetSetting] {
        all.compactMap { if case .tag(let budget) = $0 { budget } else { nil } }
    }
}

extension BudgetMode: ExpressibleByArgument {}
