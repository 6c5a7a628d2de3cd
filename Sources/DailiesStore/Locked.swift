import Dispatch

/// A value that one thread at a time may access, protected by a serial queue.
///
/// Not `Synchronization.Mutex`: on Linux ThreadSanitizer does not understand it and reports every use as a race (a
/// program of six lines shows it), which would hide real races.
package final class Locked<Value>: @unchecked Sendable {
    // Unchecked because of `value`, which is accessed on `queue` only.

    private let queue = DispatchQueue(label: "dailies.guarded", qos: .userInitiated)
    private var value: Value

    package init(_ value: Value) { self.value = value }

    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try queue.sync { try body(&value) }
    }
}
