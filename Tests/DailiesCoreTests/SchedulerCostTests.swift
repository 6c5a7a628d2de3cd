import Testing

@testable import DailiesCore

/// Costs that are stated late, in part, or never.
@Suite struct SchedulerCostTests {
    private static let attempt = AttemptID(task: TaskID(1), number: 1)

    /// One that renders, and is cancelled at the provider by somebody else; its reply states no cost.
    private func cancelledWhileRunning() -> SchedulerRig {
        let rig = SchedulerRig.with(1, cap: 9)
        rig.land(.accepted(.running("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        return rig
    }

    private func cancelled(cost: Int64) -> RemoteReport {
        RemoteReport(
            phase: .cancelled, remoteID: RemoteTaskID("r1"), charges: [.of(cost, from: "credits")])
    }

    @Test func `a partial charge that the reply to the end does not state is asked for once, and booked`() {
        let rig = cancelledWhileRunning()
        #expect(rig.stage(1) == .cancelled && rig.attempt(1)?.charge == nil && rig.attempt(1)?.isCostAwaited == true)
        #expect(rig.ending == nil && rig.questions.isEmpty)
        rig.advance(by: .seconds(5))
        rig.answer(.found(cancelled(cost: 1)), 1, .complete)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.attempt(1)?.reserved == nil)
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a partial charge that nobody states is unknown, and its reservation stands for it`() {
        let rig = cancelledWhileRunning()
        rig.advance(by: .seconds(5))
        rig.answer(.found(.cancelled("r1")), 1, .complete)
        #expect(rig.questions.isEmpty && rig.steps.contains(.costUnknown(Self.attempt)))
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.reserved == Credits(nano: 2_000_000_000))
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a fault is no answer: the question for a partial charge is put again`() {
        let rig = cancelledWhileRunning()
        rig.advance(by: .seconds(5))
        rig.answer(.fault(.timeout), 1, .complete)
        #expect(rig.ending == nil && !rig.steps.contains(.costUnknown(Self.attempt)))
        rig.advance(by: .seconds(60))
        rig.answer(.found(cancelled(cost: 1)), 1, .complete)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a poll that lands after the end, when the question for the cost was due, does not take its place`() {
        let rig = SchedulerRig.with(1, settings: SchedulerRig.settings { $0.quoteTolerance = 10 }, cap: 9)
        rig.land(.accepted(.queued("r1", estimate: 6)))
        #expect(rig.cancels.count == 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running("r1")), 1, .poll)
        rig.advance(by: .seconds(2))
        #expect(rig.questions.map(\.purpose) == [.poll])
        rig.answerCancel(.found(.cancelled("r1")))
        #expect(rig.attempt(1)?.isCostAwaited == true)
        rig.advance(by: .seconds(30))
        rig.answer(.found(.running("r1")), 1, .poll)
        rig.advance(by: .seconds(5))
        rig.answer(.found(cancelled(cost: 1)), 1, .complete)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.scheduler.flights.isEmpty)
        rig.expectSound()
    }

    @Test func `one that was cancelled before it ran is free, and nobody is asked`() {
        let rig = SchedulerRig.with(1, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        #expect(rig.attempt(1)?.charge == .zero && rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test(arguments: [StoreModel.Stage.cancelled, .failed, .completed(RemoteTaskID("r1"))])
    func `a cost that was asked for in vain is asked for once in the next run, and booked once`(
        stage: StoreModel.Stage
    ) {
        var store = SchedulerRig.leftBehind(stage) {
            $0.remoteID = RemoteTaskID("r1")
            if case .completed = $0.stage { $0.path = "/clip" }
        }
        store.cap = Credits(nano: 9_000_000_000)
        let silent = SchedulerRig(store: store)
        silent.start()
        silent.answer(.found(.completed("r1", cost: nil)), 1, .complete)
        #expect(silent.steps.isEmpty && silent.ending == RunEnding())
        silent.expectSound()

        let telling = silent.restarted()
        telling.start()
        telling.answer(.found(.completed("r1", cost: 1)), 1, .complete)
        #expect(telling.steps == [.costLearned(Self.attempt, [.of(1, from: "credits_used")])])
        #expect(telling.attempt(1)?.charge == Credits(nano: 1_000_000_000) && telling.attempt(1)?.reserved == nil)
        #expect(telling.ending == RunEnding())
        telling.expectSound()

        let after = telling.restarted()
        after.start()
        #expect(after.asked.isEmpty && after.ending == RunEnding())
        after.expectSound()
    }

    @Test func `an unknown cost keeps no run alive that cannot ask for it`() {
        let store = SchedulerRig.leftBehind(.cancelled, account: SchedulerRig.otherAccount) {
            $0.remoteID = RemoteTaskID("r1")
        }
        let rig = SchedulerRig(store: store)
        rig.start()
        #expect(rig.asked.isEmpty && rig.ending == RunEnding())
        let faulty = SchedulerRig(store: SchedulerRig.leftBehind(.cancelled) { $0.remoteID = RemoteTaskID("r1") })
        faulty.start()
        faulty.answer(.fault(.timeout))
        #expect(faulty.ending == RunEnding() && faulty.steps.isEmpty)
        faulty.expectSound()
    }

    @Test func `whoever is asked for a URL and states a cost that counted as unknown has it booked`() {
        let store = SchedulerRig.leftBehind(.completed(RemoteTaskID("r1")))
        let rig = SchedulerRig(store: store)
        rig.start()
        rig.answer(.found(.completed("r1", cost: 1)))
        rig.save()
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.ending == RunEnding())
        rig.expectSound()
    }

    // MARK: the rules by themselves

    @Test(arguments: [false, true], [nil, 3] as [Int64?])
    func `what a reply says of the end is a settlement by one rule`(wasRunning: Bool, cost: Int64?) throws {
        for phase in [RemoteReport.Phase.queued, .running, .unknown("resting")] {
            #expect(Settlement(of: RemoteReport(phase: phase), wasRunning: wasRunning) == nil)
        }
        let charges = cost.map { [Amount.of($0, from: "credits_used")] } ?? []
        for phase in [RemoteReport.Phase.completed, .failed, .cancelled] {
            let report = RemoteReport(phase: phase, charges: charges, asset: AssetLocation(url: "http://a/1"))
            let settlement = try #require(Settlement(of: report, wasRunning: wasRunning))
            let isFree = phase == .failed || (phase == .cancelled && !wasRunning)
            #expect(settlement.charges == (charges.isEmpty && isFree ? [.notBilled] : charges))
            #expect(settlement.isCostAwaited == settlement.charges.isEmpty)
            #expect((settlement.asset == nil) == (phase != .completed))
            #expect((settlement.failureCode == nil) == (phase == .completed))
        }
    }

    @Test func `a reservation becomes the estimate and a tenth where that fits, and stays where not`() {
        let old = Credits(nano: 5)
        let estimate = Amount(credits: Credits(nano: 10), text: "", source: "", isRounded: false)
        func after(_ estimate: Amount?, fits: Bool) -> (Credits?, Bool) {
            let (reserved, isOver) = Reservation.after(estimate: estimate, holding: old) { _ in fits }
            return (reserved, isOver)
        }
        #expect(after(estimate, fits: true) == (Credits(nano: 11), false))
        #expect(after(estimate, fits: false) == (old, true))
        #expect(after(nil, fits: false) == (old, false))
    }
}
