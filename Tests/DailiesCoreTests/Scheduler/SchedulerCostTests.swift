import Testing

@testable import DailiesCore

/// Costs that are stated late, in part, or never.
@Suite struct SchedulerCostTests {
    private static let attempt = AttemptID(task: TaskID(1), number: 1)

    /// A rendering task that is cancelled in the provider's console; the reply states no cost.
    private func cancelledWhileRunning() -> SchedulerHarness {
        let rig = SchedulerHarness.with(1, cap: 9)
        rig.land(.accepted(.running("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        return rig
    }

    private func cancelled(cost: Int64) -> RemoteTask {
        RemoteTask(
            phase: .cancelled, remoteID: RemoteTaskID("r1"), charges: [.of(cost, from: "credits")])
    }

    @Test func `a partial charge missing in the final reply is queried once and booked`() {
        let rig = cancelledWhileRunning()
        #expect(rig.attempt(1)?.isWithProvider == true && rig.ending == nil && rig.questions.isEmpty)
        rig.advance(by: .seconds(5))
        rig.answer(.found(cancelled(cost: 1)), 1, .poll)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.attempt(1)?.reserved == nil)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a partial charge that is never stated is unknown and keeps its reservation`() {
        let rig = cancelledWhileRunning()
        rig.confirmCancelled(1)
        #expect(rig.questions.isEmpty && rig.stage(1) == .cancelled)
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.reserved == Credits(nano: 2_000_000_000))
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `after a fault the query for a partial charge is repeated`() {
        let rig = cancelledWhileRunning()
        rig.advance(by: .seconds(5))
        rig.answer(.fault(.timeout), 1, .poll)
        #expect(rig.ending == nil && rig.attempt(1)?.isWithProvider == true)
        rig.advance(by: .seconds(60))
        rig.answer(.found(cancelled(cost: 1)), 1, .poll)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test
    func `an earlier poll that shows the task rendering does not replace the query after a cancel`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.quoteTolerance = 10 }, cap: 9)
        rig.land(.accepted(.queued("r1", estimate: 6)))
        #expect(rig.cancels.count == 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running("r1")), 1, .poll)
        rig.advance(by: .seconds(2))
        #expect(rig.questions.map(\.purpose) == [.poll])
        rig.answerCancel(.found(.cancelled("r1")))
        rig.advance(by: .seconds(30))
        rig.answer(.found(.running("r1")), 1, .poll)
        #expect(rig.attempt(1)?.isWithProvider == true)
        rig.advance(by: .seconds(5))
        rig.answer(.found(cancelled(cost: 1)), 1, .poll)
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.scheduler.attempts.isEmpty)
        rig.expectSound()
    }

    @Test func `a task cancelled before it ran is queried once more and is then free`() {
        let rig = SchedulerHarness.with(1, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.isWithProvider == true)
        rig.confirmCancelled(1)
        #expect(rig.attempt(1)?.charge == .zero && rig.ending == RunResult())
        rig.expectSound()
    }

    /// It was queued a minute ago and has rendered since.
    @Test(arguments: [RemoteTask.cancelled("r1"), .completed("r1", cost: 1), .failed("r1")])
    func `a cancel without a cost is not booked before the task is queried`(truth: RemoteTask) {
        let rig = SchedulerHarness.with(1, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.handle(
            .commanded(
                UserCommand(
                    id: CommandID(1), order: .cancel(evenIfCharged: true), attempt: Self.attempt,
                    queue: TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model))))
        rig.answer(.found(.queued("r1")), 1, .poll)
        rig.answerCancel(.found(.cancelled("r1")))
        #expect(rig.attempt(1)?.isWithProvider == true && rig.attempt(1)?.charge == nil)
        rig.advance(by: .seconds(5))
        var reported = truth
        if truth.phase == .cancelled { reported = cancelled(cost: 1) }
        rig.answer(.found(reported), 1, .poll)
        if truth.phase == .completed { rig.save(1) }
        #expect(rig.attempt(1)?.charge == (truth.phase == .failed ? .zero : Credits(nano: 1_000_000_000)))
        #expect(rig.ending == RunResult() && rig.store.commands.count == 1)
        rig.expectSound()
    }

    @Test func `a cancelled task that the provider no longer knows has an unknown cost after ten minutes`() {
        let rig = SchedulerHarness.with(1, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        let start = rig.now
        while rig.ending == nil, rig.now - start < .seconds(1200) {
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.notFound(.notFound), 1, .poll) }
        }
        #expect(rig.now - start >= .seconds(600))
        #expect(rig.stage(1) == .cancelled && rig.attempt(1)?.charge == nil && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test(arguments: [false, true])
    func `a crash between a cancel and the query after it books nothing, and the next run queries`(ran: Bool) {
        let rig = SchedulerHarness.with(1, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        if ran {
            rig.answer(.found(.running("r1")), 1, .poll)
            rig.advance(by: .seconds(2))
        }
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        let next = rig.restarted()
        next.start()
        next.advance(by: .seconds(5))
        next.answer(.found(.cancelled("r1")), 1, .poll)
        #expect(next.attempt(1)?.isWithProvider == true)
        next.confirmCancelled(1)
        #expect(next.stage(1) == .cancelled && next.attempt(1)?.charge == (ran ? nil : .zero))
        #expect(next.ending == RunResult())
        next.expectSound()
    }

    @Test func `a task past its poll window that is reported cancelled is queried before the run ends`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.pollWindow = .seconds(1) }, cap: 9)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")), 1, .poll)
        #expect(rig.ending == nil)
        rig.confirmCancelled(1)
        #expect(rig.stage(1) == .cancelled && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test(arguments: [StoreModel.Stage.cancelled, .failed, .completed(RemoteTaskID("r1"))])
    func `an unknown cost is queried once in the next run and booked once`(
        stage: StoreModel.Stage
    ) {
        var store = SchedulerHarness.leftBehind(stage) {
            $0.remoteID = RemoteTaskID("r1")
            if case .completed = $0.stage { $0.path = "/clip" }
        }
        store.cap = Credits(nano: 9_000_000_000)
        let silent = SchedulerHarness(store: store)
        silent.start()
        silent.answer(.found(.completed("r1", cost: nil)), 1, .complete)
        #expect(silent.steps.isEmpty && silent.ending == RunResult())
        silent.expectSound()

        let telling = silent.restarted()
        telling.start()
        telling.answer(.found(.completed("r1", cost: 1)), 1, .complete)
        #expect(telling.steps == [.costLearned(Self.attempt, [.of(1, from: "credits_used")])])
        #expect(telling.attempt(1)?.charge == Credits(nano: 1_000_000_000) && telling.attempt(1)?.reserved == nil)
        #expect(telling.ending == RunResult())
        telling.expectSound()

        let after = telling.restarted()
        after.start()
        #expect(after.asked.isEmpty && after.ending == RunResult())
        after.expectSound()
    }

    @Test func `an unknown cost does not keep a run alive that cannot query it`() {
        let store = SchedulerHarness.leftBehind(.cancelled, account: SchedulerHarness.otherAccount) {
            $0.remoteID = RemoteTaskID("r1")
        }
        let rig = SchedulerHarness(store: store)
        rig.start()
        #expect(rig.asked.isEmpty && rig.ending == RunResult())
        let faulty = SchedulerHarness(
            store: SchedulerHarness.leftBehind(.cancelled) { $0.remoteID = RemoteTaskID("r1") })
        faulty.start()
        faulty.answer(.fault(.timeout))
        #expect(faulty.ending == RunResult() && faulty.steps.isEmpty)
        faulty.expectSound()
    }

    @Test func `a cost stated in answer to a query for a URL is booked`() {
        let store = SchedulerHarness.leftBehind(.completed(RemoteTaskID("r1")))
        let rig = SchedulerHarness(store: store)
        rig.start()
        rig.answer(.found(.completed("r1", cost: 1)))
        rig.save()
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.ending == RunResult())
        rig.expectSound()
    }

    // MARK: Rules

    @Test(arguments: [false, true], [nil, 3] as [Int64?])
    func `every reply becomes a settlement by the same rule`(wasRunning: Bool, cost: Int64?) throws {
        for phase in [RemoteTask.Phase.queued, .running, .unknown("resting")] {
            #expect(Settlement(of: RemoteTask(phase: phase), wasRunning: wasRunning, isConfirmed: true) == nil)
        }
        let charges = cost.map { [Amount.of($0, from: "credits_used")] } ?? []
        for phase in [RemoteTask.Phase.completed, .failed, .cancelled] {
            let report = RemoteTask(phase: phase, charges: charges, asset: AssetLocation(url: "http://a/1"))
            let first = Settlement(of: report, wasRunning: wasRunning, isConfirmed: false)
            #expect((first == nil) == (phase == .cancelled && charges.isEmpty))
            let settlement = try #require(Settlement(of: report, wasRunning: wasRunning, isConfirmed: true))
            let isFree = phase == .failed || (phase == .cancelled && !wasRunning)
            #expect(settlement.charges == (charges.isEmpty && isFree ? [.notBilled] : charges))
            #expect(settlement.isCostAwaited == (settlement.charges.isEmpty && phase == .completed))
            #expect((settlement.asset == nil) == (phase != .completed))
            #expect((settlement.failureCode == nil) == (phase == .completed))
        }
    }

    @Test func `an estimate plus a tenth raises a reservation and lowers it only if estimates are trusted`() {
        func after(_ estimate: Int64?, holding old: Int64?, isTrusted: Bool = false) -> Int64? {
            Reservation.after(
                estimate: estimate.map { Credits(nano: $0) }, holding: old.map { Credits(nano: $0) },
                isTrusted: isTrusted)?.nano
        }
        #expect(after(10, holding: 5) == 11 && after(10, holding: nil) == 11)
        #expect(after(10, holding: 30) == 30 && after(10, holding: 30, isTrusted: true) == 11)
        #expect(after(nil, holding: 30, isTrusted: true) == 30 && after(nil, holding: nil) == nil)
        // An estimate of zero is ignored.
        #expect(after(0, holding: 30) == 30 && after(0, holding: 30, isTrusted: true) == 30)
    }
}
