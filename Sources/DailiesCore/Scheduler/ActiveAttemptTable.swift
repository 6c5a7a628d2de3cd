/// All active attempts of a run, counted by condition.
///
/// A million of them may be parked at once. Each is stored once in a page, and the lookup table holds only its slot.
/// Growing moves no attempt.
struct ActiveAttemptTable: Sendable {
    /// Attempts per page.
    private static let pageSize = 1024

    /// Counts, updated whenever an attempt changes, without a walk over all attempts.
    private(set) var tally = Scheduler.Counts()
    /// Tasks that count against the limit, by model.
    private var inFlightByModel: [ModelID: Int] = [:]
    private var traits = AttemptTraitsCache()
    private var slots: [AttemptID: UInt32] = [:]
    private var pages: [[ActiveAttempt?]] = []
    /// Free slots.
    private var free: [UInt32] = []

    var isEmpty: Bool { slots.isEmpty }
    var count: Int { slots.count }
    var keys: some Collection<AttemptID> { slots.keys }

    subscript(id: AttemptID) -> ActiveAttempt? {
        guard let slot = slots[id] else { return nil }
        return pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize]
    }

    /// All attempts in unspecified order.
    var values: some Sequence<ActiveAttempt> { pages.lazy.joined().compactMap { $0 } }

    /// Tasks of a model that count against its limit.
    func inFlight(of model: ModelID) -> Int { inFlightByModel[model, default: 0] }

    /// The shared properties of attempts, each stored once.
    mutating func kind(
        batch: BatchID, shape: RequestShape, account: KeyFingerprint, tagBudgets: [TagBudgetID]
    ) -> AttemptTraits {
        traits.kind(batch: batch, shape: shape, account: account, tagBudgets: tagBudgets)
    }

    /// Adds an attempt or replaces its earlier value.
    mutating func put(_ attempt: ActiveAttempt) {
        let slot = slots[attempt.id] ?? takeSlot(for: attempt.id)
        count(exchange(attempt, at: slot), attempt)
    }

    mutating func remove(_ id: AttemptID) {
        guard let slot = slots.removeValue(forKey: id) else { return }
        free.append(slot)
        count(exchange(nil, at: slot), nil)
    }

    private mutating func count(_ old: ActiveAttempt?, _ new: ActiveAttempt?) {
        tally.count(old, -1)
        tally.count(new, 1)
        let (had, has) = (old?.holdsSlot == true, new?.holdsSlot == true)
        if had != has, let model = (new ?? old)?.shape.model {
            inFlightByModel[model, default: 0] += has ? 1 : -1
        }
    }

    private mutating func takeSlot(for id: AttemptID) -> UInt32 {
        let slot = free.popLast() ?? newSlot()
        slots[id] = slot
        return slot
    }

    private mutating func exchange(_ attempt: ActiveAttempt?, at slot: UInt32) -> ActiveAttempt? {
        var attempt = attempt
        swap(&pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize], &attempt)
        return attempt
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
