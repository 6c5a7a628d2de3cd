import ArgumentParser
import DailiesCore
import DailiesStore
import Foundation

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Back up, check or accept a store.",
        discussion: """
            Examples:
              dailies store backup monday.sqlite
              dailies store check --store monday.sqlite
            """,
        subcommands: [StoreBackupCommand.self, StoreCheckCommand.self, StoreAcceptCommand.self])
}

struct StoreBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store into a new file, also while a run goes on.",
        discussion: """
            The copy is of one moment and needs no other file. Copying dailies.sqlite by hand may leave out what its log \
            dailies.sqlite-wal holds.

            Examples:
              dailies store backup monday.sqlite
              dailies store backup /backup/campaign.sqlite --store campaign.sqlite
            """)

    @OptionGroup var store: StoreOptions
    @Argument(help: ArgumentHelp("The new file; nothing may be there yet.", valueName: "path"))
    var target: String

    func run() throws {
        try OutputFile.refusePart(ofStore: store.path, target)
        let source = try store.openForReading()
        do throws(StoreError) {
            try source.backUp(to: target)
            try source.close()
        } catch {
            throw Stop(.unexpected, "cannot back up the store \(store.path): \(error)")
        }
        Console.error("the store \(SafeText.escaped(store.path)) is copied to \(SafeText.escaped(target))")
    }
}

struct StoreCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check that the store is sound.",
        discussion: """
            Reads all of it: the file, the references between rows, the states and the sums. Changes nothing.

            Examples:
              dailies store check
              dailies store check --store monday.sqlite

            Exit codes: 0 the store is sound, 1 something is wrong.
            """)

    @OptionGroup var store: StoreOptions

    func run() throws {
        let source = try store.openForReading()
        let problems: [String]
        do throws(StoreError) {
            problems = try source.problems()
            try source.close()
        } catch {
            throw Stop(.unexpected, "cannot check the store \(store.path): \(error)")
        }
        for problem in problems { Console.out(SafeText.escaped(problem)) }
        guard problems.isEmpty else { throw ExitCode.unexpected.asExit }
        Console.error("the store \(SafeText.escaped(store.path)) is sound")
    }
}

struct StoreAcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Accept a store that looks like half of one.",
        discussion: """
            While a run works, the latest changes are in dailies.sqlite-wal, and a copy of dailies.sqlite alone is refused: \
            it does not know what was paid last. A store that is not such a copy is refused only if the program was killed \
            at one particular moment and another program opened the store since. Accept it then, and only then.

            Example:
              dailies store accept --store campaign.sqlite
            """)

    @OptionGroup var store: StoreOptions

    func run() throws {
        let path = SafeText.escaped(store.path)
        do throws(StoreError) {
            let lock = try Store.lock(store.path)
            defer { withExtendedLifetime(lock) {} }
            let isChanged = try Store.acceptWithoutLog(store.path)
            Console.error(isChanged ? "the store \(path) is accepted" : "the store \(path) needs no acceptance")
        } catch {
            if case .lockedByRunner = error.kind { throw Stop(.storeLocked, "the store \(path) is in use: \(error)") }
            throw Stop(.unexpected, "cannot accept the store \(path): \(error)")
        }
    }
}
