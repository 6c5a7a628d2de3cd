import DailiesCore
import Dispatch
import Logging

@testable import DailiesRunner
@testable import DailiesStore

/// One process of the program: from its start on an open store to its end or its crash.
///
/// Its queues stand still but for the phase that the harness lets run, so that a seed decides the order of everything:
/// either the runner takes in what was told to it, or the store commits what waits and reads the pages asked for.
final class ProcessLifetime {
    /// Bound of any wait for another thread: far more than a healthy machine takes.
    static let patience = DispatchTimeInterval.seconds(60)

    let provider: MachineProvider
    let timers: ManualRunnerClock
    let store: Store
    let faults: StoreFailpoints
    let runner: Runner
    /// Downloads run one after the other here, in the order in which the runner began them.
    private let downloadQueue = DispatchQueue(label: "simulation.downloads")
    private let told = Locked<[String]>([])
    private let ending = Locked<Runner.Outcome?>(nil)
    /// The runner acted since the store ran last: there may be something to commit, or a page to read.
    private(set) var mayHaveStoreWork = true

    init(
        store: Store, faults: StoreFailpoints, provider: MachineProvider, timers: ManualRunnerClock,
        configuration: Runner.Configuration
    ) {
        self.store = store
        self.faults = faults
        self.provider = provider
        self.timers = timers
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        runner = Runner(store: store, provider: provider, timers: timers, configuration: configuration, logger: logger)
        {
            [told] event, _ in
            told.withLock { $0.append("\(event)") }
        }
        runner.downloadTarget = downloadQueue
    }

    var outcome: Runner.Outcome? { ending.withLock { $0 } }

    /// What the run told since the last time.
    func takeTold() -> [String] {
        told.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    /// Lets the runner read the store. Its first decisions wait for ``runRunner()``.
    func start() throws {
        runner.queue.suspend()
        runner.readingQueue.suspend()
        runner.start { [ending] outcome in ending.withLock { $0 = outcome } }
        // Behind the reading and before the first decision: from there on both queues wait for their phases.
        let isRead = DispatchSemaphore(value: 0)
        runner.queue.async { [runner, store] in
            store.queue.suspend()
            runner.queue.suspend()
            isRead.signal()
        }
        runner.queue.resume()
        guard isRead.wait(timeout: .now() + Self.patience) == .success else { throw Violation("the start hangs") }
    }

    // MARK: Phases

    /// The runner takes in all that was told to it, and decides.
    func runRunner() {
        // What a download says at once is taken in the next time, whichever thread is faster.
        downloadQueue.suspend()
        runner.queue.resume()
        runner.queue.sync {}
        runner.queue.suspend()
        downloadQueue.resume()
        settleDownloads()
        mayHaveStoreWork = true
    }

    /// The store commits what waits, in one transaction; and then, where asked, the pages are read.
    func runStore(reading: Bool) throws {
        store.queue.resume()
        defer { store.queue.suspend() }
        try store.drain()
        guard reading, !faults.hasCrashed else { return }
        runner.readingQueue.resume()
        runner.readingQueue.sync {}
        runner.readingQueue.suspend()
        mayHaveStoreWork = false
    }

    /// The queues of the downloads do what was asked of them. Nothing else runs, so that this ends.
    func settleDownloads() {
        for download in runner.downloads.values { download.queue.sync {} }
    }

    var hasWaitingWrites: Bool { store.waiting.withLock { !$0.calls.isEmpty } }

    // MARK: The end

    /// Lets go of everything after a run has ended by itself.
    func close() throws {
        timers.stop()
        release()
        try store.close()
    }

    /// A crash: nothing is written, sent, decided or told any more.
    func crash() throws {
        faults.crash()
        provider.die()
        timers.stop()
        runner.simulateCrash()
        release()
        try store.close()
    }

    /// Lets the queues run empty: no queue may be let go of while it stands still.
    private func release() {
        store.queue.resume()
        runner.readingQueue.resume()
        runner.queue.resume()
        store.queue.sync {}
        runner.readingQueue.sync {}
        runner.queue.sync {}
        settleDownloads()
        runner.queue.sync {}
    }
}
