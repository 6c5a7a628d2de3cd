import DailiesCore
import HeapModule

/// Moments that the scheduler asked for, the next one first; equal ones in the order of asking.
struct DeadlineHeap {
    private struct Entry: Comparable {
        let instant: Instant
        let order: UInt64
        let wake: Wake
        static func < (a: Entry, b: Entry) -> Bool { (a.instant, a.order) < (b.instant, b.order) }
        static func == (a: Entry, b: Entry) -> Bool { a.order == b.order }
    }

    private var heap = Heap<Entry>()
    private var order: UInt64 = 0

    var next: Instant? { heap.min?.instant }
    var count: Int { heap.count }

    mutating func insert(_ wake: Wake, at instant: Instant) {
        order += 1
        heap.insert(Entry(instant: instant, order: order, wake: wake))
    }

    /// Takes the first wake-up that is due.
    mutating func popDue(at now: Instant) -> Wake? {
        guard let first = heap.min, first.instant <= now else { return nil }
        return heap.removeMin().wake
    }
}
