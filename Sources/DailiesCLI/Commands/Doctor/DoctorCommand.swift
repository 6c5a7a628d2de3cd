import ArgumentParser
import DailiesCore

struct DoctorCommand: AsyncParsableCommand, PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the configuration, API key, store, disk and clock.",
        discussion: """
            Shows the source of each setting. If an API key is configured, makes one free request to check the key and \
            to compare the clocks. Changes nothing.

            Examples:
              dailies doctor
              dailies doctor --offline
              dailies doctor --store campaign.sqlite --api-key-file ~/.bytespike-key --json

            Exit codes: 0 OK (possibly with warnings), 1 problems found, 77 API key missing or refused.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @Option(help: ArgumentHelp("The folder for clips, as for `run`.", valueName: "dir"))
    var output: String?
    @Flag(help: "Make no requests to the provider.")
    var offline = false
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        var report = DoctorReport()
        report.settings = DoctorSettings.list(store, provider, output: output)
        StoreCheck.run(store, output: output ?? RunOptionsDefaults.output, in: &report)
        await ProviderCheck.run(provider, isOffline: offline, in: &report)
        Console.out(json ? DoctorOutput.json(report).text : DoctorOutput.text(report))
        throw report.code.asExit
    }
}

/// The findings of `doctor`.
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
        /// Escaped for output.
        let message: String
    }

    var settings: [Setting] = []
    private(set) var checks: [Check] = []
    private(set) var isKeyRefused = false

    mutating func add(_ name: String, _ level: Level, _ message: String) {
        checks.append(Check(name: name, level: level, message: message))
    }

    mutating func addKeyProblem(_ message: String) {
        isKeyRefused = true
        add("key", .problem, message)
    }

    /// A broken store takes precedence over a refused key, as in ``ExitCode/precedence``.
    var code: ExitCode {
        if checks.contains(where: { $0.level == .problem && $0.name != "key" }) { return .unexpected }
        return isKeyRefused ? .keyRefused : .success
    }
}
