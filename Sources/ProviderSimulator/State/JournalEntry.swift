import DailiesCore
import ExactJSON

/// A permanent change by a request. It is written to the journal before the response is sent.
///
/// Completions are not journaled: they follow from what was fixed at acceptance, and from time.
enum JournalEntry: Hashable, Sendable {
    case accept(SimulatedTask)
    case cancel(Int, charge: BilledAmount?, isStated: Bool)
    case control(ControlRequest)
}
