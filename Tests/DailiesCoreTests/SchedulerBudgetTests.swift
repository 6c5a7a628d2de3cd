import Testing

@testable import DailiesCore

/// Every clip is bounded at two credits here, unless a test says otherwise.
@Suite struct SchedulerBudgetTests {
    @Test func `a task that does not fit waits for reservations to come back`() {
        let rig = SchedulerRig.with(3, cap: 4)
        #expect(rig.submits.count == 2)
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.accepted(.queued("r2")), 2)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")), 1)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(3)])
        rig.expectSound()
    }

    @Test func `a budget that nothing can come back to is reached`() {
        let rig = SchedulerRig.with(3, cap: 4)
        for id in 1...2 { rig.land(.accepted(.completed("r\(id)", cost: 2)), Int64(id)) }
        rig.save(1)
        rig.save(2)
        #expect(rig.ending?.budgetReached == true && rig.ending?.isWorkOutstanding == true)
        #expect(rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `what earlier runs spent counts`() {
        var store = SchedulerRig.leftBehind(.completed(RemoteTaskID("r1")), reserved: nil) {
            $0.charge = Credits(nano: 3_000_000_000)
            $0.path = "/clip"
        }
        store.add(SchedulerRig.task(2))
        store.cap = Credits(nano: 4_000_000_000)
        let rig = SchedulerRig(store: store)
        rig.start()
        #expect(rig.sent.isEmpty && rig.ending?.budgetReached == true)
        rig.expectSound()
    }

    @Test func `without a bound on its price a task is not sent under a budget`() {
        var store = StoreModel()
        store.add(SchedulerRig.task(1))
        store.cap = Credits(nano: 4_000_000_000)
        let rig = SchedulerRig(store: store)
        rig.start(prices: PriceBook(catalogue: SchedulerRig.catalogue))
        #expect(rig.sent.isEmpty && rig.ending?.budgetReached == true)
        #expect(rig.ending?.reasons.first?.contains("--max-credits-per-task") == true)
        rig.expectSound()
    }

    @Test func `on acceptance the reservation becomes the estimate and a tenth`() {
        let rig = SchedulerRig.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 1)))
        #expect(rig.attempt(1)?.reserved == Credits(nano: 1_100_000_000))
        rig.expectSound()
    }

    @Test func `an estimate above the budget cancels the task while that is free, and again until it is cancelled`() {
        let rig = SchedulerRig.with(1, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        #expect(rig.cancels.count == 1 && rig.attempt(1)?.reserved == Credits(nano: 2_000_000_000))
        rig.answerCancel(.fault(.timeout))
        #expect(rig.cancels.isEmpty)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.queued("r1")))
        #expect(rig.cancels.count == 1)
        rig.answerCancel(.found(.cancelled("r1")))
        #expect(rig.stage(1) == .cancelled && rig.attempt(1)?.charge == .zero && rig.attempt(1)?.reserved == nil)
        rig.expectSound()
    }

    @Test func `a task that runs already is not cancelled for its estimate`() {
        let rig = SchedulerRig.with(1, cap: 4)
        var report = RemoteReport.running("r1")
        report.estimate = .of(5, from: "estimated_credits")
        rig.land(.accepted(report))
        #expect(rig.cancels.isEmpty)
        rig.expectSound()
    }

    @Test func `a cancel that finds the clip completed has it fetched, and a poll that lands late changes nothing`() {
        let rig = SchedulerRig.with(1, settings: SchedulerRig.settings { $0.pollWindow = .seconds(1) }, cap: 4)
        rig.land(.accepted(.queued("r1", estimate: 5)))
        rig.advance(by: .seconds(2))
        rig.answerCancel(.found(.completed("r1", cost: 2)))
        rig.answer(.notFound(.notFound))
        rig.save()
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a bill above its reservation is booked in full and stops submission`() {
        let rig = SchedulerRig.with(3, settings: SchedulerRig.settings { $0.concurrency = 1 }, cap: 40)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: 3)))
        #expect(rig.submits.isEmpty && rig.attempt(1)?.charge == Credits(nano: 3_000_000_000))
        rig.save()
        #expect(rig.ending?.budgetReached == true && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a budget held by tasks past their window is reached, not waited for without end`() {
        let rig = SchedulerRig.with(2, settings: SchedulerRig.settings { $0.pollWindow = .seconds(10) }, cap: 3)
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

    @Test func `one batch at its budget holds no other up`() {
        var store = StoreModel()
        store.add(SchedulerRig.task(1))
        store.add(SchedulerRig.task(2, batch: BatchID(2)))
        store.trust[SchedulerRig.account] = .honoured
        let rig = SchedulerRig(store: store)
        let poor = BudgetPosition(cap: Credits(nano: 1), settled: .zero, reserved: .zero)
        let accounts = AccountBook(byPrefix: ["": SchedulerRig.account])
        let effects = rig.scheduler.handle(
            .started(
                Recovered(
                    open: [], lanes: store.lanes, budgets: [BatchID(1): poor],
                    prices: PriceBook(catalogue: SchedulerRig.catalogue, maximumPerTask: Credits(nano: 2)),
                    trust: store.trust, accounts: accounts)), at: rig.now)
        #expect(effects.count == 2)
        for lane in store.lanes {
            _ = rig.scheduler.handle(.loaded(lane, store.page(lane, after: nil, limit: 9), isLast: true), at: rig.now)
        }
        #expect(rig.scheduler.flights.keys.map(\.task.rawValue) == [2] && rig.scheduler.ending.budgetReached)
    }
}
