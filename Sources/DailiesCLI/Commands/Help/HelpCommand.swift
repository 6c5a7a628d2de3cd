import ArgumentParser
import DailiesCore
import DailiesRunner
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
        let (commands, topics) = (try Self.made("man1", in: folder), try Self.made("man7", in: folder))
        // All are looked at before the first is written.
        let files = try pages.map { page in
            (try OutputFile(page.file, in: page.section == 1 ? commands : topics, .manPage), page.text)
        }
        for (file, text) in files { try file.write { append in try append(text) } }
        Console.error("\(pages.count) pages are below \(SafeText.escaped(folder.path)); see `man dailies`")
    }

    private static func made(_ name: String, in folder: URL) throws -> OpenFolder {
        do {
            return try OpenFolder.made(folder.appending(path: name).path)
        } catch {
            throw Stop(.unexpected, "cannot write pages to \(folder.path): \(error)")
        }
    }
}
