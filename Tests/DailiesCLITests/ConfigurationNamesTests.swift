import Testing

@testable import DailiesCLI

/// What a settings file may say, against the options that there are.
struct ConfigurationNamesTests {
    @Test func `each option of a run may stand in a settings file, or is said to be of one run only`() throws {
        let program = try CommandDefinition.program()
        let run = try #require(program.commands.first { $0.name == "run" })
        let options = Set(
            run.options.flatMap(\.names).filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
        let settable = Set(ConfigurationNames.own + ConfigurationNames.anywhere)
        let single = Set(ConfigurationNames.ofOneRun)
        #expect(options.subtracting(settable).subtracting(single).sorted() == [])
        #expect(settable.intersection(single).isEmpty)
        #expect(single.subtracting(options).sorted() == [], "no option of `run` is called so")
    }

    @Test func `each name is an option of some command, or the command that prints the key`() throws {
        let options = Set(try CommandDefinition.program().commands.flatMap(\.options).flatMap(\.names))
        let names = ConfigurationNames.own + ConfigurationNames.anywhere
        #expect(
            names.filter { !options.contains("--" + $0) } == [ConfigurationNames.keyCommand])
        #expect(ConfigurationNames.anywhere == ConfigurationNames.anywhere.sorted())
    }
}
