import DailiesCore
import ExactJSON

/// A man page, generated from the command definitions and the topics of `dailies help`.
///
/// It uses the macros of man(7), which both groff and mandoc read.
struct ManPage {
    /// `dailies-run`
    let name: String
    /// 1: commands; 7: topics.
    let section: Int
    let text: String

    /// The path relative to a folder of `MANPATH`.
    var path: String { "man\(section)/\(file)" }
    var file: String { "\(name).\(section)" }

    /// `dailies(1)`, one page per command, and one per topic.
    static func all() throws(JSONError) -> [ManPage] {
        let program = try CommandDefinition.program()
        let others = program.commands.map { "dailies-\($0.name)" }
        let topics = HelpTopic.allCases.map { "dailies-\($0.rawValue)" }
        return [main(program, others.map { ($0, 1) } + topics.map { ($0, 7) })]
            + program.commands.map(command) + HelpTopic.allCases.map(topic)
    }

    private static func main(_ program: CommandDefinition, _ others: [(String, Int)]) -> ManPage {
        var text = ManText("dailies", 1, program.abstract)
        text.heading("SYNOPSIS")
        text.raw(ManText.bold("dailies") + " " + ManText.italic("command") + " [" + ManText.italic("options") + "]")
        text.heading("DESCRIPTION")
        text.discussion(program.discussion)
        text.heading("COMMANDS")
        for command in program.commands {
            text.entry(ManText.bold("dailies-\(command.name)") + "(1)", command.abstract)
        }
        text.options(program.options)
        text.heading("EXIT STATUS")
        for code in ExitCode.allCases { text.entry(ManText.bold("\(code.rawValue)"), code.meaning) }
        text.seeAlso(others)
        return ManPage(name: "dailies", section: 1, text: text.text)
    }

    private static func command(_ command: CommandDefinition) -> ManPage {
        let name = "dailies-\(command.name)"
        var text = ManText(name, 1, command.abstract)
        text.heading("SYNOPSIS")
        let arguments = command.arguments.map { argument in
            let name = ManText.italic(argument.valueName) + (argument.isRepeating ? " ..." : "")
            return argument.isOptional ? "[" + name + "]" : name
        }
        text.raw(
            ([ManText.bold("dailies \(command.name)"), "[" + ManText.italic("options") + "]"] + arguments)
                .joined(separator: " "))
        text.heading("DESCRIPTION")
        text.discussion(command.discussion)
        if !command.arguments.isEmpty {
            text.heading("ARGUMENTS")
            for argument in command.arguments { text.entry(ManText.italic(argument.valueName), argument.help) }
        }
        text.options(command.options)
        text.closing(command.discussion)
        text.seeAlso([("dailies", 1)] + HelpTopic.allCases.map { ("dailies-\($0.rawValue)", 7) })
        return ManPage(name: name, section: 1, text: text.text)
    }

    private static func topic(_ topic: HelpTopic) -> ManPage {
        let name = "dailies-\(topic.rawValue)"
        var text = ManText(name, 7, topic.abstract)
        text.heading("DESCRIPTION")
        text.verbatim(topic.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        text.seeAlso([("dailies", 1)])
        return ManPage(name: name, section: 7, text: text.text)
    }
}

extension HelpTopic {
    /// One line, for the NAME section.
    var abstract: String {
        switch self {
        case .states: "task states."
        case .exitCodes: "exit codes of dailies."
        case .manifests: "manifest format."
        case .money: "prices, budgets and bills."
        case .pace: "limits, order, retries and canaries of a run."
        case .files: "files that a run writes, and how to move them."
        case .recovery: "how to recover when a run stops early."
        case .configuration: "settings from files and the environment."
        }
    }
}
