import Testing

@testable import DailiesCore

/// Each clip's maximum is two credits unless a test says otherwise.
@Suite struct SchedulerBudgetTests {
    @Test func `a task that does not fit waits until reservations are released`() {
        let rig = SchedulerHarness.with(3, cap: 4)
        #expect(rig.submits.count == 2)
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.accepted(.queued("r2")), 2)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")), 1)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(3)])
        rig.expectSound()
    }

    @Test func `a budget without releasable reservations is reached`() {
        let rig = SchedulerHarness.with(3, cap: 4)
        for id in 1...2 { rig.land(.accepted(.completed("r\(id)", cost: 2)), Int64(id)) }
        rig.save(1)
        rig.save(2)
        #expect(rig.ending?.budgetReached == true && rig.ending?.isWorkOutstanding == true)
        #expect(rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `spending of earlier runs counts`() {
        var store = SchedulerHarness.leftBehind(.completed(RemoteTaskID("r1")), reserved: nil) {
            $0.charge = Credits(nano: 3_000_000_000)
            $0.path = "/clip"
        }
        store.add(SchedulerHarness.task(2))
        store.cap = Credits(nano: 4_000_000_000)
        let rig = SchedulerHarness(store: store)
        rig.start()
        #expect(rig.sent.isEmpty && rig.ending?.budgetReached == true)
        rig.expectSound()
    }

    @Test func `a task of unknown price is not sent under a budget`() {
        var store = StoreModel()
        store.add(SchedulerHarness.task(1))
        store.cap = Credits(nano: 4_000_000_000)
        let rig = SchedulerHarness(store: store)
        rig.start(prices: PriceBook(catalog: SchedulerHarness.catalog))
        #expect(rig.sent.isEmpty && rig.ending?.budgetReached == true)
        #expect(rig.ending?.reasons.first?.contains("--max-credits-per-task") == true)
        rig.expectSound()
    }

    @Test func `on acceptance the reservation becomes the estimate plus a tenth`() {
        let rig = SchedulerHarness.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 3)))
        #expect(rig.attempt(1)?.reserved == Credits(nano: 3_300_000_000))
        rig.expectSound()
    }

    @Test(arguments: [Int64(0), 1])
    func `a low estimate does not free credits before twenty bills confirm estimates`(
        estimate: Int64
    ) {
        let rig = SchedulerHarness.with(9, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: estimate)), 1)
        rig.land(.accepted(.queued("r2", estimate: estimate)), 2)
        #expect(rig.sent.count == 2 && rig.attempt(1)?.reserved == Credits(nano: 2_000_000_000))
        rig.expectSound()
    }

    @Test func `a trusted estimate frees credits for other tasks`() {
        var store = StoreModel()
        for id in 1...9 { store.add(SchedulerHarness.task(Int64(id))) }
        store.trust[SchedulerHarness.account] = .honored
        store.cap = Credits(nano: 4_000_000_000)
        let bill = ObservedPrice(
            shape: SchedulerHarness.task(1).shape, charged: Credits(nano: 1_000_000_000),
            estimate: Credits(nano: 1_000_000_000), settledAt: Instant(milliseconds: 0))
        let bills = Array(repeating: bill, count: PriceBook.windowSize)
        let rig = SchedulerHarness(store: store)
        rig.start(
            prices: PriceBook(
                catalog: SchedulerHarness.catalog, maximumPerTask: SchedulerHarness.maximumPerTask, observed: bills)
        )
        rig.land(.accepted(.queued("r1", estimate: 1)), 1)
        rig.land(.accepted(.queued("r2", estimate: 0)), 2)
        #expect(rig.attempt(1)?.reserved == Credits(nano: 1_100_000_000))
        #expect(rig.attempt(2)?.reserved == Credits(nano: 2_000_000_000) && rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `an estimate above the budget cancels the task while that is free, repeatedly until it is cancelled`() {
        let rig = SchedulerHarness.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        #expect(rig.cancels.count == 1 && rig.attempt(1)?.reserved == Credits(nano: 5_500_000_000))
        #expect(rig.attempt(1)?.cancelReason == .budget)
        rig.answerCancel(.fault(.timeout))
        #expect(rig.cancels.isEmpty)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.queued("r1")))
        #expect(rig.cancels.count == 1)
        rig.confirmCancel(1)
        #expect(rig.stage(1) == .cancelled && rig.attempt(1)?.charge == .zero && rig.attempt(1)?.reserved == nil)
        rig.expectSound()
    }

    private func isWaiting(_ rig: SchedulerHarness, _ id: Int64, attempt: Int) -> Bool {
        rig.store.entries[TaskID(id)].map { $0.isWaiting && $0.task.attempt == attempt } ?? false
    }

    @Test func `a task above the budget waits again under the next number, and no similar one follows in this run`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 1 }, cap: 9)
        rig.land(.accepted(.queued("r1", estimate: 9)))
        #expect(rig.cancels.count == 1 && rig.submits.isEmpty)
        rig.confirmCancel(1)
        #expect(isWaiting(rig, 1, attempt: 2) && rig.sent.count == 1 && rig.submits.isEmpty)
        let ending = rig.ending ?? RunResult()
        #expect(ExitCode.of(ending, failed: 0, signal: nil) == .budgetReached)
        let reason = "the provider estimates 9 credits for a clip of sora-2-pro, more than the budget 9 allows"
        #expect(ending.reasons == [reason])
        #expect(rig.reported.contains(.waitsAgain(SchedulerHarness.name(1), .budget, charged: .zero)))
        rig.expectSound()

        // A sufficient budget renders it and all others.
        var store = rig.store
        store.cap = Credits(nano: 100_000_000_000)
        let next = SchedulerHarness(store: store, at: rig.now)
        next.start()
        for id in 1...3 as ClosedRange<Int64> {
            next.land(.accepted(.completed("n\(id)", cost: 2)), id)
            next.save(id)
        }
        #expect(next.sent.first == AttemptID(task: TaskID(1), number: 2) && next.ending == RunResult())
        next.expectSound()
    }

    @Test func `a run whose last task a guard cancelled is not a success`() {
        let rig = SchedulerHarness.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        rig.confirmCancel(1)
        #expect(isWaiting(rig, 1, attempt: 2))
        #expect(rig.ending.map { ExitCode.of($0, failed: 0, signal: nil) } == .budgetReached)
        rig.expectSound()
    }

    @Test func `a task that the user also cancels does not wait again`() {
        let rig = SchedulerHarness.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        rig.handle(
            .commanded(
                UserCommand(
                    id: CommandID(1), order: .cancel(evenIfCharged: false),
                    attempt: AttemptID(task: TaskID(1), number: 1),
                    queue: TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model))))
        rig.confirmCancel(1)
        #expect(rig.stage(1) == .cancelled && rig.store.entries[TaskID(1)]?.isWaiting == false)
        #expect(rig.store.commands == [CommandID(1): .cancelled] && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a task that can no longer be cancelled reserves its estimate`() {
        let rig = SchedulerHarness.with(5, settings: SchedulerHarness.settings { $0.concurrency = 1 }, cap: 4)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        var report = RemoteTask.running("r1")
        report.estimate = .of(5, from: "estimated_credits")
        rig.answer(.found(report), 1, .resolveSubmission)
        #expect(rig.cancels.isEmpty && rig.attempt(1)?.reserved == Credits(nano: 5_500_000_000))
        while rig.questions.isEmpty, rig.ending == nil { rig.serveNextWake() }
        rig.answer(.found(.completed("r1", cost: 5)), 1, .poll)
        rig.save(1)
        #expect(rig.sent.count == 1 && rig.ending?.budgetReached == true)
        rig.expectSound()
    }

    @Test func `an estimate above a tag's budget stops only tasks with that tag`() {
        let acme = TagBudgetID(1)
        var store = StoreModel()
        for id in 1...4 { store.add(SchedulerHarness.task(Int64(id), tagBudgets: id == 4 ? [] : [acme])) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 1 }, store: store)
        rig.start(tagBudgets: [
            TagBudget(
                id: acme, batch: SchedulerHarness.batch, tag: TaskSpec.Tag(name: "client", value: "acme"),
                position: BudgetUsage(cap: Credits(nano: 5_000_000_000), settled: .zero, reserved: .zero))
        ])
        rig.land(.accepted(.queued("r1", estimate: 5)))
        rig.confirmCancel(1)
        #expect(isWaiting(rig, 1, attempt: 2) && rig.submits.map(\.attempt.task.rawValue) == [4])
        rig.land(.accepted(.completed("r4", cost: 1)), 4)
        rig.save(4)
        #expect(rig.sent.count == 2 && rig.ending?.budgetReached == true)
        #expect(rig.ending?.reasons.count == 1, "\(rig.ending?.reasons ?? [])")
        rig.expectSound()
    }

    @Test func `after an estimate above the maximum, similar tasks begin only if such an estimate fits`() {
        let rig = SchedulerHarness.with(9, settings: SchedulerHarness.settings { $0.concurrency = 1 }, cap: 12)
        // Maximum two, estimated at 2.8: with a tenth more than 3.
        var report = RemoteTask.queued("r1")
        report.estimate = Amount(
            credits: Credits(nano: 2_800_000_000), text: "2.8", source: "estimated_credits", isRounded: false)
        rig.land(.accepted(report), 1)
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 9)))
        #expect(rig.submits.count == 2)
        for submit in rig.submits {
            report.remoteID = RemoteTaskID("r\(submit.attempt.task)")
            rig.land(.accepted(report), submit.attempt.task.rawValue)
        }
        #expect(rig.cancels.isEmpty && rig.sent.count == 3)
        rig.expectSound()
    }

    @Test func `a running task is not cancelled for its estimate`() {
        let rig = SchedulerHarness.with(1, cap: 4)
        var report = RemoteTask.running("r1")
        report.estimate = .of(5, from: "estimated_credits")
        rig.land(.accepted(report))
        #expect(rig.cancels.isEmpty && rig.attempt(1)?.reserved == Credits(nano: 5_500_000_000))
        rig.expectSound()
    }

    @Test func `a cancel that finds the clip completed downloads it, and a late poll changes nothing`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.pollWindow = .seconds(1) }, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        rig.advance(by: .seconds(2))
        rig.answerCancel(.found(.completed("r1", cost: 2)))
        rig.answer(.notFound(.notFound))
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a bill above its reservation is booked in full and stops submission`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 1 }, cap: 40)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: 3)))
        #expect(rig.submits.isEmpty && rig.attempt(1)?.charge == Credits(nano: 3_000_000_000))
        rig.save()
        #expect(rig.ending?.budgetReached == true && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a budget reserved by tasks past their window is reached, not waited for endlessly`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.pollWindow = .seconds(10) }, cap: 3)
        rig.land(.accepted(.queued("r1")))
        var rounds = 0
        while rig.ending == nil, rounds < 50 {
            rounds += 1
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.found(.running("r1"))) }
        }
        #expect(rig.ending?.budgetReached == true && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a batch at its budget does not block others`() {
        var store = StoreModel()
        store.add(SchedulerHarness.task(1))
        store.add(SchedulerHarness.task(2, batch: BatchID(2)))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(store: store)
        let poor = BudgetUsage(cap: Credits(nano: 1), settled: .zero, reserved: .zero)
        let accounts = APIKeyRouting(byPrefix: ["": SchedulerHarness.account])
        let effects = rig.scheduler.handle(
            .started(
                SchedulerSnapshot(
                    open: [], queues: store.queues, budgets: [BatchID(1): poor],
                    prices: PriceBook(catalog: SchedulerHarness.catalog, maximumPerTask: Credits(nano: 2)),
                    trust: store.trust, accounts: accounts)), at: rig.now)
        #expect(effects.count == 2)
        for queue in store.queues {
            _ = rig.scheduler.handle(.loaded(queue, store.page(queue, after: nil, limit: 9), isLast: true), at: rig.now)
        }
        #expect(rig.scheduler.attempts.keys.map(\.task.rawValue) == [2] && rig.scheduler.run.result.budgetReached)
    }
}
