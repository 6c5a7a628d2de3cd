import Testing

@testable import DailiesCore

/// A guard's decision is durable, and tasks accepted by an earlier run are checked against this run's budgets.
@Suite struct GuardRecoveryTests {
    private static let remote = RemoteTaskID("r1")

    private func accepted(
        estimate: Int64?, reserved: Int64 = 2, isRunning: Bool = false, reason: CancelReason? = nil
    ) -> StoreModel {
        var store = SchedulerHarness.leftBehind(.accepted(Self.remote, isRunning: isRunning), reserved: reserved) {
            $0.remoteID = Self.remote
            $0.estimate = estimate.map { Credits(nano: $0 * 1_000_000_000) }
            $0.cancelReason = reason
        }
        store.trust[SchedulerHarness.account] = .honored
        return store
    }

    private func started(_ store: StoreModel, cap: Int64? = nil, tolerance: Int64? = nil) -> SchedulerHarness {
        var store = store
        store.cap = cap.map { Credits(nano: $0 * 1_000_000_000) }
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.quoteTolerance = tolerance }, store: store)
        rig.start()
        return rig
    }

    private func isWaiting(_ rig: SchedulerHarness, attempt: Int) -> Bool {
        rig.store.entries[TaskID(1)].map { $0.isWaiting && $0.task.attempt == attempt } ?? false
    }

    @Test func `after a kill between acceptance and the reply to the cancel, the next run cancels before it polls`() {
        let first = SchedulerHarness.with(1, cap: 4)
        first.land(.accepted(.queued("r1", estimate: 5)))
        #expect(first.cancels.count == 1)
        let next = first.restarted()
        next.start()
        #expect(next.cancels.count == 1 && next.asked.isEmpty)
        next.confirmCancel(1)
        // The budget still does not allow it: it is not begun.
        #expect(next.sent.isEmpty && next.ending?.budgetReached == true)
        #expect(isWaiting(next, attempt: 2))
        next.expectSound()
    }

    @Test func `a task that an earlier run wanted cancelled is rendered if the budget now allows it`() {
        let rig = started(accepted(estimate: 5, reserved: 6, reason: .budget), cap: 40)
        rig.confirmCancel(1)
        #expect(rig.sent == [AttemptID(task: TaskID(1), number: 2)])
        rig.land(.accepted(.completed("r2", cost: 5)), 1)
        rig.save(1)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test(arguments: [nil, 10] as [Int64?])
    func `a task with too high a quote is cancelled in the next run and rendered only if quotes are accepted`(
        tolerance: Int64?
    ) {
        let rig = started(accepted(estimate: 6, reserved: 7, reason: .quote), tolerance: tolerance)
        rig.confirmCancel(1)
        #expect(rig.sent.count == (tolerance == nil ? 1 : 0))
        if tolerance == nil {
            rig.land(.accepted(.completed("r2", cost: 6)), 1)
            rig.save(1)
            #expect(rig.ending == RunResult())
        } else {
            #expect(isWaiting(rig, attempt: 2) && rig.ending?.isWorkOutstanding == true)
            #expect(rig.ending?.reasons.first?.contains("quotes 6 credits") == true)
        }
        rig.expectSound()
    }

    @Test func `a stored estimate is checked against the reservation, the budget and the tolerance`() {
        let over = started(accepted(estimate: 5), cap: 4)
        #expect(over.attempt(1)?.reserved == Credits(nano: 5_500_000_000) && over.attempt(1)?.cancelReason == .budget)
        #expect(over.cancels.count == 1)
        over.expectSound()
        let dear = started(accepted(estimate: 5), tolerance: 10)
        #expect(dear.attempt(1)?.cancelReason == .quote && dear.cancels.count == 1)
        dear.expectSound()
        let fits = started(accepted(estimate: 5), cap: 9)
        #expect(fits.attempt(1)?.reserved == Credits(nano: 5_500_000_000) && fits.cancels.isEmpty)
        fits.expectSound()
        let unknown = started(accepted(estimate: nil), cap: 4, tolerance: 10)
        #expect(unknown.attempt(1)?.reserved == Credits(nano: 2_000_000_000) && unknown.cancels.isEmpty)
        unknown.expectSound()
    }

    @Test func `a rendering task keeps its reservation, is not cancelled, and still stops its model`() {
        var store = accepted(estimate: 5, isRunning: true)
        for id in 2...4 { store.add(SchedulerHarness.task(Int64(id))) }
        let rig = started(store, cap: 40, tolerance: 10)
        #expect(rig.cancels.isEmpty && rig.sent.isEmpty)
        #expect(rig.attempt(1)?.reserved == Credits(nano: 5_500_000_000) && rig.attempt(1)?.cancelReason == nil)
        while rig.questions.isEmpty, rig.ending == nil { rig.serveNextWake() }
        rig.answer(.found(.completed("r1", cost: 5)), 1, .poll)
        rig.save(1)
        #expect(rig.ending?.isWorkOutstanding == true && rig.sent.isEmpty)
        rig.expectSound()
    }

    @Test func `a spent hard budget cancels tasks that an earlier run left queued at the provider`() {
        var store = accepted(estimate: 1)
        store.addLeftBehind(.completed(RemoteTaskID("r2")), id: 2, reserved: nil) {
            $0.charge = Credits(nano: 4_000_000_000)
            $0.path = "/clip"
        }
        store.mode = .hard
        let rig = started(store, cap: 4)
        #expect(rig.attempt(1)?.cancelReason == .budgetSpent && rig.cancels.count == 1)
        rig.confirmCancel(1)
        #expect(isWaiting(rig, attempt: 2) && rig.sent.isEmpty && rig.ending?.budgetReached == true)
        rig.expectSound()
    }

    @Test func `the next run also accepts the cost of a replayed render`() {
        var store = accepted(estimate: 6)
        store.attempts[AttemptID(task: TaskID(1), number: 1)]?.isReplayed = true
        let rig = started(store, tolerance: 10)
        #expect(rig.cancels.isEmpty && rig.attempt(1)?.cancelReason == nil)
        rig.expectSound()
    }
}
