import Testing

@testable import DailiesCLI

/// The man pages.
struct ManTextTests {
    @Test func `no text becomes a macro, and quotes and hyphens stay ASCII`() {
        #expect(ManText.escaped(".SH x") == "\\&.SH x")
        #expect(ManText.escaped("'tis `a-b` ~/c\\n ^d") == "\\(aqtis \\(gaa\\-b\\(ga \\(ti/c\\en \\(had")
        #expect(ManText.escaped("plain. words") == "plain. words")
        #expect(ManText.escaped("… of three") == "\\&... of three")
    }

    @Test func `the program, each command and each topic have a man page`() throws {
        let pages = try ManPage.all()
        let program = try CommandDefinition.program()
        #expect(program.commands.count == DailiesCommand.configuration.subcommands.count)
        #expect(
            pages.map(\.path)
                == ["man1/dailies.1"] + program.commands.map { "man1/dailies-\($0.name).1" }
                + HelpTopic.allCases.map { "man7/dailies-\($0.rawValue).7" })
        for page in pages { #expect(page.text.hasPrefix(".TH "), "\(page.name)") }
    }

    @Test func `a discussion becomes paragraphs, examples and exit codes`() {
        var text = ManText("x-y", 1, "Does it.")
        let words = "First.\n\nSecond:\n  as -is\n\nExamples:\n  x y\n  .z\n\nExit codes: 0 fine."
        text.discussion(words)
        text.closing(words)
        #expect(
            text.text.hasSuffix(
                """
                .SH NAME
                x\\-y \\- Does it
                First.
                .PP
                Second:
                .RS 4
                .nf
                as \\-is
                .fi
                .RE
                .SH EXIT STATUS
                0 fine.
                .SH EXAMPLES
                .RS 4
                .nf
                x y
                \\&.z
                .fi
                .RE

                """))
    }
}
