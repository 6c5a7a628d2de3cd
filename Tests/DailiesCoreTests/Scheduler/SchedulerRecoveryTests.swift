import Testing

@testable import DailiesCore

@Suite struct SchedulerRecoveryTests {
    private let remote = RemoteTaskID("r1")

    private func started(
        _ store: StoreModel, trust: KeySupport = .honored, settings: SchedulerSettings = SchedulerSettings()
    ) -> SchedulerHarness {
        var store = store
        store.trust[SchedulerHarness.account] = trust
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start()
        return rig
    }

    @Test func `a submit in flight is recorded as uncertain and queried by key`() {
        let rig = started(SchedulerHarness.leftBehind(.submitting))
        #expect(rig.stage(1) == .uncertain && rig.questions.map(\.purpose) == [.resolveSubmission] && rig.sent.isEmpty)
        rig.answer(.found(.running()))
        #expect(rig.stage(1) == .accepted(remote, isRunning: true))
        rig.expectSound()
    }

    @Test func `a submit in flight that is not found is resent with the stored bytes if keys are honored`() {
        let rig = started(SchedulerHarness.leftBehind(.uncertain))
        rig.answer(.notFound(.notFound))
        #expect(rig.submits.map(\.body) == [Array("body-1#1".utf8)])
        rig.land(.accepted(.running()))
        #expect(rig.stage(1) == .accepted(remote, isRunning: true) && rig.attempt(1)?.isReplayed == false)
        rig.expectSound()
    }

    @Test func `a submit in flight that is not found stays uncertain if keys are not proven`() {
        for trust in [KeySupport.unknown, .ignored] {
            let rig = started(SchedulerHarness.leftBehind(.submitting), trust: trust)
            rig.answer(.notFound(.notFound))
            #expect(rig.sent.isEmpty && rig.ending?.uncertain == 1)
            rig.expectSound()
        }
    }

    @Test func `an accepted task continues to be polled`() {
        for isRunning in [false, true] {
            let rig = started(SchedulerHarness.leftBehind(.accepted(remote, isRunning: isRunning)))
            rig.advance(by: .seconds(2))
            rig.answer(.found(.completed()))
            rig.save()
            #expect(rig.ending == RunResult() && rig.sent.isEmpty)
            rig.expectSound()
        }
    }

    @Test func `a completed clip with a URL is downloaded without a query`() {
        let store = SchedulerHarness.leftBehind(.completed(remote), reserved: nil) {
            $0.asset = AssetLocation(url: "http://a/1")
            $0.charge = .zero
        }
        let rig = started(store)
        #expect(rig.downloads.count == 1 && rig.questions.isEmpty)
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `of the clips left by earlier runs, the oldest is downloaded first`() {
        var store = StoreModel()
        for (id, age) in [(1, 0), (2, 30), (3, 10)] as [(Int64, Int)] {
            store.addLeftBehind(
                .completed(RemoteTaskID("r\(id)")), id: id,
                submittedAt: Instant(milliseconds: 1_000_000) - .seconds(age),
                reserved: nil
            ) {
                $0.asset = AssetLocation(url: "http://a/\(id)")
                $0.charge = .zero
            }
        }
        let rig = started(store, settings: SchedulerHarness.settings { $0.downloadConcurrency = 1 })
        var order: [Int64] = []
        while let next = rig.downloads.first?.attempt.task.rawValue {
            order.append(next)
            rig.save(next)
        }
        #expect(order == [2, 3, 1] && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `open attempts are read in pages: queries start after the first, submits after the last`() {
        var store = StoreModel()
        for id in 1...5 as ClosedRange<Int64> {
            store.addLeftBehind(
                .accepted(RemoteTaskID("r\(id)"), isRunning: true), id: id,
                submittedAt: Instant(milliseconds: 1_000_000) - .seconds(1000), reserved: nil)
        }
        store.trust[SchedulerHarness.account] = .honored
        store.add(SchedulerHarness.task(9))
        let rig = SchedulerHarness(
            settings: SchedulerHarness.settings {
                $0.recoveryPageSize = 2
                $0.concurrency = 9
            }, store: store)
        rig.holdsLoads = true
        rig.start()
        #expect(rig.questions.map(\.attempt.task.rawValue) == [1, 2] && rig.openLoads.isEmpty)
        // The next page is read once fewer queries than a page are in flight.
        rig.answer(.found(.completed()), 1)
        rig.deliverOpenLoad()
        #expect(Set(rig.questions.map(\.attempt.task.rawValue)) == [2, 3, 4] && rig.sent.isEmpty)
        rig.answer(.found(.completed()), 2)
        rig.answer(.found(.completed()), 3)
        rig.deliverOpenLoad()
        #expect(Set(rig.questions.map(\.attempt.task.rawValue)) == [4, 5])
        rig.deliverLoad()
        #expect(rig.sent.map(\.task.rawValue) == [9])
        rig.expectSound()
    }

    @Test func `a completed clip without a URL is queried, whether or not that was tried before`() {
        for hasNoAsset in [false, true] {
            let store = SchedulerHarness.leftBehind(.completed(remote), reserved: nil) {
                $0.charge = .zero
                $0.hasNoAsset = hasNoAsset
            }
            let rig = started(store)
            rig.answer(.found(.completed()))
            rig.save()
            #expect(rig.ending == RunResult() && rig.attempt(1)?.path != nil)
            rig.expectSound()
        }
    }

    @Test func `a saved clip with an awaited cost is queried for its cost only`() {
        let store = SchedulerHarness.leftBehind(.completed(remote)) {
            $0.path = "/clip"
            $0.isCostAwaited = true
        }
        let rig = started(store)
        rig.answer(.found(.completed()))
        #expect(rig.downloads.isEmpty && rig.ending == RunResult() && rig.attempt(1)?.charge != nil)
        rig.expectSound()
    }

    @Test func `a clip left at the provider needs no download`() {
        let store = SchedulerHarness.leftBehind(.completed(remote), reserved: nil) {
            $0.asset = AssetLocation(url: "http://a/1")
            $0.charge = .zero
        }
        let rig = started(store, settings: SchedulerHarness.settings { $0.downloads = false })
        #expect(rig.downloads.isEmpty && rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `tasks of another key are not queried or sent, are reported once per key, and do not block others`() {
        var store = StoreModel()
        let stages: [StoreModel.Stage] = [
            .submitting, .uncertain, .accepted(RemoteTaskID("r3"), isRunning: false),
            .accepted(RemoteTaskID("r4"), isRunning: true), .uncertain, .uncertain,
        ]
        for (index, stage) in stages.enumerated() {
            store.addLeftBehind(stage, id: Int64(index + 1), account: SchedulerHarness.otherAccount)
        }
        store.add(SchedulerHarness.task(10))
        let rig = started(store)
        #expect(rig.questions.isEmpty && rig.sent.map(\.task.rawValue) == [10])
        rig.land(.refused(.status(400)))
        // The outcome of four is unknown; the others are at the provider, and another run resumes them.
        #expect(rig.ending?.uncertain == 4 && rig.ending?.isWorkOutstanding == true)
        #expect(
            rig.reported.compactMap { if case .warning(let text) = $0 { text } else { nil } } == [
                "6 clips need the API key bbbb00000000: run with that key, or with --same-account if it was replaced by another "
                    + "key of the same account"
            ])
        #expect(!rig.reported.contains { if case .uncertain = $0 { true } else { false } })
        rig.expectSound()
    }

    @Test func `another key's tasks at the provider leave work outstanding but nothing uncertain, unless lost`() {
        for isLost in [false, true] {
            let store = SchedulerHarness.leftBehind(
                .accepted(remote, isRunning: true), account: SchedulerHarness.otherAccount
            ) {
                if isLost { $0.lostAt = Instant(milliseconds: 2_000_000) }
            }
            let rig = started(store)
            #expect(rig.ending?.uncertain == (isLost ? 1 : 0) && rig.ending?.isWorkOutstanding == true)
            #expect(rig.questions.isEmpty)
            rig.expectSound()
        }
    }

    @Test func `tasks handed over from another key are queried and never resubmitted`() {
        var store = SchedulerHarness.leftBehind(.uncertain) { $0.isTransferred = true }
        store.trust[SchedulerHarness.account] = .honored
        let rig = started(store)
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.isEmpty && rig.ending?.uncertain == 1)
        rig.expectSound()

        let found = started(SchedulerHarness.leftBehind(.uncertain) { $0.isTransferred = true })
        found.answer(.found(.completed()))
        found.save()
        #expect(found.ending == RunResult())
        found.expectSound()
    }

    @Test func `another key's clip is downloaded if its URL is known, and its awaited cost does not keep a run alive`()
    {
        let store = SchedulerHarness.leftBehind(.completed(remote), account: SchedulerHarness.otherAccount) {
            $0.asset = AssetLocation(url: "http://a/1")
            $0.isCostAwaited = true
        }
        let rig = started(store)
        rig.save()
        #expect(rig.ending == RunResult() && rig.attempt(1)?.isCostAwaited == true)
        rig.expectSound()

        let without = SchedulerHarness.leftBehind(.completed(remote), account: SchedulerHarness.otherAccount)
        let other = started(without)
        #expect(other.ending?.unsaved == 1)
        other.expectSound()
    }

    @Test func `more open tasks than the limit allows block new ones`() {
        var store = StoreModel()
        for id in 1...3 { store.addLeftBehind(.accepted(RemoteTaskID("r\(id)"), isRunning: true), id: Int64(id)) }
        store.add(SchedulerHarness.task(9))
        let rig = started(store, settings: SchedulerHarness.settings { $0.concurrency = 2 })
        #expect(rig.sent.isEmpty)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")), 1)
        #expect(rig.sent.isEmpty)
        rig.answer(.found(.failed("r2")), 2)
        #expect(rig.sent.map(\.task.rawValue) == [9])
        rig.expectSound()
    }

    @Test func `a failed render of an earlier run is retried although its queue was empty`() {
        let rig = started(
            SchedulerHarness.leftBehind(.accepted(remote, isRunning: true)),
            settings: SchedulerHarness.settings { $0.retries = 1 })
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed()))
        #expect(rig.submits.map(\.attempt) == [AttemptID(task: TaskID(1), number: 2)])
        rig.expectSound()
    }
}
