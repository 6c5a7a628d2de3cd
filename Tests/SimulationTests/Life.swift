import DailiesCore
import DailiesRunner
import DailiesStore
import Dispatch
import Logging
import Synchronization

@testable import DailiesRunner
@testable import DailiesStore

/// One process of the program: from the opening of its store to its end or its crash.
///
/// Its queues stand still but for the phase that the harness lets run, so that a seed decides the order of everything:
/// the runner takes in what was told to it, or the store commits what waits and reads the pages that are asked for.
final class Life {
    let provider: MachineProvider
    let timers: ManualTimers
    let store: Store
    let faults: StoreFaults
    let runner: Runner
    private let told = Mutex<[String]>([])
    private let ending = Mutex<Runner.Outcome?>(nil)
    /// The runner acted since the store ran last: there may be something to commit or a page to read.
    private(set) var mayHaveStoreWork = true
    private var isAlive = true

    /// Bound of any wait for another thread: far more than a healthy machine takes.
    static let patience = DispatchTimeInterval.seconds(60)

    init(store: Store, faults: StoreFaults, provider: MachineProvider, timers: ManualTimers, plan: Runner.Plan) {
        self.store = store
        self.faults = faults
        self.provider = provider
        self.timers = timers
        var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let told = Telling()
        self.telling = told
        runner = Runner(store: store, provider: provider, timers: timers, plan: plan, logger: logger) { event, _ in
            told.add("\(event)")
        }
        runner.queue.suspend()
        runner.readingQueue.suspend()
    }

    private let telling: Telling

    private final class Telling: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    deinit { if isAlive { vanish() } }

    var outcome: Runner.Outcome? { ending.withLock { $0 } }

    /// What the run told since the last time.
    func takeTold() -> [String] { telling.take() }

    /// Lets the runner read the store. Its first decisions wait for ``runRunner()``.
    func start() throws {
        let ended = Ended(life: self)
        runner.start { ended.set($0) }
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

    private final class Ended: Sendable {
        private let set: @Sendable (Runner.Outcome) -> Void
        init(life: Life) {
            let box = life.box
            set = { outcome in box.value.withLock { $0 = outcome } }
        }
        func set(_ outcome: Runner.Outcome) { set(outcome) }
    }
}
