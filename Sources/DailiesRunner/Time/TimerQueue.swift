import DailiesCore
import HeapModule

/// The scheduler's timers, earliest first; equal ones in insertion order.
struct TimerQueue {
    /// 32 bytes, since there may be a million. Hence the short counter: after four billion timers it wraps around, and
    /// some equal timers change their order.
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

    /// Removes and returns the first timer that is due.
    mutating func popDue(at now: Instant) -> TimerID? {
        guard let first = heap.min, first.instant <= now else { return nil }
        return heap.removeMin().wake
    }
}
