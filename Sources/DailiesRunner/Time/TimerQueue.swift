import DailiesCore
import HeapModule

/// Moments that the scheduler asked for, the next one first; equal ones in the order of asking.
struct TimerQueue {
    /// In 32 bytes, a million of which may wait here: hence the short count, which four billion wake-ups later begins
    /// anew and then puts some equal moments in another order.
    private struct Entry: Comparable {
        let instant: Instant
        let wake: TimerID
        let order: UInt32
        static func < (a: Entry, b: Entry) -> Bool { (a.instant, a.order) < (b.instant, b.order) }
        static func == (a: Entry, b: Entry) -> Bool { a.order == b.order }
    }

    private var heap = Heap<Entry>()
    private var order: UInt32 = 0

    var next: Instant? { heap.min?.instant }
    var count: Int { heap.count }

    mutating func insert(_ wake: TimerID, at instant: Instant) {
        order &+= 1
        heap.insert(Entry(instant: instant, wake: wake, order: order))
    }

    /// Takes the first wake-up that is due.
    mutating func popDue(at now: Instant) -> TimerID? {
        guard let first = heap.min, first.instant <= now else { return nil }
        return heap.removeMin().wake
    }
}
