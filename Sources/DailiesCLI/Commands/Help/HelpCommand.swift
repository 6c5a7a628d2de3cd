import ArgumentParser
import DailiesCore

struct HelpCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "help",
        abstract: "Show help for a command or a topic: \(HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")).",
        discussion: """
            Examples:
              dailies help states
              dailies help exit-codes
              dailies help run
            """)

    @Argument(help: ArgumentHelp("A topic or a command.", valueName: "topic"))
    var subjects: [String] = []

    func run() throws {
        guard let subject = subjects.first else { return Console.out(DailiesCommand.helpMessage()) }
        if subjects.count == 1, let topic = HelpTopic(rawValue: subject) { return Console.out(topic.text) }
        let commands = DailiesCommand.configuration.subcommands
        if subjects.count == 1, let command = commands.first(where: { $0.configuration.commandName == subject }) {
            return Console.out(DailiesCommand.helpMessage(for: command))
        }
        let topics = HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")
        let requested = subjects.map(SafeText.escaped).joined(separator: " ")
        throw Stop(.usage, "no help for \"\(requested)\"; topics: \(topics); for commands, see `dailies --help`")
    }
}
