import Testing

@testable import DailiesCore

/// Model limits, the submit rate, pauses by the user, and resubmissions that need a slot.
@Suite struct SchedulerLimitsTests {
    private let veo = ModelID("veo-3.1")
    private let sora = SchedulerHarness.model

    /// Tasks 1, 3, 5 … of one model and 2, 4, 6 … of the other, alternating.
    private func mixed(_ count: Int64, settings: SchedulerSettings) -> SchedulerHarness {
        var store = StoreModel()
        for id in 1...count { store.add(SchedulerHarness.task(id, model: id % 2 == 1 ? veo : sora)) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start()
        return rig
    }

    private func ids(_ rig: SchedulerHarness) -> [Int64] { rig.sent.map(\.task.rawValue) }

    @Test func `a full model does not block others and continues when one of its tasks ends`() {
        let rig = mixed(
            10,
            settings: SchedulerHarness.settings {
                $0.concurrency = 4
                $0.modelConcurrency[veo] = 1
            })
        #expect(ids(rig) == [1, 2, 4, 6])
        rig.land(.refused(.status(400)), 4)
        #expect(ids(rig) == [1, 2, 4, 6, 8])
        rig.land(.refused(.status(400)), 1)
        #expect(ids(rig) == [1, 2, 4, 6, 8, 3])
        rig.expectSound()
    }

    @Test func `a model's limit may change during a run, and lowering it cancels nothing`() {
        let rig = mixed(12, settings: SchedulerHarness.settings { $0.concurrency = 4 })
        #expect(ids(rig) == [1, 2, 3, 4])
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 6, byModel: [veo: 1])))
        #expect(ids(rig) == [1, 2, 3, 4, 6, 8])
        rig.land(.refused(.status(400)), 1)
        #expect(ids(rig) == [1, 2, 3, 4, 6, 8, 10])
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 7)))
        #expect(ids(rig) == [1, 2, 3, 4, 6, 8, 10, 5])
        rig.expectSound()
    }

    @Test func `a full model's first page is not waited for`() {
        var store = StoreModel()
        store.addLeftBehind(.accepted(RemoteTaskID("r1"), isRunning: true), id: 1)
        store.add(SchedulerHarness.task(2))
        store.add(SchedulerHarness.task(3, model: veo))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.modelConcurrency[sora] = 1 }, store: store)
        rig.holdsLoads = true
        rig.start()
        #expect(rig.loads.map(\.queue.model) == [sora, veo])
        rig.loads.swapAt(0, 1)
        rig.deliverLoad()
        #expect(ids(rig) == [3])
        rig.expectSound()
    }

    // MARK: Submit rate

    @Test(arguments: [1.0, 60])
    func `a rate of two per second spaces submits by half a second at any speed`(speed: Double) {
        let settings = SchedulerHarness.settings {
            $0.concurrency = 9
            $0.submitPace = SubmitRate(interval: .milliseconds(500))
        }
        let rig = SchedulerHarness.with(6, settings: settings.divided(bySpeed: speed))
        let start = rig.now
        rig.advance(by: .seconds(4))
        #expect(rig.sentAt.map { ($0 - start).inSeconds } == [0, 0.5, 1, 1.5, 2, 2.5])
        rig.expectSound()
    }

    @Test func `unused rate slots do not accumulate`() {
        var pacer = RateLimiter(SubmitRate(interval: .seconds(1)))
        let start = Instant(milliseconds: 5000)
        pacer.sent(at: start)
        #expect(pacer.next == start + .seconds(1))
        pacer.sent(at: start + .seconds(60))
        #expect(pacer.next == start + .seconds(61))
        pacer.pace = nil
        #expect(pacer.next == nil)
    }

    @Test func `a rate beyond the timer's resolution holds over ten milliseconds, for random times`() {
        for seed in UInt64(0)..<40 {
            var random = SplitMix64(seed: seed)
            let interval = Duration.microseconds(Int.random(in: 50...40_000, using: &random))
            let pace = SubmitRate(interval: interval)
            var pacer = RateLimiter(pace)
            var now = Instant(milliseconds: 1)
            var sent: [Instant] = []
            for _ in 0..<400 {
                now = now + .microseconds(Int.random(in: 0...2000, using: &random))
                while now >= pacer.next ?? .distantPast {
                    pacer.sent(at: now)
                    sent.append(now)
                }
            }
            for (first, start) in sent.enumerated() {
                for last in first..<sent.count {
                    let most = 1 + Int((sent[last] - start + pace.slack) / interval)
                    #expect(last - first + 1 <= most, "seed \(seed): \(last - first + 1) in \(sent[last] - start)")
                }
            }
        }
    }

    @Test func `resubmissions obey the rate too`() {
        let rig = SchedulerHarness.with(
            4,
            settings: SchedulerHarness.settings {
                $0.concurrency = 2
                $0.submitPace = SubmitRate(interval: .seconds(20))
            })
        rig.advance(by: .seconds(20))
        rig.land(.timedOut, 1)
        rig.land(.timedOut, 2)
        while rig.questions.count < 2 { rig.serveNextWake() }
        rig.answer(.notFound(.notFound), 1)
        rig.answer(.notFound(.notFound), 2)
        rig.advance(by: .seconds(60))
        #expect(ids(rig) == [1, 2, 1, 2])
        for (earlier, later) in zip(rig.sentAt, rig.sentAt.dropFirst()) { #expect(later - earlier >= .seconds(20)) }
        rig.expectSound()
    }

    // MARK: Pauses by the user

    @Test func `a paused run sends nothing, follows tasks in flight, and waits to be unpaused`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        rig.handle(.pauseRequested(.everything))
        rig.land(.refused(.status(400)), 1)
        rig.advance(by: .seconds(36_000))
        #expect(ids(rig) == [1] && rig.ending == nil)
        #expect(rig.reported.contains(.paused(.user(.everything), detail: "requested by the user", until: nil)))
        rig.handle(.unpauseRequested(.everything))
        #expect(ids(rig) == [1, 2])
        rig.expectSound()
    }

    @Test func `a paused batch or model does not block others and must be unpaused itself`() {
        var store = StoreModel()
        store.add(SchedulerHarness.task(1))
        store.add(SchedulerHarness.task(2, batch: BatchID(2)))
        store.add(SchedulerHarness.task(3, model: veo))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = 1 }, store: store)
        rig.holdsLoads = true
        rig.start()
        rig.handle(.pauseRequested(.batch(SchedulerHarness.batch)))
        while !rig.loads.isEmpty { rig.deliverLoad() }
        rig.holdsLoads = false
        #expect(ids(rig) == [2])
        rig.handle(.pauseRequested(.model(sora)))
        rig.handle(.unpauseRequested(.batch(SchedulerHarness.batch)))
        rig.land(.refused(.status(400)), 2)
        #expect(ids(rig) == [2, 3])
        rig.land(.refused(.status(400)), 3)
        rig.handle(.unpauseRequested(.everything))
        #expect(ids(rig) == [2, 3])
        rig.handle(.unpauseRequested(.model(sora)))
        #expect(ids(rig) == [2, 3, 1])
        rig.expectSound()
    }

    @Test func `a stop ends a paused run`() {
        let rig = SchedulerHarness.with(3, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        rig.handle(.pauseRequested(.everything))
        rig.land(.refused(.status(400)), 1)
        rig.handle(.stopRequested)
        #expect(rig.ending?.isInterrupted == true && rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    // MARK: Resubmissions

    /// Three attempts that an earlier run was submitting, one that was accepted, and one that waits.
    private func leftSubmitting(concurrency: Int) -> SchedulerHarness {
        var store = StoreModel()
        for id in 1...3 { store.addLeftBehind(.submitting, id: Int64(id)) }
        store.addLeftBehind(.accepted(RemoteTaskID("r4"), isRunning: true), id: 4)
        store.add(SchedulerHarness.task(5))
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings { $0.concurrency = concurrency }, store: store)
        rig.start()
        for id in 1...3 { rig.answer(.notFound(.notFound), Int64(id), .resolveSubmission) }
        return rig
    }

    @Test func `submits in flight of an earlier run are resent only as slots are free, before new tasks`() {
        let rig = leftSubmitting(concurrency: 2)
        #expect(ids(rig) == [1] && rig.scheduler.tally.waitingForTurn == 2)
        rig.land(.accepted(.queued("r1")), 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r4")), 4)
        #expect(ids(rig) == [1, 2])
        rig.land(.refused(.status(400)), 2)
        rig.answer(.found(.failed("r1")), 1)
        rig.expectSound()
    }

    @Test func `a higher limit sends resubmissions immediately, and a pause delays them`() {
        let rig = leftSubmitting(concurrency: 1)
        #expect(ids(rig).isEmpty)
        rig.handle(.pauseRequested(.everything))
        rig.handle(.limitsChanged(SubmissionLimits(concurrency: 9)))
        #expect(ids(rig).isEmpty)
        rig.handle(.unpauseRequested(.everything))
        #expect(ids(rig) == [1, 2, 3, 5])
        rig.expectSound()
    }

    @Test func `resubmissions that this run cannot send stay uncertain`() {
        let rig = leftSubmitting(concurrency: 2)
        rig.land(.stopped(.status(403), .accessDenied), 1)
        #expect(rig.scheduler.tally.waitingForTurn == 0 && rig.scheduler.tally.uncertain == 2)
        rig.expectSound()
    }
}
