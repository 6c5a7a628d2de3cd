/// All active attempts of a run.
///
/// A million of them may be parked at once. Each is stored once in a page, and the lookup table holds only its slot.
/// Growing moves no attempt.
struct ActiveAttemptTable: Sendable {
    /// Attempts per page.
    private static let pageSize = 1024

    private var slots: [AttemptID: UInt32] = [:]
    private var pages: [[ActiveAttempt?]] = []
    /// Free slots.
    private var free: [UInt32] = []

    var isEmpty: Bool { slots.isEmpty }
    var count: Int { slots.count }
    var keys: some Collection<AttemptID> { slots.keys }

    subscript(attempt: AttemptID) -> ActiveAttempt? {
        guard let slot = slots[attempt] else { return nil }
        return pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize]
    }

    /// All attempts in unspecified order.
    var values: some Sequence<ActiveAttempt> { pages.lazy.joined().compactMap { $0 } }

    /// - Returns: the previous value.
    @discardableResult
    mutating func updateValue(_ flight: ActiveAttempt, forKey attempt: AttemptID) -> ActiveAttempt? {
        if let slot = slots[attempt] { return exchange(flight, at: slot) }
        let slot = free.popLast() ?? newSlot()
        slots[attempt] = slot
        return exchange(flight, at: slot)
    }

    /// - Returns: the previous value.
    @discardableResult
    mutating func removeValue(forKey attempt: AttemptID) -> ActiveAttempt? {
        guard let slot = slots.removeValue(forKey: attempt) else { return nil }
        free.append(slot)
        return exchange(nil, at: slot)
    }

    private mutating func exchange(_ flight: ActiveAttempt?, at slot: UInt32) -> ActiveAttempt? {
        var flight = flight
        swap(&pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize], &flight)
        return flight
    }

    /// A new slot. A new page adds its other slots to the free ones, lowest last.
    private mutating func newSlot() -> UInt32 {
        let first = UInt32(pages.count * Self.pageSize)
        pages.append([ActiveAttempt?](repeating: nil, count: Self.pageSize))
        free.append(contentsOf: (first + 1..<first + UInt32(Self.pageSize)).reversed())
        return first
    }
}

/// Stores a rare value behind one pointer.
final class Box<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
