import ArgumentParser
import ExactJSON

/// A command as the argument parser knows it.
struct CommandDefinition {
    struct Argument {
        /// `--store`, `-q`; none for an argument by place.
        let names: [String]
        /// What stands for its value in help texts.
        let valueName: String
        let isFlag: Bool
        let isOptional: Bool
        let isRepeating: Bool
        /// The group that help texts show it in.
        let section: String?
        /// What it does, its values and its default.
        let words: String
    }

    let name: String
    let abstract: String
    let discussion: String
    /// By place.
    let arguments: [Argument]
    let options: [Argument]
    let commands: [CommandDefinition]

    /// The whole program, from the parser's own description of it.
    ///
    /// - Throws: where that description is no JSON, which a test would see.
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
        // The parser has a `help` of its own beside ours, which comes first.
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
        words = facts.isEmpty ? abstract : abstract + " (\(facts.joined(separator: "; ")))"
    }
}
