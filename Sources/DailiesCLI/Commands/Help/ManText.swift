/// Text in the macros of man(7). Parameters named `words` are escaped here, so that no text becomes a macro.
struct ManText {
    private(set) var text: String

    /// - Parameter abstract: one sentence.
    init(_ name: String, _ section: Int, _ abstract: String) {
        // No date, so that the same program always writes the same page.
        text = """
            .TH "\(Self.escaped(name.uppercased()))" "\(section)" "" "dailies \(ProgramVersion.number)" "Dailies"
            .SH NAME
            \(Self.escaped(name)) \\- \(Self.escaped(abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract))

            """
    }

    static func bold(_ words: String) -> String { "\\fB\(escaped(words))\\fR" }
    static func italic(_ words: String) -> String { "\\fI\(escaped(words))\\fR" }

    /// Escapes text so that hyphens and quotes stay ASCII and no line starts a macro.
    static func escaped(_ words: String) -> String {
        var text = ""
        for character in words {
            switch character {
            case "\\": text += "\\e"
            case "-": text += "\\-"
            case "'": text += "\\(aq"
            case "`": text += "\\(ga"
            case "^": text += "\\(ha"
            case "~": text += "\\(ti"
            // Formatters warn if the terminal's character set has no ellipsis.
            case "…": text += "..."
            default: text.append(character)
            }
        }
        return text.hasPrefix(".") ? "\\&" + text : text
    }

    mutating func heading(_ words: String) { raw(".SH " + words) }

    /// - Parameter line: already escaped.
    mutating func raw(_ line: String) { text += line + "\n" }

    /// - Parameter name: already escaped.
    mutating func entry(_ name: String, _ words: String) {
        raw(".TP")
        raw(name)
        raw(words.isEmpty ? "\\&" : Self.escaped(words))
    }

    /// Lines that are not filled.
    mutating func verbatim(_ lines: [String]) {
        raw(".nf")
        for line in lines { raw(line.isEmpty ? "" : Self.escaped(line)) }
        raw(".fi")
    }

    private static let examples = "Examples:\n"
    private static let exitCodes = "Exit codes: "

    /// Paragraphs, separated by empty lines. Indented lines are not filled. ``closing(_:)`` adds examples and exit
    /// codes.
    mutating func discussion(_ words: String) {
        let paragraphs = words.split(separator: "\n\n").map(String.init).filter {
            !$0.hasPrefix(Self.examples) && !$0.hasPrefix(Self.exitCodes)
        }
        for (index, paragraph) in paragraphs.enumerated() {
            if index > 0 { raw(".PP") }
            lines(of: paragraph)
        }
    }

    /// The exit codes and the examples of a discussion, as sections.
    mutating func closing(_ words: String) {
        let paragraphs = words.split(separator: "\n\n").map(String.init)
        for paragraph in paragraphs where paragraph.hasPrefix(Self.exitCodes) {
            heading("EXIT STATUS")
            lines(of: String(paragraph.dropFirst(Self.exitCodes.count)))
        }
        for paragraph in paragraphs where paragraph.hasPrefix(Self.examples) {
            heading("EXAMPLES")
            lines(of: String(paragraph.dropFirst(Self.examples.count)))
        }
    }

    private mutating func lines(of paragraph: String) {
        for part in paragraph.split(separator: "\n").map(String.init).split(whereChanges: { $0.hasPrefix("  ") }) {
            if part[0].hasPrefix("  ") {
                raw(".RS 4")
                verbatim(part.map { String($0.dropFirst(2)) })
                raw(".RE")
            } else {
                for line in part { raw(Self.escaped(line)) }
            }
        }
    }

    /// The options, in the sections of `--help`.
    mutating func options(_ options: [CommandDefinition.Argument]) {
        guard !options.isEmpty else { return }
        heading("OPTIONS")
        let titles = options.map(\.section).reduce(into: [String?]()) { titles, title in
            if !titles.contains(title) { titles.append(title) }
        }
        // Options without a section come first.
        for title in [nil] + titles.filter({ $0 != nil }) {
            if let title { raw(".SS " + Self.escaped(title)) }
            for option in options where option.section == title {
                let names = option.names.map(Self.bold).joined(separator: ", ")
                entry(names + (option.isFlag ? "" : " " + Self.italic(option.valueName)), option.help)
            }
        }
    }

    mutating func seeAlso(_ pages: [(name: String, section: Int)]) {
        heading("SEE ALSO")
        raw(pages.map { "\(Self.bold($0.name))(\($0.section))" }.joined(separator: ",\n"))
    }
}

extension Array {
    /// Splits wherever the value of the predicate changes.
    fileprivate func split(whereChanges predicate: (Element) -> Bool) -> [[Element]] {
        reduce(into: []) { runs, element in
            if let last = runs.last?.last, predicate(last) == predicate(element) {
                runs[runs.count - 1].append(element)
            } else {
                runs.append([element])
            }
        }
    }
}
