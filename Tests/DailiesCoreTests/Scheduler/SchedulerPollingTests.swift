import Testing

@testable import DailiesCore

@Suite struct SchedulerPollingTests {
    /// Polls a rendering task and returns the poll times, in seconds since the submit.
    private func polls(_ rig: SchedulerHarness, from start: Instant, until end: Duration) -> [Double] {
        while let next = rig.nextWake, next - start <= end, rig.ending == nil {
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.found(.running("r1"))) }
        }
        return rig.askedAfter(.poll, since: start)
    }

    private var documented: [Double] {
        stride(from: 2.0, through: 90, by: 2) + stride(from: 95.0, through: 240, by: 5)
            + stride(from: 250.0, through: 300, by: 10)
    }

    @Test func `polls follow the documented grid, counted from the submit`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        #expect(polls(rig, from: start, until: .seconds(300)) == documented)
        rig.expectSound()
    }

    @Test func `a slow acceptance does not move polls`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        rig.advance(by: .milliseconds(7_300))
        rig.land(.accepted(.queued("r1")))
        #expect(polls(rig, from: start, until: .seconds(300)) == documented.filter { $0 > 7.3 })
        rig.expectSound()
    }

    @Test func `after a restart the polls follow the same grid`() {
        let start = Instant(milliseconds: 1_000_000)
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: false), submittedAt: start)
        let rig = SchedulerHarness(store: store, at: start + .milliseconds(33_500))
        rig.start()
        #expect(polls(rig, from: start, until: .seconds(300)) == documented.filter { $0 > 33.5 })
        rig.expectSound()
    }

    @Test func `a restart after the window polls immediately`() {
        let start = Instant(milliseconds: 1_000_000)
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true), submittedAt: start)
        let rig = SchedulerHarness(store: store, at: start + .seconds(241))
        rig.start()
        #expect(rig.questions.map(\.purpose) == [.poll])
        rig.expectSound()
    }

    @Test func `at another speed the grid shrinks`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerSettings().divided(bySpeed: 60))
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        let asked = polls(rig, from: start, until: .milliseconds(5_010)).map { ($0 * 60 * 1000).rounded() / 1000 }
        #expect(asked == documented)
        rig.expectSound()
    }

    @Test func `a reply of queued after running is ignored and reported once`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.running("r1")))
        for _ in 0..<3 {
            rig.advance(by: .seconds(2))
            rig.answer(.found(.queued("r1")))
            #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        }
        let key = SchedulerHarness.task(1).key
        let message = "\(key): the provider reported queued after running; keeping running"
        #expect(rig.reported.filter { if case .warning = $0 { true } else { false } } == [.warning(message)])
        rig.expectSound()
    }

    @Test func `a reply of running or failed after completion is ignored and reported once`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.running("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: nil, url: nil)))
        for back in [RemoteTask.running("r1"), .failed("r1")] {
            rig.serveNextWake()
            rig.answer(.found(back))
        }
        let key = SchedulerHarness.task(1).key
        let message = "\(key): the provider reported running after completed; keeping completed"
        #expect(rig.reported.filter { if case .warning = $0 { true } else { false } } == [.warning(message)])
        rig.serveNextWake()
        rig.answer(.found(.completed("r1")))
        rig.save(1)
        #expect(rig.ending != nil)
        rig.expectSound()
    }

    @Test func `after hours of suspend each task is polled once immediately, then on schedule`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        rig.land(.accepted(.running("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running("r1")))
        // The clock includes suspend; no timer fired in the meantime.
        rig.advance(by: .seconds(200))
        #expect(rig.questions.count == 1)
        rig.answer(.found(.running("r1")))
        #expect(rig.nextWake == start + .seconds(205))
        rig.advance(by: .seconds(7200))
        #expect(rig.questions.count == 1)
        rig.answer(.found(.completed("r1")))
        rig.save(1)
        #expect(rig.ending != nil && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `an unknown state is reported once, and its task is polled slowly`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        while rig.now - start < .seconds(40) {
            rig.serveNextWake()
            while !rig.questions.isEmpty {
                rig.answer(.found(RemoteTask(phase: .unknown("paused"), remoteID: RemoteTaskID("r1"))))
            }
        }
        #expect(rig.askedAfter(.poll, since: start) == [2, 12, 22, 32, 42])
        let warnings = rig.reported.count { if case .warning = $0 { true } else { false } }
        #expect(warnings == 1)
        rig.expectSound()
    }

    @Test func `a failing query is repeated later and fails nothing`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.fault(.status(500)))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        rig.advance(by: .seconds(2))
        #expect(rig.questions.count == 1)
        rig.expectSound()
    }

    @Test func `past the poll window the slot is released, and the run ends early if only such tasks remain`() {
        let settings = SchedulerHarness.settings {
            $0.concurrency = 1
            $0.pollWindow = .seconds(20)
        }
        let rig = SchedulerHarness.with(2, settings: settings)
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        while rig.submits.isEmpty {
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.found(.running("r1"))) }
        }
        #expect(rig.now - start == .seconds(20) && rig.sent.last?.task == TaskID(2))
        rig.land(.refused(.status(400)))
        #expect(rig.ending?.isWorkOutstanding == true && rig.ending?.uncertain == 0)
        #expect(rig.steps.count { $0 == .unresolved(AttemptID(task: TaskID(1), number: 1)) } == 1)
        rig.expectSound()
    }

    @Test func `a task past its poll window when a run resumes it is logged once`() {
        let settings = SchedulerHarness.settings { $0.pollWindow = .seconds(20) }
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true))
        let rig = SchedulerHarness(settings: settings, store: store, at: Instant(milliseconds: 1_100_000))
        rig.start()
        rig.answer(.found(.running("r1")), 1)
        #expect(rig.steps.count { $0 == .unresolved(AttemptID(task: TaskID(1), number: 1)) } == 1)
        #expect(rig.reported.contains(.unresolved(SchedulerHarness.name(1))))
        #expect(rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    @Test func `past the poll window a task is polled every minute while others continue`() {
        let settings = SchedulerHarness.settings { $0.pollWindow = .seconds(20) }
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true))
        var both = store
        both.addLeftBehind(
            .accepted(RemoteTaskID("r2"), isRunning: true), id: 2, submittedAt: Instant(milliseconds: 1_100_000))
        let rig = SchedulerHarness(settings: settings, store: both, at: Instant(milliseconds: 1_100_000))
        rig.start()
        rig.answer(.found(.running("r1")), 1)
        rig.advance(by: .seconds(15))
        #expect(rig.ending == nil)
        while !rig.questions.isEmpty { rig.answer(.found(.running("r2")), 2) }
        rig.expectSound()
    }

    @Test func `replies about another task also move a task past its window`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.pollWindow = .seconds(60) })
        rig.land(.accepted(.queued("r1")))
        var rounds = 0
        while rig.ending == nil, rounds < 200 {
            rounds += 1
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.found(.completed("r7"))) }
        }
        #expect(rig.ending?.isWorkOutstanding == true && rig.attempt(1)?.isSettled == false)
        rig.expectSound()
    }

    // MARK: Lost tasks

    @Test func `a task that is not found for ten minutes is lost and never resubmitted`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r1")))
        let start = rig.now
        while rig.ending == nil {
            rig.serveNextWake()
            while !rig.questions.isEmpty { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.now - start >= .seconds(600) && rig.now - start < .seconds(620))
        #expect(rig.ending?.uncertain == 1 && rig.attempt(1)?.lostAt != nil && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a task found again within ten minutes is not lost`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.notFound(.notFound))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.running("r1")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        rig.expectSound()
    }

    @Test func `an answer delayed for hours does not make a task lost`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.notFound(.notFound))
        rig.advance(by: .seconds(2))
        rig.advance(by: .seconds(1200))
        rig.answer(.notFound(.notFound))
        #expect(rig.attempt(1)?.lostAt == nil && rig.ending == nil)
        rig.expectSound()
    }

    @Test func `a task that is not found long after its window is followed until it is lost`() {
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true))
        let rig = SchedulerHarness(store: store, at: Instant(milliseconds: 1_000_000) + .seconds(86_400))
        rig.start()
        while rig.ending == nil {
            while !rig.questions.isEmpty { rig.answer(.notFound(.notFound)) }
            if rig.ending == nil { rig.serveNextWake() }
        }
        #expect(rig.ending?.uncertain == 1 && rig.attempt(1)?.lostAt != nil)
        rig.expectSound()
    }

    @Test func `the next run queries a lost task once and resumes it if it is found`() {
        let lostAt = Instant(milliseconds: 1_500_000)
        let store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true)) { $0.lostAt = lostAt }
        let still = SchedulerHarness(store: store, at: lostAt + .seconds(5))
        still.start()
        still.answer(.notFound(.notFound))
        #expect(still.ending?.uncertain == 1)
        still.expectSound()

        let found = SchedulerHarness(store: store, at: lostAt + .seconds(5))
        found.start()
        found.answer(.found(.running("r1")))
        #expect(found.attempt(1)?.lostAt == nil && found.scheduler.tally.inFlight == 1)
        found.advance(by: .seconds(10))
        found.answer(.found(.completed("r1")))
        found.save()
        #expect(found.ending == RunResult())
        found.expectSound()
    }

    // MARK: Retries

    @Test func `a free failure opens the next attempt within the user's limit`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.retries = 2 })
        for number in 1...3 {
            #expect(rig.submits.map(\.attempt) == [AttemptID(task: TaskID(1), number: number)])
            rig.land(.accepted(.queued("r\(number)")))
            rig.advance(by: .seconds(2))
            rig.answer(.found(.failed("r\(number)")))
        }
        #expect(rig.ending == RunResult() && rig.stage(1, attempt: 3) == .failed)
        rig.expectSound()
    }

    @Test func `a policy failure, a billed failure, a cancellation and a refusal open no attempt`() {
        let reports: [RemoteTask] = [
            .failed("r1", code: "content_policy_violation"), .failed("r1", cost: 1), .cancelled("r1"),
        ]
        for report in reports {
            let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.retries = 2 })
            rig.land(.accepted(.queued("r1")))
            rig.advance(by: .seconds(2))
            rig.answer(.found(report))
            if report.phase == .cancelled { rig.confirmCancelled(1) }
            #expect(rig.sent.count == 1 && rig.ending == RunResult())
            rig.expectSound()
        }
        let refused = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.retries = 2 })
        refused.land(.refused(.status(422)))
        #expect(refused.sent.count == 1 && refused.ending == RunResult())
        refused.expectSound()
    }

    @Test func `a task cancelled while running has an unknown cost, and one that never ran costs nothing`() {
        for (phase, charge) in [(RemoteTask.queued("r1"), Credits?.some(.zero)), (.running("r1"), nil)] {
            let rig = SchedulerHarness.with(1, cap: 10)
            rig.land(.accepted(.queued("r1")))
            rig.advance(by: .seconds(2))
            rig.answer(.found(phase))
            rig.advance(by: .seconds(2))
            rig.answer(.found(.cancelled("r1")))
            rig.confirmCancelled(1)
            #expect(rig.stage(1) == .cancelled && rig.attempt(1)?.charge == charge)
            #expect((rig.attempt(1)?.reserved == nil) == (charge != nil))
            rig.expectSound()
        }
    }
}

private func + (a: StrideThrough<Double>, b: StrideThrough<Double>) -> [Double] { Array(a) + Array(b) }
private func + (a: [Double], b: StrideThrough<Double>) -> [Double] { a + Array(b) }
