import Testing

@testable import DailiesCore

@Suite struct TaskQueuesTests {
    private let other = ModelID("other")
    private func queue(_ batch: Int64 = 1, _ model: ModelID = SchedulerHarness.model) -> TaskQueueID {
        TaskQueueID(batch: BatchID(batch), model: model)
    }

    /// Queues with all of their tasks read.
    private func queues(_ tasks: [WaitingTask]) -> TaskQueues {
        var queues = TaskQueues(pageSize: 100)
        let byQueue = Dictionary(grouping: tasks) { TaskQueueID(batch: $0.batch, model: $0.shape.model) }
        for (queue, tasks) in byQueue {
            queues.add(queue)
            queues.loaded(queue, tasks.sorted { $0.place < $1.place }, isLast: true) { _ in false }
        }
        return queues
    }

    private func drain(_ queues: inout TaskQueues, where isEligible: (TaskQueueID) -> Bool = { _ in true }) -> [Int64] {
        var order: [Int64] = []
        while let task = queues.next(where: isEligible) {
            queues.remove(task)
            order.append(task.id.rawValue)
        }
        return order
    }

    @Test func `tasks are ordered by priority, then by manifest order`() {
        var queues = queues([
            SchedulerHarness.task(1), SchedulerHarness.task(2, priority: 5), SchedulerHarness.task(3, priority: -1),
            SchedulerHarness.task(4, priority: 5), SchedulerHarness.task(5, model: other, priority: 5),
            SchedulerHarness.task(6),
        ])
        #expect(drain(&queues) == [2, 4, 5, 1, 6, 3])
        #expect(queues.isDone && !queues.hasWaiting)
    }

    @Test func `batches take turns among equals`() {
        var queues = queues(
            (1...4).map { SchedulerHarness.task($0) } + (5...8).map { SchedulerHarness.task($0, batch: BatchID(2)) })
        #expect(drain(&queues) == [1, 5, 2, 6, 3, 7, 4, 8])
    }

    @Test func `a blocked or ineligible queue does not block others`() {
        var queues = queues([
            SchedulerHarness.task(1), SchedulerHarness.task(2, model: other), SchedulerHarness.task(3),
        ])
        #expect(drain(&queues) { $0.model != SchedulerHarness.model } == [2])
        queues.block { $0.model == SchedulerHarness.model }
        #expect(drain(&queues).isEmpty && queues.isDone && queues.hasWaiting)
    }

    @Test func `nothing is granted while a page is read that may have an earlier task`() {
        var queues = queues([SchedulerHarness.task(2)])
        queues.add(queue(1, other))
        #expect(queues.next { _ in true } == nil && !queues.isDone)
        #expect(queues.pagesToLoad().map(\.queue) == [queue(1, other)])
        #expect(queues.next { _ in true } == nil && queues.pagesToLoad().isEmpty)
        queues.loaded(queue(1, other), [SchedulerHarness.task(1, model: other)], isLast: true) { _ in false }
        #expect(drain(&queues) == [1, 2])
    }

    @Test func `a task that returns unsent has its old position`() throws {
        var queues = queues((1...4).map { SchedulerHarness.task($0) })
        let first = try #require(queues.next { _ in true })
        queues.remove(first)
        queues.remove(try #require(queues.next { _ in true }))
        queues.putBack(first)
        #expect(drain(&queues) == [1, 3, 4])
    }

    @Test func `a task that returns unsent has not used its batch's turn`() throws {
        var queues = queues(
            (1...3).map { SchedulerHarness.task($0) } + (4...6).map { SchedulerHarness.task($0, batch: BatchID(2)) })
        let first = try #require(queues.next { _ in true })
        queues.remove(first)
        queues.putBack(first)
        #expect(drain(&queues) == [1, 4, 2, 5, 3, 6])
    }

    @Test func `an ineligible queue is not waited for while its page is read`() {
        var queues = queues([SchedulerHarness.task(2)])
        queues.add(queue(1, other))
        #expect(queues.pagesToLoad().map(\.queue) == [queue(1, other)])
        #expect(drain(&queues) { $0.model != other } == [2])
    }

    @Test func `an empty page ends its queue even if it is not marked as last`() {
        var queues = TaskQueues(pageSize: 4)
        queues.add(queue())
        _ = queues.pagesToLoad()
        queues.loaded(queue(), [], isLast: false) { _ in false }
        #expect(queues.isDone && queues.pagesToLoad().isEmpty)
    }

    @Test func `a restart during a page read happens after it, and known tasks are skipped`() {
        var queues = TaskQueues(pageSize: 4)
        queues.add(queue())
        _ = queues.pagesToLoad()
        queues.restart(queue())
        queues.loaded(queue(), [SchedulerHarness.task(3), SchedulerHarness.task(4)], isLast: true) {
            $0.id == TaskID(4)
        }
        #expect(!queues.isDone && queues.pagesToLoad().map(\.after) == [nil])
        queues.loaded(queue(), [SchedulerHarness.task(1), SchedulerHarness.task(3)], isLast: true) { _ in false }
        #expect(drain(&queues) == [1, 3])
    }

    @Test func `paging returns every task once, in order, for random stores and page sizes`() {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            var store: [WaitingTask] = (1...Int64.random(in: 1...40, using: &random)).map {
                SchedulerHarness.task(
                    $0, model: Bool.random(using: &random) ? other : SchedulerHarness.model,
                    batch: BatchID(Int64.random(in: 1...2, using: &random)),
                    priority: Int.random(in: 0...2, using: &random))
            }
            var queues = TaskQueues(pageSize: Int.random(in: 1...9, using: &random))
            for task in store { queues.add(TaskQueueID(batch: task.batch, model: task.shape.model)) }
            var startedByBatch: [BatchID: Int] = [:]
            let count = store.count
            for _ in 0..<count {
                for page in queues.pagesToLoad() {
                    let rest = store.filter { TaskQueueID(batch: $0.batch, model: $0.shape.model) == page.queue }
                        .filter { task in page.after.map { $0 < task.place } ?? true }.sorted { $0.place < $1.place }
                    let tasks = Array(rest.prefix(page.limit))
                    queues.loaded(page.queue, tasks, isLast: tasks.count < page.limit) { _ in false }
                }
                let best = store.min { a, b in
                    if a.priority != b.priority { return a.priority > b.priority }
                    let (of, other) = (startedByBatch[a.batch] ?? 0, startedByBatch[b.batch] ?? 0)
                    return of != other ? of < other : a.id < b.id
                }
                let next = queues.next { _ in true }
                #expect(next == best, "seed \(seed)")
                guard let next else { break }
                queues.remove(next)
                startedByBatch[next.batch, default: 0] += 1
                store.removeAll { $0.id == next.id }
            }
            #expect(store.isEmpty, "seed \(seed)")
        }
    }

    /// A model of the queues: all waiting tasks as a set.
    private struct QueuesModel {
        var waiting: [WaitingTask] = []
        var startedByBatch: [BatchID: Int] = [:]
        var blocked: Set<TaskQueueID> = []

        func queue(of task: WaitingTask) -> TaskQueueID { TaskQueueID(batch: task.batch, model: task.shape.model) }

        func next(where isEligible: (TaskQueueID) -> Bool) -> WaitingTask? {
            waiting.filter { !blocked.contains(queue(of: $0)) && isEligible(queue(of: $0)) }.min { a, b in
                if a.priority != b.priority { return a.priority > b.priority }
                let (of, other) = (startedByBatch[a.batch] ?? 0, startedByBatch[b.batch] ?? 0)
                return of != other ? of < other : a.id < b.id
            }
        }
    }

    @Test func `queues match a plain list of waiting tasks, for random operations`() {
        for seed in UInt64(0)..<150 {
            var random = SplitMix64(seed: seed)
            var model = QueuesModel()
            for id in 1...Int64.random(in: 1...30, using: &random) {
                model.waiting.append(
                    SchedulerHarness.task(
                        id, model: Bool.random(using: &random) ? other : SchedulerHarness.model,
                        batch: BatchID(Int64.random(in: 1...3, using: &random)),
                        priority: Int.random(in: 0...2, using: &random)))
            }
            let all = model.waiting
            var queues = TaskQueues(pageSize: Int.random(in: 1...7, using: &random))
            for task in all { queues.add(model.queue(of: task)) }
            var taken: [WaitingTask] = []
            for step in 0..<150 {
                // Every page is read before the next operation, so all waiting tasks are known.
                while true {
                    let pages = queues.pagesToLoad()
                    if pages.isEmpty { break }
                    for page in pages {
                        let rest = model.waiting.filter { task in
                            model.queue(of: task) == page.queue && page.after.map { $0 < task.place } ?? true
                        }.sorted { $0.place < $1.place }
                        let tasks = Array(rest.prefix(page.limit))
                        queues.loaded(page.queue, tasks, isLast: tasks.count < page.limit) { _ in false }
                    }
                }
                let shut = Int.random(in: 0..<3, using: &random) == 0 ? queue(1, other) : nil
                switch Int.random(in: 0..<8, using: &random) {
                case 0 where !taken.isEmpty:
                    let task = taken.remove(at: Int.random(in: 0..<taken.count, using: &random))
                    queues.putBack(task)
                    model.waiting.append(task)
                    model.startedByBatch[task.batch, default: 1] -= 1
                case 1 where !taken.isEmpty:
                    // Settled and retried: it is in the store, and its queue is read again.
                    let task = taken.remove(at: Int.random(in: 0..<taken.count, using: &random))
                    model.waiting.append(task)
                    queues.restart(model.queue(of: task))
                case 2 where step > 100:
                    let blocked = model.queue(of: all[Int.random(in: 0..<all.count, using: &random)])
                    queues.block { $0 == blocked }
                    model.blocked.insert(blocked)
                default:
                    let next = queues.next { $0 != shut }
                    let expected = model.next { $0 != shut }
                    #expect(next?.id == expected?.id, "seed \(seed), step \(step)")
                    guard let next, next == expected else { return }
                    queues.remove(next)
                    model.waiting.removeAll { $0.id == next.id }
                    model.startedByBatch[next.batch, default: 0] += 1
                    taken.append(next)
                }
                let isDone = model.waiting.allSatisfy { model.blocked.contains(model.queue(of: $0)) }
                #expect(!queues.isDone || isDone, "seed \(seed), step \(step)")
            }
        }
    }

    // MARK: Downloads

    @Test func `the URL that expires first is downloaded first, a few at a time, for random orders`() {
        for seed in UInt64(0)..<60 {
            var random = SplitMix64(seed: seed)
            let limit = Int.random(in: 1...4, using: &random)
            var downloads = DownloadQueue(limit: limit, maximumWait: .seconds(900))
            var waiting: [(Instant, AttemptID)] = []
            var active = 0
            for step in 0..<60 {
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    let attempt = AttemptID(task: TaskID(Int64(step)), number: 1)
                    let expiry = Instant(milliseconds: Int64.random(in: 0...5, using: &random))
                    downloads.add(attempt, expiresAt: expiry)
                    waiting.append((expiry, attempt))
                case 1:
                    let next = downloads.next()
                    let best = active < limit ? waiting.min { $0 < $1 }?.1 : nil
                    #expect(next == best, "seed \(seed), step \(step)")
                    if let best {
                        waiting.removeAll { $0.1 == best }
                        active += 1
                    }
                default:
                    guard active > 0 else { continue }
                    downloads.ended()
                    active -= 1
                }
                #expect(downloads.count == waiting.count + active && downloads.active == active)
            }
            #expect(Set(downloads.abandon()) == Set(waiting.map(\.1)) && downloads.count == active)
        }
    }
}
