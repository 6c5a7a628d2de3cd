import ArgumentParser
import DailiesStore
import Foundation

/// Which store a command works on.
struct StoreOptions: ParsableArguments {
    static let environmentName = "DAILIES_STORE"
    static let defaultPath = "dailies.sqlite"

    @Option(help: ArgumentHelp("Store file (default: $DAILIES_STORE, else dailies.sqlite).", valueName: "path"))
    var store: String?

    var path: String { store ?? ProcessInfo.processInfo.environment[Self.environmentName] ?? Self.defaultPath }

    /// What a command ends with that needs a store.
    ///
    /// - Throws: ``Stop`` with 64 where there is none.
    func requireStore() throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        throw Stop(
            .usage, "no store at \(path); `dailies run MANIFEST` creates one, or choose another with --store PATH")
    }

    /// For reading, also while a runner works on it.
    func openForReading() throws -> Store {
        try requireStore()
        do {
            return try Store.open(path, for: .reading)
        } catch {
            throw Stop(.unexpected, "cannot read the store \(path): \(error)")
        }
    }

    /// For telling something to whoever runs on it, now or next.
    func openForTelling() throws -> Store {
        try requireStore()
        do {
            return try Store.open(path, for: .telling)
        } catch {
            throw Stop(.unexpected, "cannot open the store \(path): \(error)")
        }
    }
}
