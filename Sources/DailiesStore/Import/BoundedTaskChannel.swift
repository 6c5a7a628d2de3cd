import DailiesCore
import Dispatch

/// Passes the tasks of a manifest from the reading thread to the writing one, so that both work concurrently. Tasks
/// stay in order and are passed in batches; few batches are buffered at once.
final class BoundedTaskChannel: Sendable {
    /// Ends reading once the tasks are no longer wanted. Never leaves this type.
    private struct Unwanted: Error {}

    private struct State {
        var batches: [[TaskSpec]] = []
        /// The result of reading.
        var end: Result<Void, any Error>?
        var isWanted = true
    }
    /// A batch ends with the task that reaches one of these limits. Passing it then costs almost nothing, and the
    /// buffered batches take a megabyte or two, or slightly more than as many of the largest requests as there are
    /// batches.
    private static let maximumTasks = 256
    private static let maximumBytes = 256 << 10
    private static let maximumBatches = 4

    private let state = Locked(State())
    /// Counts the batches that may still be added.
    private let room = DispatchSemaphore(value: 0)
    /// Counts the batches that may be taken, and the end as one.
    private let ready = DispatchSemaphore(value: 0)

    init() {
        // A semaphore must not end with less than its initial value, and abandoned reading leaves batches behind.
        for _ in 0..<Self.maximumBatches { room.signal() }
    }

    // MARK: Reading thread

    /// Reads all tasks, or until they are no longer wanted. Errors of reading are thrown on the writing thread.
    func read(_ forEachTask: TaskStream) {
        var batch: [TaskSpec] = []
        var bytes = 0
        do {
            try forEachTask { task in
                batch.append(task)
                bytes += task.request.text.utf8.count
                guard batch.count == Self.maximumTasks || bytes >= Self.maximumBytes else { return }
                try put(batch)
                batch.removeAll(keepingCapacity: true)
                bytes = 0
            }
            try put(batch)
            end(.success(()))
        } catch {
            end(.failure(error))
        }
    }

    private func put(_ batch: [TaskSpec]) throws(Unwanted) {
        room.wait()
        let isWanted = state.withLock { state in
            if state.isWanted { state.batches.append(batch) }
            return state.isWanted
        }
        ready.signal()
        if !isWanted { throw Unwanted() }
    }

    private func end(_ end: Result<Void, any Error>) {
        state.withLock { $0.end = end }
        ready.signal()
    }

    // MARK: Writing thread

    /// Calls `body` with each task.
    ///
    /// - Throws: the error of reading, after the tasks before it; or an error of `body`, which ends reading.
    func forEach(_ body: (TaskSpec) throws -> Void) throws {
        while let batch = try next() {
            for task in batch { try body(task) }
        }
    }

    /// Ends reading. Call once, when no more tasks are taken.
    func close() {
        state.withLock { $0.isWanted = false }
        room.signal()
    }

    private func next() throws -> [TaskSpec]? {
        ready.wait()
        let (batch, end) = state.withLock { state in
            (state.batches.isEmpty ? nil : state.batches.removeFirst(), state.end)
        }
        if let batch {
            room.signal()
            return batch
        }
        try end?.get()
        return nil
    }
}
