import DailiesCore
import DailiesManifest

/// How configuration files and plans may set an option. ``OptionRule/all`` has every option of `run`, `resume` and
/// `rehearse`; a test checks this.
struct OptionRule: Sendable {
    enum Form: Sendable {
        case flag
        case value
        /// May be given more than once.
        case list
    }

    /// The files that may set it. The folder of a manifest may belong to another person.
    enum Files: Sendable {
        /// None: it applies to one run only.
        case none
        /// Only the user's file.
        case own
        /// The user's file, and the folder's file if its value is stricter.
        case tighter(OptionLimit)
        /// The user's file and the folder's file.
        case any
    }

    let name: String
    let form: Form
    let files: Files
    /// The commands that read it from a file; nil: all that have it.
    var commands: Set<String>?
    /// It names a file or a folder.
    var isPath = false
    /// The figures of a plan depend on it; `run --plan` reads it from the plan.
    var isPlanned = false

    static subscript(_ name: String) -> OptionRule? { byName[name] }

    private static let renderers: Set = ["run", "resume", "rehearse"]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Not an option: neither the key nor the command that prints it is ever given on the command line.
    static let keyCommand = "api-key-command"

    static let all: [OptionRule] = [
        // The service, its key, the request format, and the paths of store and clips.
        OptionRule(name: keyCommand, form: .value, files: .own),
        OptionRule(name: "api-key-file", form: .list, files: .own, isPath: true),
        OptionRule(name: "base-url", form: .value, files: .own),
        OptionRule(name: "dialect", form: .value, files: .own, isPlanned: true),
        OptionRule(name: "output", form: .value, files: .own, isPath: true),
        OptionRule(name: "provider", form: .value, files: .own),
        OptionRule(name: "store", form: .value, files: .own, isPath: true),

        // Expected prices and retries. A price that is too low weakens every budget.
        OptionRule(name: "catalog", form: .value, files: .own, isPath: true, isPlanned: true),
        OptionRule(name: "max-credits-per-task", form: .value, files: .own, isPlanned: true),
        OptionRule(name: "rates", form: .value, files: .own, isPath: true, isPlanned: true),
        OptionRule(name: "retry-rules", form: .value, files: .own, isPath: true),
        OptionRule(name: "usd-per-credit", form: .value, files: .own),
        // A short window frees slots early, so more tasks are in flight than --concurrency allows.
        OptionRule(name: "poll-window", form: .value, files: .own),
        // A long key memory allows resubmitting old requests that the provider may have forgotten.
        OptionRule(name: "key-memory", form: .value, files: .own),

        OptionRule(name: "accept-quote", form: .flag, files: .tighter(.flag), isPlanned: true),
        OptionRule(name: "budget", form: .list, files: .tighter(.budget), isPlanned: true),
        OptionRule(name: "budget-mode", form: .value, files: .tighter(.budgetMode), isPlanned: true),
        OptionRule(name: "canary", form: .value, files: .tighter(.number())),
        OptionRule(name: "canary-max-credits", form: .value, files: .tighter(.credits)),
        OptionRule(name: "canary-success-rate", form: .value, files: .tighter(.percentAtLeast(80))),
        OptionRule(name: "concurrency", form: .list, files: .tighter(.concurrency), isPlanned: true),
        OptionRule(name: "no-download", form: .flag, files: .tighter(.flag)),
        OptionRule(name: "pause-after-rejections", form: .value, files: .tighter(.number(10, zeroIsNone: true))),
        OptionRule(name: "quote-tolerance", form: .value, files: .tighter(.number(10)), isPlanned: true),
        OptionRule(name: "rate", form: .value, files: .tighter(.rate), isPlanned: true),
        OptionRule(name: "retries", form: .value, files: .tighter(.number(0))),
        OptionRule(name: "strict", form: .flag, files: .tighter(.strictness), isPlanned: true),
        OptionRule(name: "trust-5xx", form: .flag, files: .tighter(.flag)),

        // Columns, polling, waiting for an outage, output style: these guard nothing.
        OptionRule(name: "all-problems", form: .flag, files: .any),
        OptionRule(name: "cadence", form: .value, files: .any),
        OptionRule(name: "map", form: .list, files: .any, isPlanned: true),
        OptionRule(name: "max-wait", form: .value, files: .any),
        OptionRule(name: "no-color", form: .flag, files: .any),

        // The subject of a run, its confirmations and its output.
        OptionRule(name: "accept-changes", form: .flag, files: .own, commands: ["run"], isPlanned: true),
        OptionRule(name: "batch", form: .value, files: .none),
        OptionRule(name: "format", form: .value, files: .own, commands: ["run", "plan", "rehearse"]),
        OptionRule(name: "help", form: .flag, files: .none),
        OptionRule(name: "json", form: .flag, files: .own, commands: renderers),
        OptionRule(name: "plan", form: .value, files: .none),
        OptionRule(name: "quiet", form: .flag, files: .own, commands: renderers),
        OptionRule(name: "same-account", form: .flag, files: .none),
        OptionRule(name: "same-batch", form: .flag, files: .own, commands: ["run"]),
        OptionRule(name: "seed", form: .value, files: .none),
        OptionRule(name: "speed", form: .value, files: .own, commands: ["run", "resume"]),
        OptionRule(name: "verbose", form: .flag, files: .own, commands: renderers),
        OptionRule(name: "version", form: .flag, files: .none),
        OptionRule(name: "yes", form: .flag, files: .own, commands: ["run", "resume"]),
    ]

    /// A rehearsal uses its own values, so it never touches real files.
    static let notRehearsed: Set = ["budget", "output", "store"]

    /// Environment variables that override a configuration file.
    static let variables = [
        "store": StoreOptions.environmentName, "base-url": ProviderOptions.baseURLName,
        "api-key-file": ProviderOptions.keyName, keyCommand: ProviderOptions.keyName,
    ]

    // MARK: Lists for help and errors

    static var settable: [String] { names { if case .none = $0 { false } else { true } } }
    static var own: [String] { names { if case .own = $0 { true } else { false } } }
    static var tighter: [String] { names { if case .tighter = $0 { true } else { false } } }
    static var any: [String] { names { if case .any = $0 { true } else { false } } }

    private static func names(_ fits: (Files) -> Bool) -> [String] {
        all.filter { fits($0.files) }.map(\.name).sorted()
    }
}
