import DailiesCore

/// The times at which tasks change state by themselves, earliest first; at equal times the older task first.
struct EventHeap: Sendable {
    struct Event: Hashable, Comparable, Sendable {
        let at: Instant
        let ordinal: Int
        static func < (a: Event, b: Event) -> Bool { (a.at, a.ordinal) < (b.at, b.ordinal) }
    }

    private var events: [Event] = []

    var first: Event? { events.first }

    mutating func insert(_ event: Event) {
        events.append(event)
        var child = events.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard events[child] < events[parent] else { return }
            events.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        let last = events.removeLast()
        guard !events.isEmpty else { return }
        events[0] = last
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < events.count else { return }
            if least + 1 < events.count, events[least + 1] < events[least] { least += 1 }
            guard events[least] < events[parent] else { return }
            events.swapAt(least, parent)
            parent = least
        }
    }
}
