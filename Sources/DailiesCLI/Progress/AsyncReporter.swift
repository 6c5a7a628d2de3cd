import DailiesCore
import DailiesStore
import Dispatch

/// Moves a reporter off the runner's queue, so that a blocked terminal does not delay the run.
///
/// Bounded: with more than ``maximumWaiting`` events, the caller blocks, because no event may be dropped.
final class AsyncReporter: RunReporter, @unchecked Sendable {
    // Unchecked because of `inner`, which is used only on `queue`.

    private static let maximumWaiting = 100_000

    private let inner: any RunReporter
    private let queue = DispatchQueue(label: "dailies.reporter", qos: .utility)
    private let waiting = Locked(0)

    init(_ inner: any RunReporter) { self.inner = inner }

    func began(_ overview: RunOverview) { queue.async { self.inner.began(overview) } }

    /// Computes the overview on the queue, because that takes time. Later events wait for it.
    func began(_ overview: @escaping @Sendable () -> RunOverview) { queue.async { self.inner.began(overview()) } }

    func happened(_ event: RunEvent, at instant: Instant) {
        let count = waiting.withLock { waiting in
            waiting += 1
            return waiting
        }
        queue.async {
            self.inner.happened(event, at: instant)
            self.waiting.withLock { $0 -= 1 }
        }
        if count > Self.maximumWaiting { queue.sync {} }
    }

    func snapshot() { queue.async { self.inner.snapshot() } }

    /// Returns once all events so far are reported.
    func settle() { queue.sync {} }

    /// Returns once all events and the summary are reported.
    func ended(_ summary: RunSummary) { queue.sync { inner.ended(summary) } }
}
