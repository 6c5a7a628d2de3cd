import Testing

/// What each of these commands says of itself.
struct HelpTests {
    @Test(arguments: ["reconcile", "cancel", "retry", "explain", "export", "doctor"])
    func `help shows what it does, with examples`(_ command: String) async throws {
        let scene = try await Scene()
        let outcome = try await scene.dailies(command, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.out.hasPrefix("OVERVIEW: "))
        #expect(outcome.out.contains("\nExamples:\n"))
        #expect(outcome.out.components(separatedBy: "  dailies \(command)").count >= 3)
        #expect(outcome.out.contains("--store <path>"))
        #expect(outcome.out.contains("--json"))
    }

    @Test func `the list of commands names them`() async throws {
        let outcome = try await Scene().dailies("--help")
        for command in ["reconcile", "cancel", "retry", "explain", "export", "doctor"] {
            #expect(outcome.out.contains("\n  \(command) "))
        }
    }
}
