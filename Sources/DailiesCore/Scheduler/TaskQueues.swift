/// The heads of the queues of waiting tasks, one lane for each batch and model. The rest stays in the store and is read
/// in pages. A paused lane holds no other up.
struct TaskQueues: Sendable {
    private struct Queue: Sendable {
        /// Sorted by place, next first.
        var tasks: [WaitingTask] = []
        /// Earlier ones that wait for the budget of a tag, so that others may pass. At most a page.
        var deferred: [WaitingTask] = []
        var cursor: WaitingTask.Cursor?
        var isLoading = false
        var isExhausted = false
        /// Tasks appeared before the cursor: read from the start once the page under way is in.
        var needsRestart = false
        /// The same, and no page is under way: read now, however many are at hand, since they come before those.
        var needsReload = false
        var isBlocked = false
        /// Tasks whose submit landed while a page was being read: the page may show them as they were before.
        var settledDuringLoad: Set<TaskID> = []
        /// Attempts that a user withdrew while a page was being read.
        var withdrawn: Set<AttemptID> = []

        /// Nothing of it waits.
        var isDry: Bool { tasks.isEmpty && deferred.isEmpty && isExhausted }
    }

    private var queues: [TaskQueueID: Queue] = [:]
    /// Tasks begun in this run, by batch: the batch with the fewest goes first among equals.
    private var startedByBatch: [BatchID: Int] = [:]
    private let pageSize: Int

    init(pageSize: Int) { self.pageSize = pageSize }

    mutating func add(_ lane: TaskQueueID) { if queues[lane] == nil { queues[lane] = Queue() } }

    /// Pages to read now: lanes that run low. Each is marked as loading.
    mutating func pagesToLoad() -> [(lane: TaskQueueID, after: WaitingTask.Cursor?, limit: Int)] {
        var pages: [(lane: TaskQueueID, after: WaitingTask.Cursor?, limit: Int)] = []
        for lane in queues.keys.sorted() {
            guard var queue = queues[lane], !queue.isLoading, !queue.isExhausted, !queue.isBlocked,
                queue.tasks.count <= pageSize / 2 || queue.needsReload
            else { continue }
            queue.isLoading = true
            queue.needsReload = false
            queues[lane] = queue
            pages.append((lane, queue.cursor, pageSize))
        }
        return pages
    }

    /// - Parameter isKnown: tasks whose attempt is in flight already; they are left out.
    mutating func loaded(_ lane: TaskQueueID, _ page: [WaitingTask], isLast: Bool, isKnown: (WaitingTask) -> Bool) {
        guard var queue = queues[lane] else { return }
        queue.isLoading = false
        queue.isExhausted = isLast || page.isEmpty
        if let last = page.last { queue.cursor = last.place }
        let known = queue.settledDuringLoad.union(queue.tasks.map(\.id)).union(queue.deferred.map(\.id))
        let withdrawn = queue.withdrawn
        queue.settledDuringLoad = []
        queue.withdrawn = []
        queue.tasks.append(
            contentsOf: page.filter { !known.contains($0.id) && !withdrawn.contains($0.attemptID) && !isKnown($0) })
        queue.tasks.sort { $0.place < $1.place }
        if queue.needsRestart {
            queue.needsRestart = false
            queue.cursor = nil
            queue.isExhausted = false
            queue.needsReload = true
        }
        queues[lane] = queue
    }

    /// The fate of a task's submit is known, or known to be open.
    mutating func settledDuringLoad(_ task: TaskID, in lane: TaskQueueID) {
        if queues[lane]?.isLoading == true { queues[lane]?.settledDuringLoad.insert(task) }
    }

    /// A user does not want this attempt any more: it is not begun, whether it is here or on a page under way.
    mutating func withdraw(_ attempt: AttemptID, from lane: TaskQueueID) {
        guard var queue = queues[lane] else { return }
        queue.tasks.removeAll { $0.attemptID == attempt }
        queue.deferred.removeAll { $0.attemptID == attempt }
        if queue.isLoading { queue.withdrawn.insert(attempt) }
        queues[lane] = queue
    }

    /// A task comes back unsent.
    mutating func putBack(_ task: WaitingTask) {
        let lane = TaskQueueID(batch: task.batch, model: task.shape.model)
        var queue = queues[lane] ?? Queue()
        let index = queue.tasks.firstIndex { task.place < $0.place } ?? queue.tasks.endIndex
        queue.tasks.insert(task, at: index)
        queues[lane] = queue
        // It has not had its turn.
        startedByBatch[task.batch, default: 1] -= 1
    }

    /// Lets others pass the head that ``next(where:)`` returned, since it has to wait for the budget of a tag.
    ///
    /// - Returns: false where as many as a page were passed already; then it stays the head.
    mutating func setAside(_ task: WaitingTask) -> Bool {
        let lane = TaskQueueID(batch: task.batch, model: task.shape.model)
        precondition(queues[lane]?.tasks.first?.id == task.id, "task \(task.id) is not the head of its lane")
        guard var queue = queues[lane], queue.deferred.count < pageSize else { return false }
        queue.tasks.removeFirst()
        queue.deferred.append(task)
        queues[lane] = queue
        return true
    }

    /// What was set aside is looked at again, in its place.
    mutating func resumeDeferred() {
        for (lane, queue) in queues where !queue.deferred.isEmpty {
            queues[lane]?.tasks = (queue.deferred + queue.tasks).sorted { $0.place < $1.place }
            queues[lane]?.deferred = []
        }
    }

    /// A task of this lane waits again in the store: read the lane from the start.
    mutating func restart(_ lane: TaskQueueID) {
        var queue = queues[lane] ?? Queue()
        if queue.isLoading {
            queue.needsRestart = true
        } else {
            queue.cursor = nil
            queue.isExhausted = false
            queue.needsReload = true
        }
        queues[lane] = queue
    }

    /// Blocks the lanes of a model, or of a batch, for the rest of the run.
    mutating func block(where matches: (TaskQueueID) -> Bool) {
        for lane in queues.keys where matches(lane) { queues[lane]?.isBlocked = true }
    }

    /// Whether a page is being read that might hold something to submit before all others. A lane that may submit
    /// nothing now holds nobody up by it.
    private func isHeadUnknown(where isEligible: (TaskQueueID) -> Bool) -> Bool {
        queues.contains { lane, queue in
            !queue.isBlocked && queue.tasks.isEmpty && (queue.isLoading || !queue.isExhausted) && isEligible(lane)
        }
    }

    /// The next task in scheduling order (priority, then fair between batches, then the order of the manifest), left in
    /// place; nil when there is none, or while a page is being read that might hold an earlier one.
    func next(where isEligible: (TaskQueueID) -> Bool) -> WaitingTask? {
        guard !isHeadUnknown(where: isEligible) else { return nil }
        var best: WaitingTask?
        for (lane, queue) in queues where !queue.isBlocked {
            guard let head = queue.tasks.first, isEligible(lane) else { continue }
            if let chosen = best, !precedes(head, chosen) { continue }
            best = head
        }
        return best
    }

    private func precedes(_ a: WaitingTask, _ b: WaitingTask) -> Bool {
        if a.priority != b.priority { return a.priority > b.priority }
        let (begunA, begunB) = (startedByBatch[a.batch] ?? 0, startedByBatch[b.batch] ?? 0)
        return begunA != begunB ? begunA < begunB : a.id < b.id
    }

    /// Takes the head that ``next(where:)`` returned.
    mutating func take(_ task: WaitingTask) {
        let lane = TaskQueueID(batch: task.batch, model: task.shape.model)
        precondition(queues[lane]?.tasks.first?.id == task.id, "task \(task.id) is not the head of its lane")
        queues[lane]?.tasks.removeFirst()
        startedByBatch[task.batch, default: 0] += 1
    }

    /// Waiting tasks held in memory.
    var held: Int { queues.values.reduce(0) { $0 + $1.tasks.count + $1.deferred.count } }

    /// Nothing waits that this run could still submit.
    var isDone: Bool { isDone { _ in false } }

    /// The same, but for lanes that nobody need wait for.
    func isDone(ignoring isIdle: (TaskQueueID) -> Bool) -> Bool {
        queues.allSatisfy { lane, queue in
            queue.isBlocked || queue.isDry || isIdle(lane)
        }
    }

    /// Something of a model waits, blocked or not.
    func waits(for model: ModelID) -> Bool {
        queues.contains { lane, queue in lane.model == model && !queue.isDry }
    }

    /// Something waits, blocked or not.
    var hasWaiting: Bool { queues.values.contains { !$0.isDry } }

    /// The same of one lane.
    func hasWaiting(in lane: TaskQueueID) -> Bool { queues[lane].map { !$0.isDry } ?? false }
}
