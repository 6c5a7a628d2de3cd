import ArgumentParser
import DailiesCore

struct HelpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "help",
        abstract: "Explain a command, or a topic: \(HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")).",
        discussion: """
            Examples:
              dailies help states
              dailies help exit-codes
              dailies help run
            """)

    @Argument(help: ArgumentHelp("A topic or a command.", valueName: "topic"))
    var words: [String] = []

    func run() throws {
        guard let word = words.first else { return Console.out(DailiesCommand.helpMessage()) }
        if words.count == 1, let topic = HelpTopic(rawValue: word) { return Console.out(topic.text) }
        let commands = DailiesCommand.configuration.subcommands
        if words.count == 1, let command = commands.first(where: { $0.configuration.commandName == word }) {
            return Console.out(DailiesCommand.helpMessage(for: command))
        }
        let topics = HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")
        let asked = words.map(SafeText.escaped).joined(separator: " ")
        throw Stop(.usage, "there is no help on \"\(asked)\"; topics: \(topics); commands: see `dailies --help`")
    }
}
