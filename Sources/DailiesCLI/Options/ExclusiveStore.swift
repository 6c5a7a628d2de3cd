import DailiesCore
import DailiesStore
import Foundation

/// A store opened for changes: locked against other runs, and closed at the end.
enum ExclusiveStore {
    /// Runs `body` on the store, which must exist.
    ///
    /// - Parameters:
    ///   - advice: completes the advice "wait for the run or stop it" if a run is active.
    /// - Throws: ``Stop`` with 64 if there is no store, 1 if it cannot be opened, 11 if a run is active.
    static func with<T>(
        _ options: StoreOptions, orElse advice: String, _ body: (Store) async throws -> T
    ) async throws -> T {
        let path = options.path
        try options.requireStore()
        let lock = try lock(path, advice)
        defer { withExtendedLifetime(lock) {} }
        return try await closing(open(path, .running), path, body)
    }

    static func closing<T>(
        _ store: Store, _ path: String, _ body: (Store) async throws -> T
    ) async throws -> T {
        let value: T
        do {
            value = try await body(store)
        } catch let error as StoreError {
            try store.close()
            throw Stop(.unexpected, "the store \(SafeText.escaped(path)) cannot be used: \(error)")
        } catch {
            try store.close()
            throw error
        }
        try store.close()
        return value
    }

    static func lock(_ path: String, _ advice: String) throws -> RunnerLock {
        do throws(StoreError) {
            return try Store.lock(path)
        } catch {
            guard case .lockedByRunner(let holder) = error.kind else {
                throw Stop(.unexpected, "cannot lock the store \(SafeText.escaped(path)): \(error)")
            }
            if holder.hasSuffix(Store.carriesOutCommands) {
                throw Stop(.storeLocked, "the store \(SafeText.escaped(path)) is in use: \(error)")
            }
            throw Stop(
                .storeLocked,
                "the store \(SafeText.escaped(path)) is in use by an active run (\(holder)); wait for the run or stop it, \(advice)"
            )
        }
    }

    static func open(_ path: String, _ use: Store.Use) throws -> Store {
        do throws(StoreError) {
            return try Store.open(path, for: use)
        } catch {
            throw Stop(.unexpected, "cannot open the store \(SafeText.escaped(path)): \(error)")
        }
    }
}
