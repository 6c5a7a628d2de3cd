import DailiesCore
import DailiesStore
import Foundation

/// A store that a command may change: nobody else runs on it, and it is closed at the end.
enum ExclusiveStore {
    /// Runs `body` on the store, which must exist.
    ///
    /// - Parameters:
    ///   - todo: what to do when a runner holds it, after "wait for it or stop it".
    ///   - tell: what is done beside a runner instead: it tells the runner through the store. If the runner ends before it
    ///     has listened (``RunnerEnded``), `body` is run after all.
    /// - Throws: ``Stop`` with 64 where there is no store, with 1 where it cannot be opened, with 11 where a runner works on it.
    static func with<T>(
        _ options: StoreOptions, orElse todo: String, _ body: (Store) async throws -> T,
        beside tell: ((Store) async throws -> T)? = nil
    ) async throws -> T {
        let path = options.path
        try options.requireStore()
        while let tell, try Store.runner(of: path) != nil {
            do {
                return try await closing(open(path, .telling), path, tell)
            } catch is RunnerEnded {
                continue
            }
        }
        let lock = try lock(path, todo)
        defer { withExtendedLifetime(lock) {} }
        return try await closing(open(path, .running), path, body)
    }

    private static func closing<T>(
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

    private static func lock(_ path: String, _ todo: String) throws -> RunnerLock {
        do throws(StoreError) {
            return try Store.lock(path)
        } catch {
            guard case .lockedByRunner(let holder) = error.kind else {
                throw Stop(.unexpected, "cannot lock the store \(SafeText.escaped(path)): \(error)")
            }
            throw Stop(
                .storeLocked,
                "the store \(SafeText.escaped(path)) is in use by an active run (\(holder)); wait for the run or stop it, \(todo)")
        }
    }

    private static func open(_ path: String, _ use: Store.Use) throws -> Store {
        do throws(StoreError) {
            return try Store.open(path, for: use)
        } catch {
            throw Stop(.unexpected, "cannot open the store \(SafeText.escaped(path)): \(error)")
        }
    }
}
