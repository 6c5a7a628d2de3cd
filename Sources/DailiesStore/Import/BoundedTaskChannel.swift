import DailiesCore
import Dispatch

/// Hands the tasks of a manifest from the thread that reads them to the one that writes them, so that both are at work at
/// the same time. They come in order, in batches, and few of these are on their way at once.
final class BoundedTaskChannel: Sendable {
    /// Ends a reading whose tasks nobody takes any more. Seen by nobody else.
    private struct Unwanted: Error {}

    private struct State {
        var batches: [[TaskSpec]] = []
        /// Of the reading.
        var end: Result<Void, any Error>?
        var isWanted = true
    }
    /// A batch ends with the first task that brings it to one of these: handing it over costs nothing then, and what is
    /// on its way takes a megabyte or two, or a little more than as many of the largest requests as there are batches.
    private static let maximumTasks = 256
    private static let mostBytes = 256 << 10
    private static let mostBatches = 4

    private let state = Locked(State())
    /// Counts the batches that may still be put.
    private let room = DispatchSemaphore(value: 0)
    /// Counts those that may be taken, and the end as one.
    private let ready = DispatchSemaphore(value: 0)

    init() {
        // A semaphore must not end with less than it began with, and a reading that is given up leaves batches behind.
        for _ in 0..<Self.mostBatches { room.signal() }
    }

    // MARK: Where they are read

    /// Reads all of them, or until they are no longer wanted. What the reading throws is thrown where they are written.
    func read(_ forEachTask: TaskStream) {
        var batch: [TaskSpec] = []
        var bytes = 0
        do {
            try forEachTask { task in
                batch.append(task)
                bytes += task.request.text.utf8.count
                guard batch.count == Self.maximumTasks || bytes >= Self.mostBytes else { return }
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

    // MARK: Where they are written

    /// Calls `body` with each task.
    ///
    /// - Throws: what the reading threw, after what came before it; or what `body` throws, which ends the reading.
    func forEach(_ body: (TaskSpec) throws -> Void) throws {
        while let batch = try next() {
            for task in batch { try body(task) }
        }
    }

    /// The reading ends, wherever it is. To be called once, when nothing is taken any more.
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
