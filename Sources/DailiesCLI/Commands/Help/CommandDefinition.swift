import ArgumentParser
import ExactJSON

/// A command as the argument parser describes it.
struct CommandDefinition {
    struct Option {
        /// For example `--store` and `-q`.
        let names: [String]
        let isFlag: Bool
    }

    let name: String
    let options: [Option]
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
        options = (command["arguments"]?.array ?? []).filter { argument in
            argument["shouldDisplay"]?.bool == true && argument["kind"]?.string != "positional"
        }.map { option in
            let names = (option["names"]?.array ?? []).compactMap { name in
                name["name"]?.string.map { (name["kind"]?.string == "short" ? "-" : "--") + $0 }
            }
            return Option(names: names, isFlag: option["kind"]?.string == "flag")
        }
        // The parser adds its own `help` command. Ours comes first.
        var commands: [CommandDefinition] = []
        for subcommand in (command["subcommands"]?.array ?? []).map(CommandDefinition.init)
        where !commands.contains(where: { $0.name == subcommand.name }) {
            commands.append(subcommand)
        }
        self.commands = commands
    }
}
