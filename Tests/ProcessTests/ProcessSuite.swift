import Dispatch
import Testing

@testable import TestSupport

/// The built program as it is used: processes, HTTP on loopback, SQLite files, SIGKILL. One test at a time, since two
/// cores are shared by the runner, the simulator and the test, and some tests measure milliseconds.
@Suite(.serialized, .offThePool) enum ProcessSuite {}

/// Runs tests on a thread that may block: they wait for processes, and the pool of Swift's tasks has as few threads as
/// the machine has cores.
struct OffThePool: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(BlockingExecutor.shared) { try await function() }
    }
}

extension Trait where Self == OffThePool {
    static var offThePool: OffThePool { OffThePool() }
}

final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()
    let queue = DispatchQueue(label: "process-tests")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
