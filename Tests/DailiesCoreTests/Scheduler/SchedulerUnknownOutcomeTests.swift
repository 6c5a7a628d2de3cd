import Testing

@testable import DailiesCore

@Suite struct SchedulerUnknownOutcomeTests {
    private let first = AttemptID(task: TaskID(1), number: 1)

    @Test func `an unknown outcome is queried by key, and with honored keys the same bytes are resubmitted`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.timedOut)
        #expect(rig.stage(1) == .uncertain && rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.questions.map(\.purpose) == [.resolveSubmission])
        rig.answer(.notFound(.notFound))
        #expect(rig.submits.map(\.attempt) == [first] && rig.attempt(1)?.repeats == 1)
        rig.land(.accepted(.running()))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        #expect(rig.attempt(1)?.isReplayed == false)
        rig.expectSound()
    }

    @Test func `a task found by its key is resumed and proves that keys are honored`() {
        let rig = SchedulerHarness.with(2, trust: .ignored)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        rig.answer(.found(.queued()), 1)
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        #expect(rig.store.trust[SchedulerHarness.account] == .honored)
        rig.expectSound()
    }

    @Test func `a reply that names another submission is ignored, and the outcome is queried by key`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r9", echo: "another-submission")))
        #expect(rig.stage(1) == .uncertain && rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.questions.map(\.purpose) == [.resolveSubmission])
        rig.answer(.found(.queued("r1")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        rig.expectSound()
    }

    @Test func `an acceptance of another submission does not permit a resubmission, in the next run either`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r9", echo: "another-submission")))
        rig.advance(by: .seconds(1))
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.count == 1 && rig.stage(1) == .uncertain && rig.ending?.uncertain == 1)
        rig.expectSound()
        let next = SchedulerHarness(store: rig.store, at: rig.now)
        next.start()
        next.advance(by: .seconds(1))
        next.answer(.notFound(.notFound))
        #expect(next.sent.isEmpty && next.stage(1) == .uncertain && next.ending?.uncertain == 1)
        next.expectSound()
    }

    @Test func `a repeatedly lost submit is sent five times in a run`() {
        let rig = SchedulerHarness.with(1)
        for _ in 0..<20 where rig.ending == nil {
            if !rig.submits.isEmpty { rig.land(.timedOut) }
            rig.advance(by: .seconds(60))
            if rig.questions.contains(where: { $0.purpose == .resolveSubmission }) { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.sent.count == SchedulerSettings.maximumSends)
        #expect(rig.stage(1) == .uncertain && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a submit of unknown outcome is never resent if keys are not honored`() {
        let rig = SchedulerHarness.with(1, trust: .ignored)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.count == 1 && rig.stage(1) == .uncertain)
        #expect(rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `five uncertain tasks pause submission, and the run ends when the others have settled`() {
        let rig = SchedulerHarness.with(9, trust: .ignored)
        rig.land(.accepted(.queued("r1")), 1)
        for id in 2...6 {
            rig.land(.timedOut, Int64(id))
            rig.advance(by: .seconds(1))
            if id == 6 {
                // Attempts being resolved count: a sixth is not risked while four are uncertain and one may become so.
                #expect(rig.sent.count == 6)
            }
            rig.answer(.notFound(.notFound), Int64(id), .resolveSubmission)
        }
        #expect(rig.sent.count == 6 && rig.ending == nil)
        rig.answer(.found(.completed("r1")), 1, .poll)
        rig.save(1)
        #expect(rig.sent.count == 6)
        #expect(rig.ending?.uncertain == 5 && rig.ending?.isWorkOutstanding == true)
        #expect(rig.reported.contains(.paused(.uncertainTasks, detail: "5 tasks are uncertain", until: nil)))
        rig.expectSound()
    }

    @Test func `a conflict is queried and never resubmitted`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.unknown(.status(409, "duplicate_out_task_id"), isFreeByContract: false))
        rig.advance(by: .seconds(1))
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.count == 1 && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a conflict whose key is found is resumed`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.unknown(.status(409), isFreeByContract: false))
        rig.advance(by: .seconds(1))
        rig.answer(.found(.running()))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        rig.expectSound()
    }

    /// One unknown outcome, its key not found, one resubmission in flight.
    private func repeating(_ settings: SchedulerSettings = SchedulerSettings(), tasks: Int64 = 1) -> SchedulerHarness {
        let rig = SchedulerHarness.with(tasks, settings: settings)
        rig.land(.timedOut, 1)
        rig.advance(by: .seconds(1))
        rig.answer(.notFound(.notFound), 1)
        #expect(rig.submits.contains { $0.attempt == first })
        return rig
    }

    @Test func `a refused resubmission proves nothing about the send before it, so the key is queried first`() {
        // A provider may need a while before it finds a task that it just accepted.
        let lost = repeating()
        let start = lost.now
        lost.land(.refused(.status(400, "invalid_param")))
        #expect(lost.stage(1) == .uncertain)
        while lost.ending == nil {
            if lost.questions.isEmpty { lost.serveNextWake() } else { lost.answer(.notFound(.notFound)) }
        }
        #expect(lost.stage(1) == .failed && lost.ending == RunResult() && lost.sent.count == 2)
        #expect(lost.now - start >= .seconds(600) && lost.now - start < .seconds(700))
        lost.expectSound()

        // An answer delayed for hours counts as of the time of its query.
        let late = repeating()
        late.land(.refused(.status(400, "invalid_param")))
        late.advance(by: .seconds(2))
        late.advance(by: .seconds(4 * 3600))
        late.answer(.notFound(.notFound))
        #expect(late.stage(1) == .uncertain && late.ending == nil)
        while late.questions.isEmpty { late.serveNextWake() }
        late.answer(.found(.running()))
        #expect(late.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        late.expectSound()

        let found = repeating()
        found.land(.refused(.status(400, "invalid_param")))
        found.advance(by: .seconds(2))
        found.answer(.found(.running()))
        #expect(found.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        found.expectSound()
    }

    @Test func `a resubmission that was never sent leaves the outcome unknown`() {
        let rig = repeating()
        rig.land(.notAccepted(.refusedConnection))
        #expect(rig.stage(1) == .uncertain && rig.submits.isEmpty)
        rig.advance(by: .seconds(2))
        #expect(rig.questions.map(\.purpose) == [.resolveSubmission])
        rig.expectSound()
    }

    @Test func `a throttled resubmission waits until the time that the provider states`() {
        let rig = repeating()
        let start = rig.now
        rig.land(.throttled(.status(429, retryAfter: .seconds(120)), .rate))
        while rig.submits.isEmpty, rig.now - start < .seconds(600) {
            rig.serveNextWake()
            if !rig.questions.isEmpty { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.now - start >= .seconds(120) && rig.submits.map(\.attempt) == [first])
        rig.expectSound()
    }

    @Test func `without funds a resubmission is the one try after everything has settled`() {
        let rig = repeating(tasks: 2)
        rig.land(.accepted(.queued("r2")), 2)
        rig.land(.noFunds, 1)
        for _ in 0..<20 {
            rig.serveNextWake()
            while let question = rig.questions.first {
                rig.answer(question.purpose == .resolveSubmission ? .notFound(.notFound) : .found(.running("r2")))
            }
        }
        #expect(rig.submits.isEmpty)
        while rig.questions.first?.purpose != .poll { rig.serveNextWake() }
        rig.answer(.found(.completed("r2")), 2)
        rig.save(2)
        var rounds = 0
        while rig.submits.isEmpty, rounds < 20 {
            rounds += 1
            rig.serveNextWake()
            if !rig.questions.isEmpty { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.submits.map(\.attempt) == [first])
        rig.land(.noFunds)
        while rig.ending == nil, rounds < 60 {
            rounds += 1
            rig.serveNextWake()
            if !rig.questions.isEmpty { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.ending?.accountRefused == true && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a resubmission without access to its model stays uncertain`() {
        let rig = repeating()
        rig.land(.stopped(.status(403, "model_not_in_group"), .modelNotInGroup))
        rig.advance(by: .seconds(4))
        rig.answer(.notFound(.notFound))
        #expect(rig.ending?.uncertain == 1 && rig.ending?.accountRefused == true && rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `resubmissions that never get through end after the maximum wait and leave the task uncertain`() {
        let rig = repeating()
        var rounds = 0
        while rig.ending == nil, rounds < 1000 {
            rounds += 1
            if !rig.submits.isEmpty {
                rig.land(.timedOut)
            } else if !rig.questions.isEmpty {
                rig.answer(.notFound(.notFound))
            } else {
                rig.serveNextWake()
            }
        }
        #expect(rounds < 200 && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a server error that is free by contract is resubmitted without a query only if it is trusted`() {
        let trusting = SchedulerHarness.with(
            1, settings: SchedulerHarness.settings { $0.trustsServerErrors = true }, trust: .ignored)
        trusting.land(.freeServerError)
        trusting.advance(by: .seconds(1))
        #expect(trusting.questions.isEmpty && trusting.submits.map(\.attempt) == [first])
        trusting.land(.timedOut)
        trusting.advance(by: .seconds(2))
        trusting.answer(.notFound(.notFound))
        #expect(trusting.ending?.uncertain == 1)
        trusting.expectSound()

        let wary = SchedulerHarness.with(1, trust: .ignored)
        wary.land(.freeServerError)
        wary.advance(by: .seconds(1))
        wary.answer(.notFound(.notFound))
        #expect(wary.ending?.uncertain == 1 && wary.sent.count == 1)
        wary.expectSound()
    }

    @Test func `a reply by key about another task is ignored`() {
        let other = SubmissionKey("key-of-someone-else")
        let reports = [
            RemoteTask(phase: .running, remoteID: RemoteTaskID("r9"), submissionKey: other), .running("r2"),
        ]
        for report in reports {
            let rig = SchedulerHarness.with(2)
            rig.land(.accepted(.queued("r2")), 2)
            rig.land(.timedOut, 1)
            rig.advance(by: .seconds(1))
            rig.answer(.found(report), 1, .resolveSubmission)
            #expect(rig.stage(1) == .uncertain && rig.scheduler.tally.uncertain == 1)
            rig.expectSound()
        }
    }

    @Test func `a reply by key without a task ID is queried again`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        rig.answer(.found(RemoteTask(phase: .running)))
        #expect(rig.stage(1) == .uncertain)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running()))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        rig.expectSound()
    }

    @Test func `an answer after the stop causes no resubmission`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        rig.handle(.stopRequested)
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.count == 1)
        #expect(rig.ending?.isInterrupted == true && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `keys proven for one dialect do not permit resubmitting bytes of another`() {
        var store = SchedulerHarness.leftBehind(.uncertain, dialect: .params)
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(store: store)
        rig.start()
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.isEmpty && rig.ending?.uncertain == 1)
        rig.expectSound()

        var unproven = SchedulerHarness.leftBehind(.uncertain, dialect: .params)
        unproven.trust[SchedulerHarness.account] = .unknown
        let other = SchedulerHarness(store: unproven)
        other.start()
        other.answer(.found(.running()))
        #expect(other.store.trust[SchedulerHarness.account] == .unknown)
        other.expectSound()
    }
}
