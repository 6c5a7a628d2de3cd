import ArgumentParser
import DailiesCore

struct DoctorCommand: AsyncParsableCommand, PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the configuration, the key, the store, the disk and the clock.",
        discussion: """
            Says where each setting comes from. Where there is a key, the provider is asked one free question: whether \
            it takes the key, and what time it is there. Changes nothing.

            Examples:
              dailies doctor
              dailies doctor --offline
              dailies doctor --store campaign.sqlite --api-key-file ~/.bytespike-key --json

            Exit codes: 0 all is well (there may be warnings), 1 something is wrong, 77 no API key, or it is refused.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @Option(help: ArgumentHelp("The folder for clips, as for `run`.", valueName: "dir"))
    var output: String?
    @Flag(help: "Do not ask the provider anything.")
    var offline = false
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
        var examination = DoctorReport()
        examination.settings = DoctorSettings.list(store, provider, output: output)
        StoreCheck.run(store, output: output ?? RunOptionsDefaults.output, in: &examination)
        await ProviderCheck.run(provider, isOffline: offline, in: &examination)
        Console.out(json ? DoctorOutput.json(examination) : DoctorOutput.text(examination))
        throw examination.code.asExit
    }
}

/// What `doctor` found.
struct DoctorReport {
    enum Level: String {
        case ok
        case warning
        case problem
        case skipped
    }

    struct Setting {
        let name: String
        let value: String
        /// `--base-url`, `$BYTESPIKE_BASE_URL`, `default`.
        let origin: String
    }

    struct Check {
        let name: String
        let level: Level
        /// Safe to show.
        let words: String
    }

    var settings: [Setting] = []
    private(set) var checks: [Check] = []
    private(set) var isKeyRefused = false

    mutating func add(_ name: String, _ level: Level, _ words: String) {
        checks.append(Check(name: name, level: level, words: words))
    }

    mutating func keyIsMissingOrRefused(_ words: String) {
        isKeyRefused = true
        add("key", .problem, words)
    }

    /// A broken store comes before a refused key, as in the manual's order of exit codes.
    var code: ExitCode {
        if checks.contains(where: { $0.level == .problem && $0.name != "key" }) { return .unexpected }
        return isKeyRefused ? .keyRefused : .success
    }
}
