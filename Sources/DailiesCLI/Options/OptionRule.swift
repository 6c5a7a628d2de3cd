import DailiesCore
import DailiesManifest

/// What configuration files and plans may do with an option. Every option of `run`, `resume` and `rehearse` is in
/// ``OptionRule/all``, and a test refuses a new one that is not.
struct OptionRule: Sendable {
    enum Form: Sendable {
        case flag
        case value
        /// May be given more than once.
        case list
    }

    /// Which files may set it. The folder of a manifest may be somebody else's.
    enum Files: Sendable {
        /// None: it is about one run only.
        case none
        /// Only the user's own file.
        case own
        /// The user's own file, and the folder's file where it allows less than what holds without it.
        case tighter(OptionLimit)
        /// The user's own file and the folder's file.
        case any
    }

    let name: String
    let form: Form
    let files: Files
    /// The commands that take it from a file; nil: all that have it.
    var commands: Set<String>?
    /// It names a file or a folder.
    var isPath = false
    /// The figures of a plan depend on it: `run --plan` takes it from the plan.
    var isPlanned = false

    static subscript(_ name: String) -> OptionRule? { byName[name] }

    private static let renderers: Set = ["run", "resume", "rehearse"]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Not an option: a key is never a value on the command line, nor is the command that prints it.
    static let keyCommand = "api-key-command"

    static let all: [OptionRule] = [
        // Where the service is, which key it gets, how requests are written, where the ledger and the clips are.
        OptionRule(name: keyCommand, form: .value, files: .own),
        OptionRule(name: "api-key-file", form: .list, files: .own, isPath: true),
        OptionRule(name: "base-url", form: .value, files: .own),
        OptionRule(name: "dialect", form: .value, files: .own, isPlanned: true),
        OptionRule(name: "output", form: .value, files: .own, isPath: true),
        OptionRule(name: "provider", form: .value, files: .own),
        OptionRule(name: "store", form: .value, files: .own, isPath: true),

        // What a clip is thought to cost, and what follows a failure. A price that is too low lifts every budget.
        OptionRule(name: "catalog", form: .value, files: .own, isPath: true, isPlanned: true),
        OptionRule(name: "max-credits-per-task", form: .value, files: .own, isPlanned: true),
        OptionRule(name: "rates", form: .value, files: .own, isPath: true, isPlanned: true),
        OptionRule(name: "retry-rules", form: .value, files: .own, isPath: true),
        OptionRule(name: "usd-per-credit", form: .value, files: .own),
        // A short window gives slots back early: more in flight than --concurrency says.
        OptionRule(name: "poll-window", form: .value, files: .own),
        // A long memory lets old submissions be repeated that the provider may have forgotten.
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

        // What the columns of its tables mean, when a task is asked about, how long an outage is waited for, how it looks: no
        // guard.
        OptionRule(name: "all-problems", form: .flag, files: .any),
        OptionRule(name: "cadence", form: .value, files: .any),
        OptionRule(name: "map", form: .list, files: .any, isPlanned: true),
        OptionRule(name: "max-wait", form: .value, files: .any),
        OptionRule(name: "no-color", form: .flag, files: .any),

        // What a run is about, what it agrees to, how it speaks.
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

    /// A rehearsal has its own: it never touches what is real.
    static let notRehearsed: Set = ["budget", "output", "store"]

    /// Variables of the environment that come before a file.
    static let variables = [
        "store": StoreOptions.environmentName, "base-url": ProviderOptions.baseURLName,
        "api-key-file": ProviderOptions.keyName, keyCommand: ProviderOptions.keyName,
    ]

    // MARK: Lists for people

    static var settable: [String] { names { if case .none = $0 { false } else { true } } }
    static var own: [String] { names { if case .own = $0 { true } else { false } } }
    static var tighter: [String] { names { if case .tighter = $0 { true } else { false } } }
    static var any: [String] { names { if case .any = $0 { true } else { false } } }

    private static func names(_ fits: (Files) -> Bool) -> [String] {
        all.filter { fits($0.files) }.map(\.name).sorted()
    }
}
