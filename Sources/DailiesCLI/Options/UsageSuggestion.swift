import DailiesManifest
import Foundation

/// Suggestions for mistyped command lines, if the argument parser has none.
struct UsageSuggestion {
    /// Equivalent options by the names that other tools use. Only names that no command here has.
    private static let otherNames: [String: String] = [
        "-c": "--concurrency", "-j": "--concurrency", "--jobs": "--concurrency", "--parallel": "--concurrency",
        "--workers": "--concurrency", "-o": "--output", "--output-dir": "--output", "--out-dir": "--output",
        "-b": "--budget", "--max-cost": "--budget", "--max-credits": "--budget", "-k": "--api-key-file",
        "--key": "--api-key-file", "--api-key": "--api-key-file", "-f": "--format", "-s": "--store", "-v": "--verbose",
        "--db": "--store", "--url": "--base-url",
    ]
    private static let dryRuns: Set<String> = ["--dry-run", "--dryrun", "-n", "--simulate"]

    private let program: CommandDefinition

    init(_ program: CommandDefinition) { self.program = program }

    /// The parser's message, with a suggestion added to its first line.
    ///
    /// - Parameter typed: the arguments without the program's name.
    func explained(_ message: String, typed: [String]) -> String {
        var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = lines.first, !first.contains("Did you mean") else { return message }
        if let (word, command, more) = unknownCommand(in: typed) {
            lines[0] = "Error: Unknown command '\(word)'." + meant(by: word, of: command, before: more)
        } else if let hint = option(in: typed) {
            lines[0] = first + (first.hasSuffix(".") ? "" : ".") + hint
        }
        return lines.joined(separator: "\n")
    }

    /// The first word in the position of a command that is not a command, and the words after it.
    private func unknownCommand(
        in typed: [String]
    ) -> (word: String, of: CommandDefinition, more: ArraySlice<String>)? {
        var command = program
        for (index, word) in typed.enumerated() {
            guard !command.commands.isEmpty, !word.hasPrefix("-") else { return nil }
            guard let next = command.commands.first(where: { $0.name == word }) else {
                return (word, command, typed[(index + 1)...])
            }
            command = next
        }
        return nil
    }

    private func meant(by word: String, of command: CommandDefinition, before more: ArraySlice<String>) -> String {
        if command.name == program.name, FileManager.default.fileExists(atPath: word) {
            return " Did you mean `\(ShellWord.line(["dailies", "run", word] + more))`?"
        }
        return SpellingSuggestion.nearest(to: word, in: command.commands.map(\.name)).map { " Did you mean '\($0)'?" }
            ?? ""
    }

    private func option(in typed: [String]) -> String? {
        var command = program
        for word in typed.prefix(while: { !$0.hasPrefix("-") }) {
            guard let next = command.commands.first(where: { $0.name == word }) else { break }
            command = next
        }
        let known = Set(command.options.flatMap(\.names))
        for word in typed.prefix(while: { $0 != "--" }) where word.hasPrefix("-") && word != "-" {
            let name = word.prefix { $0 != "=" }
            guard !known.contains(String(name)) else { continue }
            if Self.dryRuns.contains(String(name)) {
                return " `dailies plan MANIFEST` shows what a run would submit and what it would cost."
            }
            if let other = Self.otherNames[String(name)], known.contains(other) { return " Did you mean '\(other)'?" }
        }
        return nil
    }
}
