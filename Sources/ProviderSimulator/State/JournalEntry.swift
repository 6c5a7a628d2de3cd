import DailiesCore
import ExactJSON

/// What a request changed for good: what a journal keeps, so that a reply is never truer than the state behind it.
///
/// Completions are no changes: they follow from what was settled at acceptance, and from time.
enum JournalEntry: Hashable, Sendable {
    case accept(SimulatedTask)
    case cancel(Int, charge: StatedAmount?, isStated: Bool)
    case control(ControlRequest)
}
