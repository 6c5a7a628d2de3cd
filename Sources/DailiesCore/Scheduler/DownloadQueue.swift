/// Orders downloads of finished clips: the URL that expires first goes first, a few at a time. A clip whose download
/// was slow and yielded goes after those that yielded less often.
struct DownloadQueue: Sendable {
    private struct Entry: Comparable, Sendable {
        let timesStopped: Int
        let expiresAt: Instant
        let attempt: AttemptID
        static func < (a: Entry, b: Entry) -> Bool {
            (a.timesStopped, a.expiresAt, a.attempt) < (b.timesStopped, b.expiresAt, b.attempt)
        }
    }

    private let limit: Int
    /// Sorted with the most urgent last, so that removing it is cheap.
    private var waiting: [Entry] = []
    private(set) var active = 0

    init(limit: Int) {
        precondition(limit >= 1, "a limit of \(limit) downloads saves nothing")
        self.limit = limit
    }

    var count: Int { waiting.count + active }

    /// How often the next download has yielded; nil: none waits.
    var timesStoppedOfNext: Int? { waiting.last?.timesStopped }

    mutating func add(_ attempt: AttemptID, expiresAt: Instant, timesStopped: Int = 0) {
        let entry = Entry(timesStopped: timesStopped, expiresAt: expiresAt, attempt: attempt)
        var (low, high) = (0, waiting.count)
        while low < high {
            let middle = (low + high) / 2
            if entry < waiting[middle] { low = middle + 1 } else { high = middle }
        }
        waiting.insert(entry, at: low)
    }

    /// Starts the next download if the limit allows; it is active until ``ended()``.
    mutating func next() -> AttemptID? {
        guard active < limit, let entry = waiting.popLast() else { return nil }
        active += 1
        return entry.attempt
    }

    mutating func ended() {
        precondition(active > 0, "a download ended that was not started")
        active -= 1
    }

    /// Removes and returns all waiting downloads, when the disk is given up.
    mutating func abandon() -> [AttemptID] {
        defer { waiting = [] }
        return waiting.map(\.attempt)
    }
}
