/// Faults for tests: a commit that fails, and a crash that stops a store at a chosen commit.
///
/// A frozen store is what a crash leaves: nothing is ever written again, and nobody is told anything any more. Opening
/// the same path anew is the restart.
package final class StoreFailpoints: Sendable {
    /// What is to happen at a commit.
    package enum Fault: Sendable, Hashable {
        /// It fails as if SQLite had refused it, and is rolled back.
        case fails(StoreError)
        /// The crash comes before it is durable.
        case freezesBefore
        /// The crash comes after it is durable and before anyone is told.
        case freezesAfter
    }

    private struct State {
        var commits = 0
        var isFrozen = false
        var planned: [Int: Fault] = [:]
    }

    private let state = Locked(State())

    package init() {}

    /// How many commits were begun.
    package var commits: Int { state.withLock { $0.commits } }

    package var isFrozen: Bool { state.withLock { $0.isFrozen } }

    package func freeze() { state.withLock { $0.isFrozen = true } }

    /// - Parameter commit: counted from 1, over all commits of the store that holds these faults.
    package func plan(_ fault: Fault, atCommit commit: Int) {
        precondition(commit >= 1, "commits count from 1, not from \(commit)")
        state.withLock { $0.planned[commit] = fault }
    }

    /// Counts a commit and tells what is to happen at it.
    func next() -> Fault? {
        state.withLock { state in
            state.commits += 1
            return state.planned.removeValue(forKey: state.commits)
        }
    }

    static let crashed = StoreError(.io, "the store is frozen by a test")
}
