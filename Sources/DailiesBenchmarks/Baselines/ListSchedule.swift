import DailiesCore

/// The bound for a runner: tasks in manifest order, each in the first free slot, without time between tasks.
struct ListSchedule {
    /// When the last task ends.
    let makespan: Duration

    /// - Parameter spans: how long each task occupies its slot.
    init(_ spans: [Duration], slots: Int) {
        // The times at which the slots become free, as a binary min-heap.
        var free = [Duration](repeating: .zero, count: min(slots, max(spans.count, 1)))
        var last = Duration.zero
        for span in spans {
            let end = free[0] + span
            last = max(last, end)
            Self.replaceRoot(of: &free, with: end)
        }
        makespan = last
    }

    private static func replaceRoot(of heap: inout [Duration], with value: Duration) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < value else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = value
    }

    /// Each duration as a poller sees it: rounded up to the first poll at or after its end.
    static func polled(_ durations: [Duration], _ cadence: PollCadence, afterwards: Duration) -> [Duration] {
        durations.map { duration in
            var poll = Duration.zero
            repeat { poll = cadence.nextPoll(after: poll, afterwards: afterwards) } while poll < duration
            return poll
        }
    }
}
