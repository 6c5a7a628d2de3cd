import Testing

@testable import DailiesCLI

/// Suggestions for mistyped command lines.
struct UsageSuggestionTests {
    private func first(_ message: String, _ typed: String...) throws -> String {
        let text = UsageSuggestion(try CommandDefinition.program()).explained(
            message + "\nUsage: dailies", typed: typed)
        #expect(text.hasSuffix("\nUsage: dailies"))
        return String(text.prefix { $0 != "\n" })
    }

    @Test func `a mistyped command gets the nearest one as suggestion`() throws {
        #expect(
            try first("Error: 1 unexpected argument: 'rnu'", "rnu")
                == "Error: Unknown command 'rnu'. Did you mean 'run'?")
        #expect(
            try first("Error: 2 unexpected arguments: 'bakup', 'x'", "store", "bakup", "x")
                == "Error: Unknown command 'bakup'. Did you mean 'backup'?")
        #expect(try first("Error: x", "frobnicate", "y") == "Error: Unknown command 'frobnicate'.")
    }

    @Test func `a manifest in the position of a command suggests dailies run`() throws {
        #expect(
            try first("Error: x", #filePath, "--budget", "5")
                == "Error: Unknown command '\(#filePath)'. Did you mean `dailies run \(ShellWord.quoted(#filePath)) --budget 5`?"
        )
    }

    @Test(arguments: [("-c", "--concurrency"), ("--api-key", "--api-key-file"), ("-o=x", "--output")])
    func `option names of other tools get a suggestion`(typed: String, meant: String) throws {
        #expect(
            try first("Error: Unknown option 'x'", "run", typed, "5")
                == "Error: Unknown option 'x'. Did you mean '\(meant)'?")
    }

    @Test func `a dry-run option suggests dailies plan`() throws {
        let words =
            "Error: Unknown option '--dry-run'. `dailies plan MANIFEST` shows what a run would submit and what it would cost."
        #expect(try first("Error: Unknown option '--dry-run'", "run", "a.yaml", "--dry-run") == words)
    }

    @Test func `only existing options are suggested, and only if the parser suggests none`() throws {
        #expect(try first("Error: Unknown option '-c'", "status", "-c") == "Error: Unknown option '-c'")
        #expect(try first("Error: x. Did you mean '--json'?", "status", "-c") == "Error: x. Did you mean '--json'?")
        #expect(try first("Error: Missing value", "run", "--", "-c") == "Error: Missing value")
    }
}
