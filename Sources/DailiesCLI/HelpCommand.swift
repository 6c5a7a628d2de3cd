import ArgumentParser
import DailiesCore
import Foundation

struct HelpCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "help",
        abstract: "Explain a command, or a topic: \(HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")).",
        discussion: """
            Examples:
              dailies help states
              dailies help exit-codes
              dailies help run
              dailies help --man ~/.local/share/man && man dailies-run
            """)

    @Argument(help: ArgumentHelp("A topic or a command.", valueName: "topic"))
    var words: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write a page for man(1) of each command and topic into this folder, below man1 and man7.",
            valueName: "folder"))
    var man: String?

    mutating func validate() throws {
        guard man == nil || words.isEmpty else { throw ValidationError("--man writes all pages; name no topic") }
    }

    func run() throws {
        if let man { return try write(to: URL(fileURLWithPath: man)) }
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

    private func write(to folder: URL) throws {
        let pages = try ManPage.all()
        do {
            for page in pages {
                let file = folder.appending(path: page.path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(page.text.utf8).write(to: file, options: .atomic)
            }
        } catch {
            throw Stop(.unexpected, "cannot write pages to \(folder.path): \(error.localizedDescription)")
        }
        Console.error("\(pages.count) pages are below \(SafeText.escaped(folder.path)); see `man dailies`")
    }
}
