import ArgumentParser
import ExactJSON

/// A command as the argument parser describes it.
struct CommandDefinition {
    struct Argument {
        /// For example `--store` and `-q`; empty for a positional argument.
        let names: [String]
        /// The placeholder for its value in help texts.
        let valueName: String
        let isFlag: Bool
        let isOptional: Bool
        let isRepeating: Bool
        /// The section of the help text that lists it.
        let section: String?
        /// The effect, the allowed values and the default.
        let help: String
    }

    let name: String
    let abstract: String
    let discussion: String
    /// Positional arguments.
    let arguments: [Argument]
    let options: [Argument]
    let commands: [CommandDefinition]

    /// The whole program, from the parser's `_dumpHelp`.
    ///
    /// - Throws: ``JSONError`` if that dump is not valid JSON, which a test would catch.
    static func program() throws(JSONError) -> CommandDefinition {
        let description = try JSONValue.parse(Array(DailiesCommand._dumpHelp().utf8))
        return CommandDefinition(description["command"] ?? JSONValue(kind: .null))
    }

    private init(_ command: JSONValue) {
        name = command["commandName"]?.string ?? ""
        abstract = command["abstract"]?.string ?? ""
        discussion = command["discussion"]?.string ?? ""
        let shown = (command["arguments"]?.array ?? []).filter { $0["shouldDisplay"]?.bool == true }
        arguments = shown.filter { $0["kind"]?.string == "positional" }.map(Argument.init)
        options = shown.filter { $0["kind"]?.string != "positional" }.map(Argument.init)
        // The parser adds its own `help` command. Ours comes first.
        var commands: [CommandDefinition] = []
        for subcommand in (command["subcommands"]?.array ?? []).map(CommandDefinition.init)
        where !commands.contains(where: { $0.name == subcommand.name }) {
            commands.append(subcommand)
        }
        self.commands = commands
    }
}

extension CommandDefinition.Argument {
    fileprivate init(_ argument: JSONValue) {
        names = (argument["names"]?.array ?? []).compactMap { name in
            name["name"]?.string.map { (name["kind"]?.string == "short" ? "-" : "--") + $0 }
        }
        valueName = argument["valueName"]?.string ?? ""
        isFlag = argument["kind"]?.string == "flag"
        isOptional = argument["isOptional"]?.bool ?? false
        isRepeating = argument["isRepeating"]?.bool ?? false
        section = argument["sectionTitle"]?.string
        var facts: [String] = []
        if let values = argument["allValues"]?.array?.compactMap(\.string), !values.isEmpty {
            facts.append("values: " + values.joined(separator: ", "))
        }
        if let value = argument["defaultValue"]?.string { facts.append("default: \(value)") }
        let abstract = argument["abstract"]?.string ?? ""
        help = facts.isEmpty ? abstract : abstract + " (\(facts.joined(separator: "; ")))"
    }
}
