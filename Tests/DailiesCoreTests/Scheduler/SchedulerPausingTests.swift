import Testing

@testable import DailiesCore

@Suite struct SchedulerPausingTests {
    // MARK: Throttling

    @Test func `the run waits for an empty rate bucket as long as the reply says`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        let start = rig.now
        rig.land(.throttled(.status(429, retryAfter: .seconds(300)), .rate))
        #expect(rig.stage(1) == .notAccepted && rig.submits.isEmpty)
        rig.advance(by: .seconds(299))
        #expect(rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.submits.map(\.attempt.task) == [TaskID(1)] && rig.now - start == .seconds(300))
        #expect(rig.reported.contains(.resumed))
        rig.expectSound()
    }

    @Test func `a reset without delay still waits for a second`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.throttled(.status(429, retryAfter: .zero), .rate))
        #expect(rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.submits.count == 1)
        rig.expectSound()
    }

    @Test func `a reset beyond the maximum wait ends submission, and tasks in flight continue`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.throttled(.status(429, retryAfter: .seconds(3600)), .rate), 2)
        #expect(rig.submits.isEmpty && rig.ending == nil)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")))
        #expect(rig.ending?.isWorkOutstanding == true && rig.ending?.accountRefused == false)
        #expect(rig.ending?.reasons == ["the provider's rate limit does not reset for 60 min"])
        rig.expectSound()
    }

    @Test func `throttling without a reset backs off and ends eventually`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        while rig.ending == nil, rig.sent.count < 1000 {
            if rig.submits.isEmpty { rig.serveNextWake() } else { rig.land(.throttled(.status(429), .rate)) }
        }
        #expect(rig.sent.count < 60)
        #expect(rig.now - start >= .seconds(900) && rig.now - start < .seconds(1000))
        #expect(rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    @Test func `a concurrency refusal lowers the limit to the number in flight, and one more is tried later`() {
        let rig = SchedulerHarness.with(9, settings: SchedulerHarness.settings { $0.concurrency = 4 })
        for id in 1...3 { rig.land(.accepted(.queued("r\(id)")), Int64(id)) }
        rig.land(.throttled(.status(429, "concurrency_limit"), .concurrency), 4)
        #expect(rig.scheduler.concurrencyLimit == 3)
        let start = rig.now
        while rig.submits.isEmpty, rig.now - start < .seconds(60) {
            rig.serveNextWake()
            while let question = rig.questions.first {
                rig.answer(.found(.running("r\(question.attempt.task)")), question.attempt.task.rawValue)
            }
        }
        #expect(rig.now - start == .seconds(30) && rig.scheduler.concurrencyLimit == 4)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(4)])
        rig.expectSound()
    }

    // MARK: Account

    @Test func `without funds submission pauses, polls continue, and one submit is tried when all has settled`() {
        let rig = SchedulerHarness.with(4, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.noFunds, 2)
        #expect(rig.stage(2) == .notAccepted && rig.submits.isEmpty)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1")), 1)
        #expect(rig.submits.isEmpty)
        rig.save(1)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(2)])
        rig.land(.noFunds)
        #expect(rig.ending?.accountRefused == true && rig.ending?.isWorkOutstanding == true)
        #expect(rig.sent.count == 3 && rig.stage(2) == .notAccepted)
        rig.expectSound()
    }

    @Test func `the run continues when funds are available again`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.land(.noFunds, 1)
        rig.land(.noFunds, 2)
        #expect(rig.submits.count == 1)
        rig.land(.accepted(.queued("r1")))
        #expect(rig.submits.count == 1 && rig.reported.contains(.resumed))
        rig.expectSound()
    }

    @Test func `a task past its poll window does not prevent the last try for funds`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.pollWindow = .seconds(10) })
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.noFunds, 2)
        while rig.submits.isEmpty, rig.now < Instant(milliseconds: 1_060_000) {
            rig.serveNextWake()
            if !rig.questions.isEmpty { rig.answer(.found(.running("r1"))) }
        }
        rig.land(.noFunds)
        #expect(rig.ending?.accountRefused == true)
        rig.expectSound()
    }

    @Test func `a refused key ends submission, and its reason is reported`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        rig.land(.stopped(.status(401, "invalid_api_key"), .keyRefused))
        #expect(rig.ending?.keyRefused == true && rig.ending?.reasons.count == 1)
        #expect(rig.stage(1) == .notAccepted)
        rig.expectSound()
    }

    @Test func `a model that the key has no access to is blocked alone`() {
        var store = StoreModel()
        for id in 1...2 { store.add(SchedulerHarness.task(Int64(id))) }
        for id in 3...4 { store.add(SchedulerHarness.task(Int64(id), model: ModelID("other"))) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 1 }, store: store)
        rig.start()
        rig.land(.stopped(.status(403, "model_not_in_group"), .modelNotInGroup), 1)
        rig.land(.refused(.status(400)), 3)
        rig.land(.refused(.status(400)), 4)
        #expect(rig.sent.map(\.task.rawValue) == [1, 3, 4])
        #expect(rig.ending?.accountRefused == true && rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    @Test func `a model without a key is skipped and reported, and the others are rendered`() {
        var store = StoreModel()
        store.add(SchedulerHarness.task(1))
        store.add(SchedulerHarness.task(2, model: ModelID("veo-3.1")))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(store: store)
        rig.start(accounts: APIKeyRouting(byPrefix: ["sora": SchedulerHarness.account]))
        rig.land(.refused(.status(400)))
        #expect(rig.sent.map(\.task.rawValue) == [1] && rig.ending?.keyRefused == true)
        rig.expectSound()
    }

    @Test func `an account that refuses queries ends the run, and the remaining work is counted`() {
        let stops: [(AccessDenial, Int)] = [(.keyRefused, 401), (.accessDenied, 403), (.noFunds, 402)]
        for (stop, status) in stops {
            let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 2 })
            rig.land(.timedOut, 2)
            rig.land(.accepted(.queued("r1")), 1)
            rig.advance(by: .seconds(2))
            rig.answer(.stopped(.status(status), stop), 1, .poll)
            while let question = rig.questions.first {
                rig.answer(.stopped(.status(status), stop), question.attempt.task.rawValue)
            }
            if !rig.submits.isEmpty { rig.land(.stopped(.status(status), stop)) }
            #expect(rig.ending?.keyRefused == (stop == .keyRefused))
            #expect(rig.ending?.accountRefused == (stop != .keyRefused))
            #expect(rig.ending?.uncertain == 1 && rig.ending?.isWorkOutstanding == true)
            rig.expectSound()
        }
    }

    // MARK: Outage

    /// Four submits that were never sent.
    private func outage(_ tasks: Int64 = 6) -> SchedulerHarness {
        let rig = SchedulerHarness.with(tasks, settings: SchedulerHarness.settings { $0.concurrency = 4 })
        for id in 1...4 { rig.land(.notAccepted(.refusedConnection), Int64(id)) }
        return rig
    }

    @Test func `after four consecutive failures only one probe at a time is sent`() {
        let rig = outage()
        #expect(rig.scheduler.outage.isOpen && rig.submits.isEmpty)
        var probes: [Instant] = []
        let start = rig.now
        while probes.count < 8 {
            if rig.submits.isEmpty {
                rig.serveNextWake()
            } else {
                #expect(rig.submits.count == 1)
                probes.append(rig.now)
                rig.land(.notAccepted(.refusedConnection))
            }
        }
        for (earlier, later) in zip([start] + probes, probes) {
            #expect(later - earlier >= .seconds(5) && later - earlier <= .seconds(125))
        }
        rig.expectSound()
    }

    @Test func `a probe of unknown outcome blocks other submits until the next probe`() {
        let rig = outage()
        while rig.submits.isEmpty { rig.serveNextWake() }
        let before = rig.now
        rig.land(.timedOut)
        #expect(rig.submits.isEmpty && rig.scheduler.tally.inFlight == 1)
        while rig.submits.isEmpty, rig.questions.isEmpty { rig.serveNextWake() }
        #expect(rig.now - before >= .seconds(5) && rig.submits.count + rig.questions.count == 1)
        rig.expectSound()
    }

    @Test func `everything resumes when an answer comes`() {
        let rig = outage()
        while rig.submits.isEmpty { rig.serveNextWake() }
        rig.land(.accepted(.queued("r1")))
        #expect(rig.submits.count == 3 && rig.reported.contains(.resumed))
        #expect(rig.steps.allSatisfy { if case .settled = $0 { false } else { true } })
        rig.expectSound()
    }

    @Test func `a waiting query is the probe, and the others follow its answer`() {
        let rig = SchedulerHarness.with(3)
        for id in 1...3 { rig.land(.accepted(.queued("r\(id)")), Int64(id)) }
        while !rig.scheduler.outage.isOpen {
            if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(.fault(.timeout)) }
        }
        while !rig.questions.isEmpty { rig.answer(.fault(.timeout)) }
        let start = rig.now
        while rig.now - start < .seconds(200) {
            rig.serveNextWake()
            #expect(rig.questions.count <= 1)
            if !rig.questions.isEmpty { rig.answer(.fault(.timeout)) }
        }
        while rig.questions.isEmpty { rig.serveNextWake() }
        rig.answer(.found(.running("r1")))
        #expect(rig.questions.isEmpty)
        rig.advance(by: .seconds(2))
        #expect(rig.questions.count == 2)
        rig.expectSound()
    }

    @Test func `an outage longer than the maximum wait ends the run without failing a task`() {
        let rig = outage()
        let start = rig.now
        while rig.ending == nil {
            if rig.submits.isEmpty { rig.serveNextWake() } else { rig.land(.notAccepted(.refusedConnection)) }
        }
        #expect(rig.now - start >= .seconds(900) && rig.now - start < .seconds(1000))
        #expect(rig.ending?.isWorkOutstanding == true && rig.ending?.uncertain == 0)
        #expect(rig.steps.allSatisfy { if case .settled = $0 { false } else { true } })
        rig.expectSound()
    }

    @Test func `an outage makes only the tasks in flight and one per probe uncertain`() {
        let rig = SchedulerHarness.with(30, settings: SchedulerHarness.settings { $0.concurrency = 20 })
        for id in 1...4 { rig.land(.timedOut, Int64(id)) }
        #expect(rig.scheduler.outage.isOpen)
        let before = rig.sent.count
        rig.advance(by: .seconds(3))
        #expect(rig.sent.count == before)
        rig.expectSound()
    }

    // MARK: User

    @Test func `after a stop nothing new is sent, and the run ends when requests in flight have ended`() {
        let rig = SchedulerHarness.with(5, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.land(.accepted(.queued("r1")), 1)
        rig.advance(by: .seconds(2))
        rig.handle(.stopRequested)
        #expect(rig.ending == nil)
        rig.land(.accepted(.queued("r2")), 2)
        #expect(rig.ending == nil && rig.stage(2) == .accepted(RemoteTaskID("r2"), isRunning: false))
        rig.answer(.found(.completed("r1")), 1)
        #expect(rig.ending?.isInterrupted == true && rig.ending?.isWorkOutstanding == true)
        #expect(rig.sent.count == 2 && rig.downloads.isEmpty && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a stop before anything is in flight ends the run immediately, also before the start`() {
        let early = SchedulerHarness()
        early.scheduler.run.stop()
        early.start()
        #expect(early.ending != nil)
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        rig.land(.accepted(.queued()))
        rig.handle(.stopRequested)
        #expect(rig.ending?.isInterrupted == true)
        rig.expectSound()
    }

    @Test func `a higher limit fills more slots immediately, and a lower one waits for slots to be released`() {
        let rig = SchedulerHarness.with(9, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 4)))
        #expect(rig.submits.count == 4)
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 1)))
        for id in 1...3 { rig.land(.refused(.status(400)), Int64(id)) }
        #expect(rig.submits.count == 1)
        rig.land(.refused(.status(400)), 4)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(5)])
        rig.expectSound()
    }
}
