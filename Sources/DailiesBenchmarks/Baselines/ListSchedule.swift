import DailiesCore
import HeapModule

/// The bound for a runner: tasks in manifest order, each in the first free slot, without time between tasks.
struct ListSchedule {
    /// When the last task ends.
    let makespan: Duration

    /// - Parameter spans: how long each task occupies its slot.
    init(_ spans: [Duration], slots: Int) {
        // The times at which the slots become free.
        var free = Heap(repeatElement(Duration.zero, count: min(slots, max(spans.count, 1))))
        var last = Duration.zero
        for span in spans {
            let end = (free.min ?? .zero) + span
            last = max(last, end)
            free.replaceMin(with: end)
        }
        makespan = last
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
