import ArgumentParser
import DailiesCore
import Foundation

/// The program `dailies`: parses its arguments, runs one command and exits with the code that the manual names.
public enum DailiesProgram {
    /// Runs one command and ends the process with its exit code; never returns.
    public static func main() async {
        EarlySignals.install()
        // A reader that closes the pipe (`dailies report | head`) must not kill the program: the write returns an error.
        signal(SIGPIPE, SIG_IGN)
        leaveNoMemoryBehind()
        OpenFiles.raiseLimit()
        let typed = Array(CommandLine.arguments.dropFirst())
        // With what files add, once they are read.
        var words = typed
        do {
            words = try ConfigurationLoader.arguments(typed, environment: ProcessInfo.processInfo.environment)
            var command = try DailiesCommand.parseAsRoot(words)
            if command is any PrintingCommand { Console.endWithOutput() }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ArgumentParser.ExitCode {
            Console.end(with: ExitCode(rawValue: code.rawValue) ?? .unexpected)
        } catch {
            end(error, typed: typed, isJSON: words.contains("--json"))
        }
        Console.end(with: .success)
    }

    /// Prints what stopped a command. With `--json` its data ends like that of a run, with an object that holds the exit code.
    private static func end(_ error: any Error, typed: [String], isJSON: Bool) -> Never {
        let parserCode = DailiesCommand.exitCode(for: error)
        if !(error is Stop), parserCode != .failure {
            // Help, the version or a usage error, as the argument parser words it.
            guard parserCode != .success else {
                Console.out(DailiesCommand.fullMessage(for: error))
                Console.end(with: .success)
            }
            // The hint is extra: where the definitions cannot be decoded, the parser's message is printed alone.
            let hint = (try? CommandDefinition.program()).map(UsageSuggestion.init)
            func words(_ message: String) -> String { hint?.explained(message, typed: typed) ?? message }
            if isJSON { JSONReporter().refused(Stop(.usage, words(DailiesCommand.message(for: error)))) }
            Console.error(words(DailiesCommand.fullMessage(for: error)))
            Console.end(with: .usage)
        }
        let stop = error as? Stop ?? Stop(.unexpected, ErrorFormatter.of(error))
        if isJSON { JSONReporter().refused(stop) }
        stop.print()
        Console.end(with: stop.code)
    }
}

/// A command that reads and prints, and changes nothing: when nobody can read its output, it ends.
protocol PrintingCommand: ParsableCommand {}

/// A crash writes no memory image and no report with what registers point at: the API key might stand in either. Why it
/// crashed is still said in words, since the runtime writes those first.
private func leaveNoMemoryBehind() {
    for crash in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] { signal(crash, SIG_DFL) }
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    #if os(Linux)
        let isSet = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
    #else
        let isSet = setrlimit(RLIMIT_CORE, &none) == 0
    #endif
    if !isSet { Console.error("dailies: memory images cannot be turned off: \(String(cString: strerror(errno)))") }
}

/// Ends the program with a code of the manual and words for people.
struct Stop: Error {
    let code: DailiesCore.ExitCode
    /// What happened and what to do; may be empty where all has been said.
    let message: String
    init(_ code: DailiesCore.ExitCode, _ message: String = "") {
        self.code = code
        self.message = message
    }

    func print() {
        // Paths and what a system says go in as they are; what a manifest or a provider said was escaped before.
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
        abstract: "Renders a manifest of prompts into clips, and pays for each of them once.",
        discussion: """
            Feed it a manifest of text-to-video prompts. It submits each one to a paid hosted render API, waits, downloads \
            the clip before its URL expires, and can say at any moment what every clip cost. Pull the plug at any instant \
            and run the same command again: nothing is lost and nothing is paid twice.

            Try it without a key, a network or a bill:
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
