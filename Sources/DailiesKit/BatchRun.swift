import DailiesCore
import DailiesRunner
import DailiesStore
import Logging

/// What a run did, and what its batch costs.
public struct RunReport: Sendable {
    /// Why the run ended.
    public let result: RunResult
    /// The batch's tasks by state, and what is missing.
    public let counts: StatusCounts
    /// The spending of the batch over all its runs, by model.
    public let spend: SpendReport
}

/// The store failed, which ended the run. Everything committed before is safe, and the next run continues.
public struct RunFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// For users.
    public let message: String
    public var description: String { message }
}

/// A run in progress.
public final class BatchRun: Sendable {
    /// Maximum events kept for a slow reader of ``events``; the oldest are dropped.
    public static let eventLimit = 10_000

    /// Everything that happens, until the run ends. For one reader.
    public let events: AsyncStream<RunEvent>
    private let runner: Runner
    private let task: Task<RunReport, any Error>

    init(
        _ store: Store, _ lock: RunnerLock, _ provider: any RenderProvider, _ configuration: Runner.Configuration,
        _ logger: Logger,
        atEnd: @escaping @Sendable () async -> Void
    ) {
        let (events, reporter) = AsyncStream.makeStream(
            of: RunEvent.self, bufferingPolicy: .bufferingNewest(Self.eventLimit))
        self.events = events
        let runner = Runner(
            store: store, lock: lock, provider: provider, timers: DispatchClock(), configuration: configuration,
            logger: logger,
            observer: { event, _ in reporter.yield(event) })
        self.runner = runner
        task = Task {
            // Users' commands from other processes (`dailies cancel`, `dailies pause`) reach this run too.
            let poller = CommandPoller(runner)
            let outcome = await withCheckedContinuation { continuation in
                runner.start { continuation.resume(returning: $0) }
            }
            poller.stop()
            reporter.finish()
            await atEnd()
            defer { runner.releaseLock() }
            do {
                let report = try Self.report(outcome, configuration.batches, store)
                try store.close()
                return report
            } catch {
                try store.close()
                throw error
            }
        }
    }

    private static func report(
        _ outcome: Runner.Outcome, _ batches: [BatchID], _ store: Store
    ) throws -> RunReport {
        switch outcome {
        case .storeFailed(let message): throw RunFailure(message: message)
        case .ended(let result):
            return RunReport(
                result: result, counts: try store.summary(batches).total,
                spend: try store.spend(by: [.model], batches: batches))
        }
    }

    /// Waits for the end. Cancelling the calling task stops the run cleanly.
    ///
    /// - Throws: ``RunFailure``, and `StoreError` if the report cannot be read.
    public func report() async throws -> RunReport {
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            stop()
        }
    }

    /// Submits nothing more; requests in flight finish, and the run ends.
    public func stop() { runner.stop() }

    /// Changes the submission limits immediately; each must be at least 1. Lower limits do not cancel anything.
    public func setLimits(_ change: @escaping @Sendable (inout SubmissionLimits) -> Void) { runner.setLimits(change) }

    /// Pauses submission of everything, a batch or a model, until ``unpause(_:)`` with the same scope.
    public func pause(_ scope: PauseScope = .everything) { runner.pause(scope) }

    /// Resumes submission after ``pause(_:)`` with the same scope.
    public func unpause(_ scope: PauseScope = .everything) { runner.unpause(scope) }
}
