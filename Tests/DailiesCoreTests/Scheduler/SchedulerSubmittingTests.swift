import Testing

@testable import DailiesCore

@Suite struct SchedulerSubmittingTests {
    @Test func `a clip is submitted, polled, booked and downloaded, and the run ends`() {
        let rig = SchedulerHarness.with(1)
        #expect(rig.sent.count == 1 && rig.stage(1) == .submitting)
        rig.land(.accepted(.queued()))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running()))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed()))
        #expect(rig.downloads.count == 1 && rig.ending == nil)
        rig.save()
        #expect(rig.ending == RunResult())
        #expect(rig.attempt(1)?.path != nil && rig.attempt(1)?.charge == Credits(nano: 1_000_000_000))
        rig.expectSound()
    }

    @Test func `clips left at the provider end the run without a download`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.downloads = false })
        rig.land(.accepted(.queued()))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed()))
        #expect(rig.downloads.isEmpty && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a run with no waiting and no open tasks ends immediately`() {
        let rig = SchedulerHarness.with(0)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `the slots are filled, and a released slot is filled again`() {
        let rig = SchedulerHarness.with(8, settings: SchedulerHarness.settings { $0.concurrency = 3 })
        #expect(rig.submits.count == 3)
        for id in 1...3 { rig.land(.accepted(.queued("r\(id)")), Int64(id)) }
        #expect(rig.submits.isEmpty && rig.scheduler.tally.inFlight == 3)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r2")), 2)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(4)])
        rig.expectSound()
    }

    @Test func `waiting tasks are read in pages, and every one is sent once`() {
        let settings = SchedulerHarness.settings {
            $0.concurrency = 2
            $0.pageSize = 4
        }
        let rig = SchedulerHarness.with(23, settings: settings)
        var rounds = 0
        while rig.ending == nil, rounds < 500 {
            rounds += 1
            if let id = rig.submits.first?.attempt.task.rawValue {
                rig.land(.accepted(.completed("r\(id)")), id)
            } else if let id = rig.downloads.first?.attempt.task.rawValue {
                rig.save(id)
            }
        }
        #expect(rig.sent.map(\.task.rawValue) == Array(1...23))
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a page read before a submit ended does not bring its task back`() {
        let settings = SchedulerHarness.settings {
            $0.retries = 1
            $0.concurrency = 1
        }
        let rig = SchedulerHarness.with(3, settings: settings)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.holdsLoads = true
        // The failed task is retried: its queue is read again, while 2 is sent from memory and refused.
        rig.answer(.found(.failed("r1")))
        #expect(rig.loads.first?.page.map(\.id.rawValue) == [1, 2, 3])
        #expect(rig.submits.map(\.attempt.task.rawValue) == [2])
        rig.land(.refused(.status(400, "invalid_param")))
        rig.deliverLoad()
        rig.holdsLoads = false
        while let next = rig.submits.first {
            #expect(next.attempt.task != TaskID(2))
            rig.land(.refused(.status(400, "invalid_param")))
        }
        #expect(rig.sent.count(where: { $0.task == TaskID(2) }) == 1)
        rig.expectSound()
    }

    @Test func `higher priorities go first, and batches take turns`() {
        var store = StoreModel()
        for id in 1...4 { store.add(SchedulerHarness.task(Int64(id))) }
        for id in 5...8 { store.add(SchedulerHarness.task(Int64(id), batch: BatchID(2))) }
        store.add(SchedulerHarness.task(9, batch: BatchID(2), priority: 7))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 9 }, store: store)
        rig.start()
        #expect(rig.sent.map(\.task.rawValue) == [9, 1, 2, 5, 3, 6, 4, 7, 8])
        rig.expectSound()
    }

    @Test func `an echo proves that keys are honored, and the slots fill`() {
        let rig = SchedulerHarness.with(5, trust: .unknown)
        #expect(rig.submits.count == 1)
        rig.land(.accepted(.queued(echo: "key-1#1")))
        #expect(rig.store.trust[SchedulerHarness.account] == .honored)
        #expect(rig.questions.isEmpty && rig.submits.count == 4)
        rig.expectSound()
    }

    @Test func `without an echo the key is queried once, and one submit is in flight until that is known`() {
        let rig = SchedulerHarness.with(5, trust: .unknown)
        rig.land(.accepted(.queued("r1")))
        #expect(rig.submits.isEmpty && rig.questions.map(\.purpose) == [.verifyKeySupport])
        rig.answer(.found(.queued("r1")))
        #expect(rig.store.trust[SchedulerHarness.account] == .honored && rig.submits.count == 4)
        rig.expectSound()
    }

    @Test func `keys are not honored if the query finds nothing or another task`() {
        for reply in [QueryResult.notFound(.notFound), .found(.queued("someone-else"))] {
            let rig = SchedulerHarness.with(5, trust: .unknown)
            rig.land(.accepted(.queued("r1")))
            rig.answer(reply)
            #expect(rig.store.trust[SchedulerHarness.account] == .ignored)
            #expect(rig.submits.count == 1)
            rig.expectSound()
        }
    }

    @Test func `an unanswered query of the key is repeated at the next acceptance`() {
        let rig = SchedulerHarness.with(3, trust: .unknown)
        rig.land(.accepted(.queued("r1")))
        rig.answer(.fault(.timeout))
        #expect(rig.store.trust[SchedulerHarness.account] == .unknown && rig.submits.count == 1)
        rig.land(.accepted(.queued("r2")))
        #expect(rig.questions.map(\.purpose) == [.verifyKeySupport])
        rig.expectSound()
    }

    @Test func `a refused submit fails its task free of charge`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.refused(.status(400, "invalid_param")))
        #expect(rig.stage(1) == .failed && rig.attempt(1)?.charge == .zero)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a submit that was never sent waits again under the same number and backs off`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.notAccepted(.refusedConnection))
        #expect(rig.stage(1) == .notAccepted && rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.submits.map(\.attempt) == [AttemptID(task: TaskID(1), number: 1)])
        rig.land(.accepted(.queued()))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        rig.expectSound()
    }

    @Test func `submits that are never sent while queries succeed end after the maximum wait`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.land(.accepted(.queued("r1")), 1)
        var submits = 0
        while rig.ending == nil, submits < 1000 {
            if rig.submits.isEmpty {
                if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(.found(.running("r1"))) }
            } else {
                submits += 1
                rig.land(.notAccepted(.refusedConnection))
            }
            if rig.scheduler.run.isSubmissionOver, !rig.questions.isEmpty { rig.answer(.found(.failed("r1"))) }
        }
        #expect(submits < 100)
        #expect(rig.ending?.isWorkOutstanding == true && rig.ending?.uncertain == 0)
        rig.expectSound()
    }

    @Test func `a render that existed before the submit is booked as replayed, also if it completes later`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.running().made(10, before: rig.now)))
        #expect(rig.attempt(1)?.isReplayed == true)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed()))
        let settlements = rig.steps.compactMap { step in
            if case .settled(_, let settlement) = step { settlement } else { nil }
        }
        #expect(settlements.map(\.isReplayed) == [true])
        rig.save()
        rig.expectSound()
    }

    @Test func `another batch's failed render is not retried by a run that does not submit for it`() {
        var store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true))
        store.add(SchedulerHarness.task(2))
        store.add(SchedulerHarness.task(3, batch: BatchID(2)))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.retries = 3 }, store: store)
        rig.start(scope: [BatchID(2)])
        rig.land(.refused(.status(400)))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed()))
        #expect(rig.sent.map(\.task.rawValue) == [3] && rig.stage(1) == .failed)
        #expect(rig.ending?.isWorkOutstanding == false)
        rig.expectSound()
    }
}
