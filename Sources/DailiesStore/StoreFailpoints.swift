/// Failpoints for tests: a failing commit, or a simulated crash at a chosen commit.
///
/// A frozen store simulates a crash: nothing is written and no caller is notified any more. Opening the same path again
/// simulates the restart.
package final class StoreFailpoints: Sendable {
    /// A fault at a commit.
    package enum Fault: Sendable, Hashable {
        /// It fails as if SQLite had refused it, and is rolled back.
        case fails(StoreError)
        /// A crash before it is durable.
        case crashesBefore
        /// A crash after it is durable and before callers are notified.
        case crashesAfter
    }

    private struct State {
        var commits = 0
        var hasCrashed = false
        var planned: [Int: Fault] = [:]
    }

    private let state = Locked(State())

    package init() {}

    /// The number of commits begun.
    package var commits: Int { state.withLock { $0.commits } }

    package var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

    package func crash() { state.withLock { $0.hasCrashed = true } }

    /// - Parameter commit: counted from 1, over all commits of the store with these failpoints.
    package func plan(_ fault: Fault, atCommit commit: Int) {
        precondition(commit >= 1, "commits count from 1, not from \(commit)")
        state.withLock { $0.planned[commit] = fault }
    }

    /// Counts a commit and returns its fault, if any.
    func next() -> Fault? {
        state.withLock { state in
            state.commits += 1
            return state.planned.removeValue(forKey: state.commits)
        }
    }

    static let crashed = StoreError(.io, "the store is frozen by a test")
}
