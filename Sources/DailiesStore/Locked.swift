import Dispatch

/// A value that one thread at a time may touch, behind a serial queue of its own.
///
/// Not `Synchronization.Mutex`: on Linux ThreadSanitizer does not see it and reports every use as a race (a program of
/// six lines shows it), so that no real race would be found any more.
package final class Locked<Value>: @unchecked Sendable {
    // Unchecked because of `value`: it is touched on `queue` only.

    private let queue = DispatchQueue(label: "dailies.guarded", qos: .userInitiated)
    private var value: Value

    package init(_ value: Value) { self.value = value }

    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try queue.sync { try body(&value) }
    }
}
