import ArgumentParser
import CBuildInfo
import DailiesCore
import Foundation

/// The program `dailies`: parses the arguments, runs one command and exits with a documented exit code.
public enum DailiesProgram {
    /// Runs one command and ends the process with its exit code; never returns.
    public static func main() async {
        EarlySignals.install()
        // A reader that closes the pipe (`dailies report | head`) must not kill the program. The write fails instead.
        signal(SIGPIPE, SIG_IGN)
        disableCoreDumps()
        OpenFiles.raiseLimit()
        let typed = Array(CommandLine.arguments.dropFirst())
        // Configuration files add arguments.
        var arguments = typed
        do {
            arguments = try ConfigurationLoader.arguments(typed, environment: ProcessInfo.processInfo.environment)
            var command = try DailiesCommand.parseAsRoot(arguments)
            if command is any PrintingCommand { Console.endWithOutput() }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ArgumentParser.ExitCode {
            Console.end(with: ExitCode(rawValue: code.rawValue) ?? .unexpected)
        } catch {
            end(error, typed: typed, isJSON: arguments.contains("--json"))
        }
        Console.end(with: .success)
    }

    /// Prints the error. With `--json`, the output ends like that of a run, with an object that contains the exit code.
    private static func end(_ error: any Error, typed: [String], isJSON: Bool) -> Never {
        let parserCode = DailiesCommand.exitCode(for: error)
        if !(error is Stop), parserCode != .failure {
            // Help, the version or a usage error of the argument parser.
            guard parserCode != .success else {
                Console.out(DailiesCommand.fullMessage(for: error))
                Console.end(with: .success)
            }
            // The suggestion is optional: if the definitions cannot be decoded, only the parser's message is printed.
            let suggestion = (try? CommandDefinition.program()).map(UsageSuggestion.init)
            func explained(_ message: String) -> String { suggestion?.explained(message, typed: typed) ?? message }
            if isJSON { JSONReporter().refused(Stop(.usage, explained(DailiesCommand.message(for: error)))) }
            Console.error(explained(DailiesCommand.fullMessage(for: error)))
            Console.end(with: .usage)
        }
        let stop = error as? Stop ?? Stop(.unexpected, ErrorFormatter.of(error))
        if isJSON { JSONReporter().refused(stop) }
        stop.print()
        Console.end(with: stop.code)
    }
}

/// A command that only reads and prints. It exits if its output cannot be written.
protocol PrintingCommand: ParsableCommand {}

/// Turns off core dumps and crash reports, because both could contain the API key. The reason for a crash is still
/// printed, because the runtime prints it first.
private func disableCoreDumps() {
    for crash in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] { signal(crash, SIG_DFL) }
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    #if os(Linux)
        let isSet = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
    #else
        let isSet = setrlimit(RLIMIT_CORE, &none) == 0
    #endif
    if !isSet { Console.error("dailies: cannot turn off core dumps: \(String(cString: strerror(errno)))") }
}

/// An error that ends the program with an exit code and a message.
struct Stop: Error {
    let code: DailiesCore.ExitCode
    /// The problem and how to fix it; empty if it was already printed.
    let message: String
    init(_ code: DailiesCore.ExitCode, _ message: String = "") {
        self.code = code
        self.message = message
    }

    func print() {
        // Paths and system messages are not escaped yet. Text from manifests and providers already is.
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false).map {
            SafeText.escaped(String($0))
        }
        if !message.isEmpty { Console.error("dailies: " + lines.joined(separator: "\n")) }
    }
}

typealias ExitCode = DailiesCore.ExitCode

struct DailiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dailies",
        abstract: "Render a manifest of prompts into video clips without paying twice.",
        discussion: """
            Dailies submits each prompt of a manifest to a paid render API, waits for the clip, downloads it before \
            its URL expires, and records the cost of every clip. If it stops for any reason, run the same command \
            again: no clip is lost, and no clip is paid twice.

            Try it without an API key, a network or costs:
              dailies rehearse jobs/first.yaml
            """,
        version: ProgramVersion.text,
        subcommands: [
            RunCommand.self, ResumeCommand.self, InitCommand.self, PlanCommand.self, ModelsCommand.self,
            PricesCommand.self,
            RehearseCommand.self,
            StatusCommand.self, ReportCommand.self, ReconcileCommand.self, CancelCommand.self, RetryCommand.self,
            PauseCommand.self,
            UnpauseCommand.self, ConcurrencyCommand.self, ExplainCommand.self, ExportCommand.self, SheetCommand.self,
            PromoteCommand.self, FetchCommand.self, DoctorCommand.self, StoreCommand.self, SchemaCommand.self,
            SimulateCommand.self,
            HelpCommand.self,
        ])
}

extension DailiesCore.ExitCode {
    /// The same code as an error that makes the argument parser end the program.
    var asExit: ArgumentParser.ExitCode { ArgumentParser.ExitCode(rawValue) }
}

/// The output of `dailies --version`.
enum ProgramVersion {
    static let number = "1.0.0"
    /// `dailies 1.0.0 (commit 1a2b3c4)`, or a note if the commit was not set at build time.
    static let text = "dailies \(number) (\(commit.isEmpty ? "commit not recorded at build time" : "commit " + commit))"

    private static let commit = String(cString: dailies_build_commit())
}
