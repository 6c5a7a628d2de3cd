import DailiesCore
import DailiesStore
import Dispatch

/// Takes a reporter off the runner's queue, so that a terminal that stands still holds no render up.
///
/// Bounded: when more than ``longest`` events wait, whoever reports waits with them, since nothing may be left out.
final class AsyncReporter: RunReporter, @unchecked Sendable {
    // Unchecked because of `inner`: it is used on `queue` only.

    private static let longest = 100_000

    private let inner: any RunReporter
    private let queue = DispatchQueue(label: "dailies.reporter", qos: .utility)
    private let waiting = Locked(0)

    init(_ inner: any RunReporter) { self.inner = inner }

    func began(_ overview: RunOverview) { queue.async { self.inner.began(overview) } }

    /// The same, where finding out takes time: what happens meanwhile waits behind it.
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
        if count > Self.longest { queue.sync {} }
    }

    func snapshot() { queue.async { self.inner.snapshot() } }

    /// Returns once everything has been said that happened so far.
    func settle() { queue.sync {} }

    /// Returns once everything has been said.
    func ended(_ summary: RunSummary) { queue.sync { inner.ended(summary) } }
}
