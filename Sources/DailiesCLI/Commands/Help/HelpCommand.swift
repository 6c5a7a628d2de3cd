import ArgumentParser
import DailiesCore
import DailiesRunner
import Foundation

struct HelpCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "help",
        abstract: "Show help for a command or a topic: \(HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")).",
        discussion: """
            Examples:
              dailies help states
              dailies help exit-codes
              dailies help run
              dailies help --man ~/.local/share/man && man dailies-run
            """)

    @Argument(help: ArgumentHelp("A topic or a command.", valueName: "topic"))
    var subjects: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write a man page for each command and topic to man1 and man7 in this folder.",
            valueName: "folder"))
    var man: String?

    mutating func validate() throws {
        guard man == nil || subjects.isEmpty else {
            throw ValidationError("--man writes all pages; use it without a topic")
        }
    }

    func run() throws {
        if let man { return try write(to: URL(fileURLWithPath: man)) }
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

    private func write(to folder: URL) throws {
        let pages = try ManPage.all()
        let (commands, topics) = (try Self.subfolder("man1", in: folder), try Self.subfolder("man7", in: folder))
        // All files are checked before the first one is written.
        let files = try pages.map { page in
            (try OutputFile(page.file, in: page.section == 1 ? commands : topics, .manPage), page.text)
        }
        for (file, text) in files { try file.write { append in try append(text) } }
        Console.error("wrote \(pages.count) man pages to \(SafeText.escaped(folder.path)); see `man dailies`")
    }

    private static func subfolder(_ name: String, in folder: URL) throws -> OpenFolder {
        do {
            return try OpenFolder.made(folder.appending(path: name).path)
        } catch {
            throw Stop(.unexpected, "cannot write man pages to \(folder.path): \(error)")
        }
    }
}
