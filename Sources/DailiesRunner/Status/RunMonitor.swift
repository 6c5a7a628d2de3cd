import DailiesCore
import DailiesStore
import Dispatch

/// Shows a run to its user. A ``RunMonitor`` calls it, one call at a time.
package protocol RunObserver: Sendable {
    /// How often ``refreshed(_:)`` is called during the run; nil: never.
    var refreshInterval: Duration? { get }
    /// The tasks are counted. Called once, before all others.
    func began(_ status: RunStatus)
    func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus)
    func refreshed(_ status: RunStatus)
    /// The user requested the status.
    func snapshot(_ status: RunStatus)
}

extension RunObserver {
    package var refreshInterval: Duration? { nil }
    package func began(_ status: RunStatus) {}
    package func refreshed(_ status: RunStatus) {}
    package func snapshot(_ status: RunStatus) {}
}

/// Keeps the status of a run and passes it to an observer, off the runner's queue, so that a blocked terminal does not
/// delay the run.
///
/// Bounded: with more than ``maximumWaiting`` events, the caller blocks, because no event may be dropped.
package final class RunMonitor: @unchecked Sendable {
    // Unchecked because every `var` is accessed only on `queue`.

    private static let maximumWaiting = 100_000
    /// Refreshes between two readings of the run's credits.
    private static let refreshesPerReading = 4

    private let observer: any RunObserver
    private let queue = DispatchQueue(label: "dailies.monitor", qos: .utility)
    private let waiting = Locked(0)
    private var status = RunStatus()
    private var runner: Runner?
    private var timer: (any DispatchSourceTimer)?
    private var refreshes = 0
    private var hasStopped = false

    package init(_ observer: any RunObserver) { self.observer = observer }

    /// Begins to follow a run. Call it before the run starts.
    ///
    /// - Parameter count: the status when the run begins. Called on the monitor's queue, because counting takes time;
    ///   later events wait for it.
    package func follow(_ runner: Runner, from count: @escaping @Sendable () -> RunStatus) {
        queue.async {
            self.runner = runner
            self.status = count()
            self.observer.began(self.status)
            self.startRefreshing()
        }
    }

    /// An event of the run.
    package func happened(_ event: RunEvent, at instant: Instant) {
        let count = waiting.withLock { waiting in
            waiting += 1
            return waiting
        }
        queue.async {
            self.status.apply(event, at: instant)
            self.observer.happened(event, at: instant, self.status)
            self.waiting.withLock { $0 -= 1 }
        }
        if count > Self.maximumWaiting { queue.sync {} }
    }

    /// Shows the present status to the observer.
    package func snapshot() {
        queue.async { self.readCredits { self.observer.snapshot(self.status) } }
    }

    /// Returns once all events so far are shown. Nothing is shown later.
    package func stop() {
        queue.sync {
            hasStopped = true
            timer?.cancel()
            runner = nil
        }
    }

    private func startRefreshing() {
        guard let interval = observer.refreshInterval, !hasStopped else { return }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now(), repeating: .nanoseconds(Int(interval.nanoseconds)))
        timer.setEventHandler { @Sendable [weak self] in self?.refresh() }
        timer.activate()
        self.timer = timer
    }

    private func refresh() {
        if refreshes % Self.refreshesPerReading == 0 { readCredits {} }
        refreshes += 1
        observer.refreshed(status)
    }

    /// Asks the run for its credits, which events do not tell exactly, and then calls `body` on the queue.
    private func readCredits(then body: @escaping @Sendable () -> Void) {
        runner?.inspect { snapshot in
            self.queue.async {
                guard !self.hasStopped else { return }
                if let credits = snapshot.credits {
                    self.status.update(settled: credits.settled, reserved: credits.reserved)
                }
                body()
            }
        }
    }
}
