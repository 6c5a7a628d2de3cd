import Testing

@testable import DailiesCore

/// Users' commands on single tasks during a run.
@Suite struct SchedulerCommandTests {
    private static let queue = TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model)

    private func cancel(_ id: Int64, command: Int64 = 1, attempt: Int = 1, evenIfCharged: Bool = false) -> UserCommand {
        UserCommand(
            id: CommandID(command), order: .cancel(evenIfCharged: evenIfCharged),
            attempt: AttemptID(task: TaskID(id), number: attempt), queue: Self.queue)
    }

    private func retry(_ id: Int64, command: Int64 = 1, attempt: Int = 1) -> UserCommand {
        UserCommand(
            id: CommandID(command), order: .retry(again: false),
            attempt: AttemptID(task: TaskID(id), number: attempt), queue: Self.queue)
    }

    private func rig(_ count: Int64, concurrency: Int = 1, trust: KeySupport = .honored) -> SchedulerHarness {
        SchedulerHarness.with(count, settings: SchedulerHarness.settings { $0.concurrency = concurrency }, trust: trust)
    }

    @Test func `a cancelled waiting task is never sent`() {
        let rig = rig(3)
        rig.handle(.commanded(cancel(2)))
        #expect(rig.store.commands == [CommandID(1): .withdrawn])
        rig.land(.accepted(.completed("r1")))
        rig.save(1)
        rig.land(.accepted(.completed("r3")), 3)
        rig.save(3)
        #expect(rig.sent.map(\.task.rawValue) == [1, 3])
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a cancelled task on a page being read is not sent, but its next attempt is`() {
        var store = StoreModel()
        for id in 1...2 { store.add(SchedulerHarness.task(Int64(id))) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 2 }, store: store)
        rig.holdsLoads = true
        rig.start()
        rig.handle(.commanded(cancel(1)))
        rig.deliverLoad()
        #expect(rig.sent.map(\.task.rawValue) == [2])
        rig.expectSound()
    }

    @Test func `a task at the provider is polled before it is cancelled, and the reply ends the command`() {
        let rig = rig(1)
        rig.land(.accepted(.queued("r1")))
        rig.handle(.commanded(cancel(1)))
        #expect(rig.questions.map(\.purpose) == [.poll] && rig.cancels.isEmpty)
        rig.answer(.found(.queued("r1")))
        #expect(rig.cancels.count == 1 && rig.store.commands.isEmpty)
        rig.confirmCancel(1)
        #expect(rig.store.commands == [CommandID(1): .cancelled])
        #expect(rig.stage(1) == .cancelled && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a rendering task is cancelled only if the user insists`() {
        let rig = rig(1)
        rig.land(.accepted(.queued("r1")))
        rig.handle(.commanded(cancel(1)))
        rig.answer(.found(.running("r1")))
        #expect(rig.store.commands == [CommandID(1): .alreadyRunning] && rig.cancels.isEmpty)
        rig.handle(.commanded(cancel(1, command: 2, evenIfCharged: true)))
        #expect(rig.cancels.count == 1)
        rig.confirmCancel(1)
        #expect(rig.store.commands[CommandID(2)] == .cancelled)
        rig.expectSound()
    }

    @Test func `a cancel that the provider only accepts ends the command, and polls find the outcome`() {
        let rig = rig(1)
        rig.land(.accepted(.queued("r1")))
        rig.handle(.commanded(cancel(1, evenIfCharged: true)))
        rig.answer(.found(.queued("r1")))
        rig.answerCancel(.found(.queued("r1")))
        #expect(rig.store.commands == [CommandID(1): .requested])
        #expect(rig.cancels.isEmpty, "it is not cancelled in a circle")
        rig.advance(by: .seconds(2))
        rig.answer(.found(.cancelled("r1")))
        rig.confirmCancelled(1)
        #expect(rig.stage(1) == .cancelled)
        rig.expectSound()
    }

    @Test func `a cancel without an answer is tried again at the next polls, three times`() {
        let rig = rig(1)
        rig.land(.accepted(.queued("r1")))
        rig.handle(.commanded(cancel(1, evenIfCharged: true)))
        rig.answer(.found(.queued("r1")))
        for _ in 1...2 {
            rig.answerCancel(.fault(.status(502)))
            rig.advance(by: .seconds(4))
            rig.answer(.found(.queued("r1")))
        }
        rig.answerCancel(.fault(.status(502)))
        #expect(rig.store.commands == [CommandID(1): .noAnswer])
        rig.expectSound()
    }

    @Test func `a task in flight is cancelled when its submit ends`() {
        let rig = rig(1)
        rig.handle(.commanded(cancel(1)))
        #expect(rig.store.commands.isEmpty)
        rig.land(.accepted(.queued("r1")))
        #expect(rig.cancels.count == 1)
        rig.confirmCancel(1)
        #expect(rig.store.commands == [CommandID(1): .cancelled])
        rig.expectSound()
    }

    @Test func `a cancelled task that returns unsent is withdrawn`() {
        let rig = rig(1)
        rig.handle(.commanded(cancel(1)))
        rig.land(.throttled(.status(429, "rate_limit_exceeded"), .rate))
        #expect(rig.store.commands == [CommandID(1): .withdrawn])
        rig.advance(by: .seconds(60))
        #expect(rig.sent.count == 1 && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `an uncertain task to be cancelled is not resubmitted if it is not found`() {
        let rig = rig(1)
        rig.land(.timedOut)
        rig.handle(.commanded(cancel(1)))
        rig.advance(by: .seconds(5))
        rig.answer(.notFound(.notFound))
        #expect(rig.store.commands == [CommandID(1): .uncertain])
        #expect(rig.sent.count == 1 && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a finished task is not changed by a cancel`() {
        let rig = rig(2)
        rig.land(.accepted(.completed("r1")))
        rig.handle(.commanded(cancel(1)))
        #expect(rig.store.commands == [CommandID(1): .completed])
        rig.save(1)
        rig.handle(.commanded(cancel(1, command: 2)))
        #expect(rig.store.commands[CommandID(2)] == .alreadyOver)
        #expect(rig.stage(1) == .completed(RemoteTaskID("r1")))
        rig.expectSound()
    }

    @Test func `a failed task is retried in the same run`() {
        let rig = rig(2)
        rig.land(.accepted(.failed("r1", cost: 0)))
        rig.handle(.commanded(retry(1)))
        #expect(rig.store.commands == [CommandID(1): .requeued])
        rig.land(.accepted(.completed("r2")), 2)
        rig.save(2)
        #expect(rig.sent.last == AttemptID(task: TaskID(1), number: 2))
        rig.expectSound()
    }

    @Test func `a retry of an open or outdated attempt changes nothing`() {
        let rig = rig(1)
        rig.land(.accepted(.queued("r1")))
        rig.handle(.commanded(retry(1)))
        #expect(rig.store.commands == [CommandID(1): .refused])
        rig.advance(by: .seconds(2))
        rig.handle(.commanded(retry(1, command: 2, attempt: 7)))
        #expect(rig.store.commands[CommandID(2)] == .refused)
        #expect(rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a retry rule does not apply to a task that the user cancelled`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.retries = 3 })
        rig.handle(.commanded(cancel(1)))
        rig.land(.accepted(.failed("r1", cost: 0)))
        #expect(rig.store.commands == [CommandID(1): .failed])
        #expect(rig.sent.count == 1 && rig.stage(1) == .failed)
        rig.expectSound()
    }

    @Test func `commands of the last run are carried out before anything is sent`() {
        var store = StoreModel()
        for id in 1...2 { store.add(SchedulerHarness.task(Int64(id))) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 2 }, store: store)
        rig.start(commands: [cancel(1)])
        #expect(rig.sent.map(\.task.rawValue) == [2])
        #expect(rig.store.commands == [CommandID(1): .withdrawn])
        rig.expectSound()
    }

    @Test func `a retry alone gives a run work`() {
        let rig = SchedulerHarness(store: SchedulerHarness.leftBehind(.failed, reserved: nil))
        rig.start(commands: [retry(1)])
        #expect(rig.sent == [AttemptID(task: TaskID(1), number: 2)])
        #expect(rig.ending == nil)
        rig.expectSound()
    }
}
