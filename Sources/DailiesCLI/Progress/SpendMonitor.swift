import DailiesCore
import DailiesStore

/// Reads the settled and reserved credits of batches through a separate connection, so that readers never wait for the
/// run's writes. The store keeps the sums, so that a read costs the same for any number of tasks.
struct SpendMonitor: Sendable {
    private let store: Store
    private let batches: [BatchID]

    /// - Returns: nil if the store cannot be read. The view then adds up events.
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
            // The store is busy. The last sums are kept for another second.
            return nil
        }
    }
}
