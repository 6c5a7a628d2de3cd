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
    func openForReading() throws -> Store { try open(for: .reading, "read") }

    /// Opens the store to queue commands for the active or next run.
    func openForCommands() throws -> Store { try open(for: .sendingCommands, "open") }

    private func open(for use: Store.Use, _ verb: String) throws -> Store {
        try requireStore()
        return try Store.opened(path, for: use, failure: "cannot \(verb) the store \(path)")
    }
}

extension Store {
    /// - Throws: ``Stop`` with 1, which starts with `failure`.
    static func opened(_ path: String, for use: Store.Use, failure: String) throws -> Store {
        do {
            return try open(path, for: use)
        } catch {
            throw Stop(.unexpected, "\(failure): \(error)")
        }
    }

    /// Closes the store after `body`, also if that throws.
    func closing<Result>(_ body: (Store) throws -> Result) throws -> Result {
        let result: Result
        do {
            result = try body(self)
        } catch {
            try close()
            throw error
        }
        try close()
        return result
    }
}
