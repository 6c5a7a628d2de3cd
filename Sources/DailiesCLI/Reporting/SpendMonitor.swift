import DailiesCore
import DailiesStore

/// What some batches have spent and hold, read through a connection of its own, so that whoever watches never waits for
/// the run's writes. Kept sums: a look costs the same however many tasks there are.
struct SpendMonitor: Sendable {
    private let store: Store
    private let batches: [BatchID]

    /// - Returns: nil where the store cannot be read; the view then shows what the events add up to.
    init?(path: String, batches: [BatchID]) {
        do {
            store = try Store.open(path, for: .reading)
        } catch {
            return nil
        }
        self.batches = batches
    }

    func read() -> (settled: CreditTotal, reserved: CreditTotal)? {
        do {
            var sums = (settled: CreditTotal.zero, reserved: CreditTotal.zero)
            for batch in batches {
                let position = try store.budgetPosition(batch)
                sums.settled += position.settled
                sums.reserved += position.reserved
            }
            return sums
        } catch {
            // The store is busy: the last sums stand for another second.
            return nil
        }
    }
}
