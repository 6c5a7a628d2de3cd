import ArgumentParser
import DailiesCore
import DailiesStore
import Foundation

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Back up, check or accept a store file.",
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
        abstract: "Copy the store to a new file; safe during a run.",
        discussion: """
            The copy is a consistent snapshot in a single file. If you copy dailies.sqlite by hand, you may miss the \
            latest changes, which are in dailies.sqlite-wal.

            Examples:
              dailies store backup monday.sqlite
              dailies store backup /backup/campaign.sqlite --store campaign.sqlite
            """)

    @OptionGroup var store: StoreOptions
    @Argument(help: ArgumentHelp("The new file; must not exist.", valueName: "path"))
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
        Console.error("backed up the store \(SafeText.escaped(store.path)) to \(SafeText.escaped(target))")
    }
}

struct StoreCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the integrity of the store.",
        discussion: """
            Checks the file, the references between rows, the task states and the totals. Changes nothing.

            Examples:
              dailies store check
              dailies store check --store monday.sqlite

            Exit codes: 0 no problems found, 1 problems found.
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
        Console.error("the store \(SafeText.escaped(store.path)) is OK")
    }
}

struct StoreAcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Accept a store that appears to be missing its log.",
        discussion: """
            During a run, the latest changes are in dailies.sqlite-wal. A copy of dailies.sqlite alone is refused, \
            because the latest payments may be missing from it. A complete store is refused only if the program was \
            killed at one particular moment and another program has opened the store since. Use this command only in \
            that case.

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
            Console.error(isChanged ? "accepted the store \(path)" : "the store \(path) is complete; nothing to accept")
        } catch {
            if case .lockedByRunner = error.kind { throw Stop(.storeLocked, "the store \(path) is in use: \(error)") }
            throw Stop(.unexpected, "cannot accept the store \(path): \(error)")
        }
    }
}
