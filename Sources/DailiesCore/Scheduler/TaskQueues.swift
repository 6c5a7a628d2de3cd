/// The heads of the queues of waiting tasks, one queue per batch and model. The rest stays in the store and is read in
/// pages. A paused queue does not block others.
struct TaskQueues: Sendable {
    private struct Queue: Sendable {
        /// Sorted in scheduling order.
        var tasks: [WaitingTask] = []
        /// Earlier tasks that wait for a tag's budget, so that others may pass. Up to a page.
        var deferred: [WaitingTask] = []
        var cursor: WaitingTask.Cursor?
        var isLoading = false
        var isExhausted = false
        /// Tasks appeared before the cursor: read from the start after the current page arrives.
        var needsRestart = false
        /// The same while no page is loading: read now, whatever is buffered, since they come first.
        var needsReload = false
        var isBlocked = false
        /// Tasks whose submit ended while a page was being read; the page may show their earlier state.
        var settledDuringLoad: Set<TaskID> = []
        /// Attempts that a user withdrew while a page was being read.
        var withdrawn: Set<AttemptID> = []

        /// Whether it has no waiting tasks.
        var isEmpty: Bool { tasks.isEmpty && deferred.isEmpty && isExhausted }
    }

    private var queues: [TaskQueueID: Queue] = [:]
    /// Tasks begun in this run by batch; the batch with the fewest goes first among equals.
    private var startedByBatch: [BatchID: Int] = [:]
    private let pageSize: Int
    /// The batches whose waiting tasks this run submits; nil: all.
    var scope: Set<BatchID>?
    /// Attempts waiting to be resubmitted, in order. They go before all unsent tasks.
    var resubmissions: [AttemptID] = []

    init(pageSize: Int) { self.pageSize = pageSize }

    mutating func add(_ id: TaskQueueID) { if queues[id] == nil { queues[id] = Queue() } }

    /// Pages to read now, for queues that run low. Each is marked as loading.
    mutating func pagesToLoad() -> [(queue: TaskQueueID, after: WaitingTask.Cursor?, limit: Int)] {
        var pages: [(queue: TaskQueueID, after: WaitingTask.Cursor?, limit: Int)] = []
        for id in queues.keys.sorted() {
            guard var queue = queues[id], !queue.isLoading, !queue.isExhausted, !queue.isBlocked,
                queue.tasks.count <= pageSize / 2 || queue.needsReload
            else { continue }
            queue.isLoading = true
            queue.needsReload = false
            queues[id] = queue
            pages.append((id, queue.cursor, pageSize))
        }
        return pages
    }

    /// - Parameter isKnown: tasks whose attempt is already in flight; they are skipped.
    mutating func loaded(_ id: TaskQueueID, _ page: [WaitingTask], isLast: Bool, isKnown: (WaitingTask) -> Bool) {
        guard var queue = queues[id] else { return }
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
        queues[id] = queue
    }

    /// Records that a task's submit ended while a page may be loading.
    mutating func settledDuringLoad(_ task: TaskID, in id: TaskQueueID) {
        if queues[id]?.isLoading == true { queues[id]?.settledDuringLoad.insert(task) }
    }

    /// A user withdrew this attempt: it is not begun, whether it is buffered or on a page being read.
    mutating func withdraw(_ attempt: AttemptID, from id: TaskQueueID) {
        guard var queue = queues[id] else { return }
        queue.tasks.removeAll { $0.attemptID == attempt }
        queue.deferred.removeAll { $0.attemptID == attempt }
        if queue.isLoading { queue.withdrawn.insert(attempt) }
        queues[id] = queue
    }

    /// Returns an unsent task.
    mutating func putBack(_ task: WaitingTask) {
        let id = TaskQueueID(batch: task.batch, model: task.shape.model)
        var queue = queues[id] ?? Queue()
        let index = queue.tasks.firstIndex { task.place < $0.place } ?? queue.tasks.endIndex
        queue.tasks.insert(task, at: index)
        queues[id] = queue
        // It has not used its turn.
        startedByBatch[task.batch, default: 1] -= 1
    }

    /// Defers the head that ``next(where:)`` returned, since it waits for a tag's budget, so that others may pass.
    ///
    /// - Returns: false if a page of tasks is already deferred; it then stays the head.
    mutating func postpone(_ task: WaitingTask) -> Bool {
        let id = TaskQueueID(batch: task.batch, model: task.shape.model)
        precondition(queues[id]?.tasks.first?.id == task.id, "task \(task.id) is not the head of its queue")
        guard var queue = queues[id], queue.deferred.count < pageSize else { return false }
        queue.tasks.removeFirst()
        queue.deferred.append(task)
        queues[id] = queue
        return true
    }

    /// Returns deferred tasks to their places.
    mutating func resumeDeferred() {
        for (id, queue) in queues where !queue.deferred.isEmpty {
            queues[id]?.tasks = (queue.deferred + queue.tasks).sorted { $0.place < $1.place }
            queues[id]?.deferred = []
        }
    }

    /// A task of this queue waits again in the store: read the queue from the start.
    mutating func restart(_ id: TaskQueueID) {
        var queue = queues[id] ?? Queue()
        if queue.isLoading {
            queue.needsRestart = true
        } else {
            queue.cursor = nil
            queue.isExhausted = false
            queue.needsReload = true
        }
        queues[id] = queue
    }

    /// Blocks matching queues for the rest of the run.
    mutating func block(where matches: (TaskQueueID) -> Bool) {
        for id in queues.keys where matches(id) { queues[id]?.isBlocked = true }
    }

    /// Whether a page is being read that might contain an earlier task. Queues that may not submit now do not count.
    private func isHeadUnknown(where isEligible: (TaskQueueID) -> Bool) -> Bool {
        queues.contains { id, queue in
            !queue.isBlocked && queue.tasks.isEmpty && (queue.isLoading || !queue.isExhausted) && isEligible(id)
        }
    }

    /// The next task in scheduling order (priority, then fairly between batches, then manifest order), without removing
    /// it; nil if there is none, or while a page is being read that might contain an earlier one.
    func next(where isEligible: (TaskQueueID) -> Bool) -> WaitingTask? {
        guard !isHeadUnknown(where: isEligible) else { return nil }
        var best: WaitingTask?
        for (id, queue) in queues where !queue.isBlocked {
            guard let head = queue.tasks.first, isEligible(id) else { continue }
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

    /// Removes the head that ``next(where:)`` returned.
    mutating func remove(_ task: WaitingTask) {
        let id = TaskQueueID(batch: task.batch, model: task.shape.model)
        precondition(queues[id]?.tasks.first?.id == task.id, "task \(task.id) is not the head of its queue")
        queues[id]?.tasks.removeFirst()
        startedByBatch[task.batch, default: 0] += 1
    }

    /// Number of waiting tasks in memory.
    var bufferedCount: Int { queues.values.reduce(0) { $0 + $1.tasks.count + $1.deferred.count } }

    /// Whether no task waits that this run could still submit.
    var isDone: Bool { isDone { _ in false } }

    /// The same, ignoring queues that need not be waited for.
    func isDone(ignoring isIdle: (TaskQueueID) -> Bool) -> Bool {
        queues.allSatisfy { id, queue in
            queue.isBlocked || queue.isEmpty || isIdle(id)
        }
    }

    /// Whether tasks of a model wait, in blocked queues too.
    func waits(for model: ModelID) -> Bool {
        queues.contains { id, queue in id.model == model && !queue.isEmpty }
    }

    /// Whether tasks wait, in blocked queues too.
    var hasWaiting: Bool { queues.values.contains { !$0.isEmpty } }

    /// Whether tasks wait in one queue.
    func hasWaiting(in id: TaskQueueID) -> Bool { queues[id].map { !$0.isEmpty } ?? false }
}
