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
    /// Maximum time that the disk is tried.
    private let maximumWait: Duration
    /// When the disk began to refuse writes, or last took data since; nil: it does not refuse.
    private var diskRefusesSince: Instant?
    /// No download before this time, since the disk refuses writes.
    private(set) var pausedUntil: Instant?

    init(limit: Int, maximumWait: Duration) {
        precondition(limit >= 1, "a limit of \(limit) downloads saves nothing")
        self.limit = limit
        self.maximumWait = maximumWait
    }

    var count: Int { waiting.count + active }

    /// How often the next download has yielded; nil: none waits.
    var timesStoppedOfNext: Int? { waiting.last?.timesStopped }

    mutating func add(_ id: AttemptID, expiresAt: Instant, timesStopped: Int = 0) {
        let entry = Entry(timesStopped: timesStopped, expiresAt: expiresAt, attempt: id)
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

    // MARK: The disk

    /// Number of refusals by the disk. A download proves that the disk takes data again only if it began after the last.
    private(set) var refusals = 0

    /// Whether the disk refused the latest download; rendering further clips would then be wasteful.
    var isDiskRefusing: Bool { diskRefusesSince != nil && count > 0 }

    /// The disk refused a write: all downloads wait.
    ///
    /// - Parameter interval: the time to the next try.
    /// - Returns: whether the disk worked before, and whether it has refused for the maximum time.
    mutating func diskRefused(at now: Instant, tryingAfter interval: Duration) -> (isNew: Bool, isOver: Bool) {
        let since = diskRefusesSince ?? now
        refusals += 1
        defer { diskRefusesSince = since }
        guard now - since < maximumWait else { return (diskRefusesSince == nil, true) }
        pausedUntil = now + interval
        return (diskRefusesSince == nil, false)
    }

    /// The disk took data of a download. One that began before the last refusal does not resume submission, but while
    /// clips are saved the others are not given up.
    ///
    /// - Parameter begun: ``refusals`` when the download began.
    mutating func diskWorked(begun: Int, at now: Instant) {
        guard diskRefusesSince != nil else { return }
        diskRefusesSince = begun == refusals ? nil : now
    }

    /// No download is left that waits for the disk; the next one tests it.
    mutating func forgetDisk() { diskRefusesSince = nil }

    /// Ends the pause if its time has come.
    mutating func advance(to now: Instant) { if let pausedUntil, now >= pausedUntil { self.pausedUntil = nil } }

    /// Removes and returns all waiting downloads, when the disk is given up.
    mutating func abandon() -> [AttemptID] {
        defer { waiting = [] }
        return waiting.map(\.attempt)
    }
}
