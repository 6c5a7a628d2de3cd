import ArgumentParser
import DailiesStore
import Foundation

/// The store that a command uses.
struct StoreOptions: ParsableArguments {
    static let environmentName = "DAILIES_STORE"
    static let defaultPath = "dailies.sqlite"

    @Option(help: ArgumentHelp("Store file (default: $DAILIES_STORE, else dailies.sqlite).", valueName: "path"))
    var store: String?

    var path: String { store ?? ProcessInfo.processInfo.environment[Self.environmentName] ?? Self.defaultPath }

    /// Checks that the store exists.
    ///
    /// - Throws: ``Stop`` with 64 if it does not.
    func requireStore() throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        throw Stop(
            .usage, "no store at \(path); `dailies run MANIFEST` creates one, or choose another with --store PATH")
    }

    /// Opens the store for reading; possible during a run.
    func openForReading() throws -> Store {
        try requireStore()
        do {
            return try Store.open(path, for: .reading)
        } catch {
            throw Stop(.unexpected, "cannot read the store \(path): \(error)")
        }
    }

    /// Opens the store to queue commands for the active or next run.
    func openForCommands() throws -> Store {
        try requireStore()
        do {
            return try Store.open(path, for: .telling)
        } catch {
            throw Stop(.unexpected, "cannot open the store \(path): \(error)")
        }
    }
}
