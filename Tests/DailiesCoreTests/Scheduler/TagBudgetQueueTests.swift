import Testing

@testable import DailiesCore

/// A task that waits for a tag's budget blocks only tasks that count against it. Prices are a quarter of a credit per
/// second, so that the maximum of an 8 s clip is two credits plus a tenth; caps are given without that tenth.
@Suite struct TagBudgetQueueTests {
    private static let acme = TagBudgetID(1)
    private static let zeta = TagBudgetID(2)

    private func rig(
        _ tasks: [WaitingTask], caps: [TagBudgetID: Int64], settings: SchedulerSettings = SchedulerSettings()
    ) -> SchedulerHarness {
        var store = StoreModel()
        for task in tasks { store.add(task) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: settings, store: store)
        let rate = PriceBook.Rate(perSecond: Credits(nano: 250_000_000), fee: .zero)
        let tags = caps.keys.sorted().map { id in
            TagBudget(
                id: id, batch: SchedulerHarness.batch,
                tag: TaskSpec.Tag(name: "client", value: id == Self.acme ? "a" : "z"),
                position: BudgetUsage(
                    cap: caps[id].map { Credits(nano: $0 * 1_100_000_000) }, settled: .zero, reserved: .zero))
        }
        rig.start(
            prices: PriceBook(catalog: SchedulerHarness.catalog, rates: [SchedulerHarness.model: rate]),
            tagBudgets: tags)
        return rig
    }

    private func submitted(_ rig: SchedulerHarness) -> [Int64] { rig.submits.map(\.attempt.task.rawValue) }

    private func fail(_ rig: SchedulerHarness, _ id: Int64) { rig.land(.accepted(.failed("r\(id)")), id) }

    @Test func `other tasks of the batch and model continue, and the waiting one has its turn once there is room`() {
        let tasks = [1, 2, 3, 4].map { SchedulerHarness.task($0, tagBudgets: $0 < 3 ? [Self.acme] : []) }
        let rig = rig(tasks, caps: [Self.acme: 3])
        #expect(submitted(rig) == [1, 3, 4])
        fail(rig, 1)
        #expect(submitted(rig) == [3, 4, 2])
        for id in [2, 3, 4] as [Int64] { fail(rig, id) }
        #expect(rig.ending?.budgetReached == false && rig.sent.count == 4)
        rig.expectSound()
    }

    @Test func `a smaller task with the same tag does not take the credits that an earlier one waits for`() {
        let tasks = [
            SchedulerHarness.task(1, tagBudgets: [Self.acme]), SchedulerHarness.task(2, tagBudgets: [Self.acme]),
            SchedulerHarness.task(3, seconds: 4, tagBudgets: [Self.acme]),
            SchedulerHarness.task(4, tagBudgets: [Self.zeta]),
        ]
        let rig = rig(tasks, caps: [Self.acme: 3, Self.zeta: 2])
        #expect(submitted(rig) == [1, 4])
        fail(rig, 1)
        #expect(submitted(rig) == [4, 2, 3])
        rig.expectSound()
    }

    @Test func `a waiting task whose budget can free no credits has reached it and is reported once`() {
        let tasks = [1, 2, 3].map { SchedulerHarness.task($0, tagBudgets: [Self.acme]) } + [SchedulerHarness.task(4)]
        let rig = rig(tasks, caps: [Self.acme: 3])
        #expect(submitted(rig) == [1, 4])
        for id in [1, 4] as [Int64] {
            rig.land(.accepted(.completed("r\(id)", cost: 2)), id)
            rig.save(id)
        }
        #expect(rig.ending?.budgetReached == true && rig.ending?.reasons.count == 1 && rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `no more than a page of tasks is deferred, and all are rendered in the end`() {
        let tasks = (1...40).map { SchedulerHarness.task($0, tagBudgets: $0 <= 30 ? [Self.acme] : []) }
        let settings = SchedulerHarness.settings {
            $0.concurrency = 8
            $0.pageSize = 4
        }
        let rig = rig(tasks, caps: [Self.acme: 3], settings: settings)
        #expect(submitted(rig) == [1])
        var rounds = 0
        while rig.ending == nil, rounds < 100, let first = rig.submits.first {
            rounds += 1
            #expect(rig.scheduler.queues.bufferedCount <= 4 + 4 + 2)
            fail(rig, first.attempt.task.rawValue)
        }
        #expect(rig.sent.count == 40 && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a task that waits for two budgets blocks neither for other tasks`() {
        let tasks = [
            SchedulerHarness.task(1, tagBudgets: [Self.acme]),
            SchedulerHarness.task(2, tagBudgets: [Self.acme, Self.zeta]),
            SchedulerHarness.task(3, tagBudgets: [Self.zeta]),
        ]
        let rig = rig(tasks, caps: [Self.acme: 2, Self.zeta: 4])
        #expect(submitted(rig) == [1, 3])
        fail(rig, 1)
        #expect(submitted(rig) == [3, 2])
        rig.expectSound()
    }
}
