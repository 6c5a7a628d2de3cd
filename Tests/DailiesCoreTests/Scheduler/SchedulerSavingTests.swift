import Testing

@testable import DailiesCore

@Suite struct SchedulerSavingTests {
    /// One clip, completed with this report.
    private func answerAll(_ rig: SchedulerHarness, _ answer: QueryResult) -> Int {
        var questions = 0
        while rig.ending == nil, questions < 20, rig.downloads.isEmpty || !rig.questions.isEmpty {
            if rig.questions.isEmpty {
                guard let next = rig.nextWake, next - rig.now < .seconds(120) else { break }
                rig.serveNextWake()
            } else {
                questions += 1
                rig.answer(answer)
            }
        }
        return questions
    }

    // MARK: Missing parts of completed tasks

    @Test func `a completed clip without a cost is queried three more times, then its cost is permanently unknown`() {
        let rig = SchedulerHarness.completed(
            .completed(cost: nil), settings: SchedulerHarness.settings { $0.downloads = false }, cap: 9)
        #expect(answerAll(rig, .found(.completed(cost: nil))) == 3)
        #expect(rig.steps.contains(.costUnknown(AttemptID(task: TaskID(1), number: 1))))
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.reserved != nil)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a late cost is booked, and its reservation is released`() {
        let rig = SchedulerHarness.completed(
            .completed(cost: nil), settings: SchedulerHarness.settings { $0.downloads = false }, cap: 9)
        rig.advance(by: .seconds(5))
        rig.answer(.found(.completed(cost: 1)))
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.attempt(1)?.reserved == nil)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a completed clip without a URL is queried and finally reported as unsaved`() {
        let rig = SchedulerHarness.completed(.completed(url: nil))
        #expect(answerAll(rig, .found(.completed(url: nil))) == 3)
        #expect(rig.attempt(1)?.hasNoAsset == true && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a late URL is downloaded`() {
        let rig = SchedulerHarness.completed(.completed(url: nil))
        rig.advance(by: .seconds(5))
        rig.answer(.found(.completed()))
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a reply about another task provides neither cost nor URL`() {
        let rig = SchedulerHarness.completed(.completed(cost: nil, url: nil))
        #expect(answerAll(rig, .found(.completed("r7"))) == 3)
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.asset == nil && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `an interrupted download does not suppress the query for the cost`() {
        let rig = SchedulerHarness.completed(.completed(cost: nil))
        rig.finishDownload(.interrupted(.timeout, reached: 1))
        rig.advance(by: .seconds(1))
        rig.save()
        rig.advance(by: .seconds(4))
        rig.answer(.found(.completed()))
        #expect(rig.ending == RunResult() && rig.attempt(1)?.charge != nil)
        rig.expectSound()
    }

    // MARK: Downloads

    @Test func `an interrupted download is resumed from the same URL`() {
        let rig = SchedulerHarness.completed(.completed())
        for reached in Int64(1)...3 {
            rig.finishDownload(.interrupted(.timeout, reached: reached))
            #expect(rig.downloads.isEmpty)
            rig.advance(by: .seconds(1))
            #expect(rig.downloads.map(\.asset) == [AssetLocation(url: "http://a/1")])
        }
        rig.save()
        #expect(rig.ending == RunResult() && rig.questions.isEmpty)
        rig.expectSound()
    }

    @Test func `a download that never receives a byte is left for the next run after the maximum wait`() {
        expectGivenUp(reaching: 0)
    }

    /// Interrupts every download of a clip at the same byte, and serves wake-ups, until the run ends.
    private func expectGivenUp(reaching byte: Int64, sourceLocation: SourceLocation = #_sourceLocation) {
        let rig = SchedulerHarness.completed(.completed())
        var steps = 0
        while rig.ending == nil, steps < 1000 {
            steps += 1
            guard !rig.downloads.isEmpty else { rig.serveNextWake(); continue }
            rig.finishDownload(.interrupted(.timeout, reached: byte))
        }
        #expect(steps < 100 && rig.ending?.unsaved == 1, sourceLocation: sourceLocation)
        rig.expectSound()
    }

    @Test func `a refused download requests a new URL, never a new render`() {
        let rig = SchedulerHarness.completed(.completed(url: "http://a/old"))
        rig.finishDownload(.refused(.status(403)))
        rig.answer(.found(.completed(url: "http://a/new")))
        #expect(rig.downloads.map(\.asset.url) == ["http://a/new"] && rig.sent.count == 1)
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    /// Serves wake-ups, and answers queries and downloads, until the run ends or this many downloads were refused.
    private func refuse(
        _ rig: SchedulerHarness, status: Int, most: Int = 1000, answer: QueryResult = .found(.completed())
    ) -> Int {
        var refused = 0
        while rig.ending == nil, refused < most {
            if !rig.downloads.isEmpty {
                refused += 1
                rig.finishDownload(.refused(.status(status)))
            } else if !rig.questions.isEmpty {
                rig.answer(answer)
            } else {
                rig.serveNextWake()
            }
        }
        return refused
    }

    @Test(arguments: [401, 403, 404, 410])
    func `a refused clip is retried for two minutes with increasing waits, each time with a new URL`(
        status: Int
    ) {
        let rig = SchedulerHarness.completed(.completed())
        let since = rig.now
        let refused = refuse(rig, status: status)
        #expect(rig.now - since >= .seconds(120) && rig.now - since < .seconds(240))
        #expect(refused >= 5 && refused <= 20)
        #expect(rig.asked.count { $0.purpose == .complete } == refused - 1)
        #expect(rig.ending?.unsaved == 1 && rig.sent.count == 1)
        rig.expectSound()
    }

    @Test func `a clip that becomes available seconds after completion is saved in the same run`() {
        let rig = SchedulerHarness.completed(.completed())
        #expect(refuse(rig, status: 404, most: 4) == 4)
        while rig.ending == nil, rig.downloads.isEmpty {
            if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(.found(.completed(url: "http://a/2"))) }
        }
        #expect(rig.downloads.map(\.asset.url) == ["http://a/2"])
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test(
        arguments: [
            QueryResult.found(.completed(url: nil)), .found(.completed("r2", url: "http://other/2")),
            .notFound(.notFound),
        ])
    func `without a new URL the refused one is retried`(answer: QueryResult) {
        let rig = SchedulerHarness.completed(.completed())
        let since = rig.now
        #expect(refuse(rig, status: 404, most: 4, answer: answer) == 4)
        #expect(rig.now - since < SchedulerSettings().assetPatience)
        while rig.ending == nil, rig.downloads.isEmpty {
            if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(answer) }
        }
        #expect(rig.downloads.map(\.asset.url) == ["http://a/1"])
        rig.save()
        #expect(rig.ending?.unsaved == 0)
        rig.expectSound()
    }

    @Test func `a clip that cannot be queried is retried at the same URL`() {
        let store = SchedulerHarness.leftBehind(
            .completed(RemoteTaskID("r1")), account: SchedulerHarness.otherAccount
        ) { $0.asset = AssetLocation(url: "http://a/1") }
        let rig = SchedulerHarness(store: store)
        rig.start()
        #expect(refuse(rig, status: 403, most: 4) == 4 && rig.asked.isEmpty)
        while rig.ending == nil, rig.downloads.isEmpty { rig.serveNextWake() }
        rig.save()
        #expect(rig.ending?.unsaved == 0)
        rig.expectSound()
    }

    @Test func `an unusable URL is not retried`() {
        let rig = SchedulerHarness.completed(.completed())
        let since = rig.now
        for round in 1...3 {
            rig.finishDownload(.refused(ProviderError(kind: .unreadable, message: "the clip's address cannot be used")))
            if round < 3 { rig.answer(.found(.completed())) }
        }
        #expect(rig.now == since && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a complete download that is not a clip is downloaded once more`() {
        let rig = SchedulerHarness.completed(.completed())
        rig.finishDownload(.malformed("no moov box"))
        rig.answer(.found(.completed()))
        rig.finishDownload(.malformed("no moov box"))
        #expect(rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `an obstacle to one clip does not affect others`() {
        let rig = finished(2)
        rig.finishDownload(.blocked("no name is left"), 1)
        rig.save(2)
        #expect(rig.reported.contains(.downloadFailed(SchedulerHarness.name(1), reason: "no name is left")))
        #expect(rig.ending?.unsaved == 1 && rig.ending?.reasons == [])
        rig.expectSound()
    }

    @Test func `an interruption at the same byte as before is not progress`() {
        // As from a service that states no version and always disconnects: each download starts over.
        expectGivenUp(reaching: 500)
    }

    @Test func `a clip of unknown length is downloaded once more and then kept as unverified`() {
        let rig = SchedulerHarness.completed(.completed())
        rig.finishDownload(.unverified(path: "/kept"))
        #expect(rig.downloads.isEmpty && rig.ending == nil)
        rig.advance(by: .seconds(1))
        #expect(rig.downloads.count == 1)
        rig.finishDownload(.unverified(path: "/kept"))
        #expect(rig.attempt(1)?.keptPath == "/kept" && rig.attempt(1)?.asset != nil)
        #expect(rig.ending?.unsaved == 1)
        let reason =
            "the server does not state the clip's length, so it may be truncated; it is kept as /kept, and the next run tries again"
        #expect(rig.reported.contains(.downloadFailed(SchedulerHarness.name(1), reason: reason)))
        let next = rig.restarted()
        next.start()
        #expect(next.downloads.map(\.asset) == [AssetLocation(url: "http://a/1")])
        next.save()
        #expect(next.ending == RunResult())
        rig.expectSound()
        next.expectSound()
    }

    @Test func `clips of unknown length do not block submission`() {
        let settings = SchedulerHarness.settings {
            $0.unsavedLimit = 1
            $0.concurrency = 1
        }
        let rig = SchedulerHarness.with(2, settings: settings)
        rig.land(.accepted(.completed("r1")))
        rig.finishDownload(.unverified(path: "/kept"))
        rig.advance(by: .seconds(1))
        #expect(rig.submits.isEmpty)
        rig.finishDownload(.unverified(path: "/kept"))
        #expect(rig.submits.map(\.attempt.task) == [TaskID(2)])
        rig.expectSound()
    }

    // MARK: Slow downloads

    /// This many clips to be downloaded, `places` at a time.
    private func finished(
        _ count: Int64, places: Int = 4, change: (inout SchedulerSettings) -> Void = { _ in }
    ) -> SchedulerHarness {
        let rig = SchedulerHarness.with(
            count,
            settings: SchedulerHarness.settings {
                $0.downloadConcurrency = places
                $0.concurrency = Int(count)
                change(&$0)
            })
        for id in 1...count {
            rig.land(.accepted(.completed("r\(id)", url: "http://a/\(id)")), id)
            rig.advance(by: .milliseconds(1))
        }
        return rig
    }

    private static let least = 60 * SchedulerSettings().leastDownloadSpeed

    @Test func `four slow downloads yield to waiting ones and resume after them`() {
        let rig = finished(6)
        for id in Int64(1)...4 { rig.receivedBytes[TaskID(id)] = Self.least - 1 }
        rig.advance(by: .seconds(60))
        // All four are below the minimum speed, and each yields.
        #expect(rig.stopped.map(\.task) == [TaskID(1), TaskID(2), TaskID(3), TaskID(4)])
        for id in Int64(1)...4 { rig.finishDownload(.stopped, id) }
        #expect(rig.downloads.map(\.attempt.task) == [TaskID(5), TaskID(6), TaskID(1), TaskID(2)])
        rig.save(5)
        rig.save(6)
        #expect(rig.downloads.map(\.attempt.task) == [TaskID(1), TaskID(2), TaskID(3), TaskID(4)])
        for id in Int64(1)...4 { rig.save(id) }
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a download that is fast enough, or that no other waits for, continues`() {
        let rig = finished(2, places: 1)
        rig.receivedBytes[TaskID(1)] = Self.least
        rig.advance(by: .seconds(60))
        #expect(rig.stopped.isEmpty)
        // It made no progress in the second minute.
        rig.advance(by: .seconds(60))
        #expect(rig.stopped.map(\.task) == [TaskID(1)])
        rig.finishDownload(.stopped)
        rig.save(2)
        rig.receivedBytes[TaskID(1)] = 2000 * 60
        rig.advance(by: .seconds(60))
        #expect(rig.stopped.count == 1 && rig.downloads.map(\.attempt.task) == [TaskID(1)])
        rig.save(1)
        rig.expectSound()
    }

    @Test func `among slow downloads each turn is twice as long as the last`() {
        let rig = finished(2, places: 1) { $0.maximumWait = .seconds(86_400) }
        rig.receivedBytes = [TaskID(1): 0, TaskID(2): 0]
        var turns: [Int] = []
        var last = rig.now
        for _ in 0..<8 {
            let count = rig.stopped.count
            while rig.stopped.count == count, rig.problems.isEmpty { rig.serveNextWake() }
            turns.append(Int((rig.now - last).inSeconds.rounded()) / 60)
            last = rig.now
            rig.finishDownload(.stopped)
        }
        #expect(turns == [1, 1, 2, 2, 4, 4, 8, 8])
        rig.expectSound()
    }

    @Test func `a slow download yields at the next measurement to one that yielded less often`() {
        let settings = SchedulerHarness.settings {
            $0.downloadConcurrency = 1
            $0.concurrency = 3
            $0.maximumWait = .seconds(86_400)
        }
        let rig = SchedulerHarness.with(3, settings: settings)
        rig.receivedBytes = [TaskID(1): 0, TaskID(2): 0]
        for id in Int64(1)...2 { rig.land(.accepted(.completed("r\(id)", url: "http://a/\(id)")), id) }
        rig.land(.accepted(.running("r3")), 3)
        func go(until isOver: () -> Bool) {
            while !isOver(), rig.problems.isEmpty {
                if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(.found(.running("r3")), 3) }
            }
        }
        for turn in 1...6 {
            go { rig.stopped.count == turn }
            rig.finishDownload(.stopped)
        }
        // Its turn now lasts eight minutes.
        #expect(rig.downloads.map(\.attempt.task) == [TaskID(1)])
        let began = rig.now
        go { !rig.questions.isEmpty }
        rig.answer(.found(.completed("r3", url: "http://a/3")), 3)
        go { rig.stopped.count == 7 }
        #expect(rig.now - began <= .seconds(60))
        rig.finishDownload(.stopped)
        #expect(rig.downloads.map(\.attempt.task) == [TaskID(3)])
        rig.expectSound()
    }

    @Test func `a download with almost no progress for the maximum wait is left for the next run`() {
        let rig = finished(1) { $0.maximumWait = .seconds(180) }
        rig.receivedBytes[TaskID(1)] = 6
        rig.advance(by: .seconds(150))
        #expect(rig.stopped.isEmpty)
        rig.advance(by: .seconds(60))
        #expect(rig.stopped.count == 1)
        rig.finishDownload(.stopped)
        #expect(rig.ending?.unsaved == 1)
        #expect(rig.reported.contains(.downloadFailed(SchedulerHarness.name(1), reason: "its download is too slow")))
        rig.expectSound()
    }

    @Test func `a minimum speed of 0 lets every download continue`() {
        let rig = finished(2, places: 1) { $0.leastDownloadSpeed = 0 }
        rig.receivedBytes[TaskID(1)] = 0
        rig.advance(by: .seconds(3600))
        #expect(rig.stopped.isEmpty)
        rig.save()
        rig.save()
        rig.expectSound()
    }

    @Test func `too many unsaved clips block submission until some are saved`() {
        let settings = SchedulerHarness.settings {
            $0.unsavedLimit = 2
            $0.concurrency = 1
        }
        let rig = SchedulerHarness.with(4, settings: settings)
        rig.land(.accepted(.completed("r1")))
        rig.land(.accepted(.completed("r2")))
        #expect(rig.submits.isEmpty)
        rig.save(2)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(3)])
        rig.expectSound()
    }

    @Test func `a clip with a known URL is still downloaded when the account refuses queries`() {
        let rig = SchedulerHarness.completed(
            .completed(cost: nil), settings: SchedulerHarness.settings { $0.concurrency = 1 })
        rig.finishDownload(.interrupted(.timeout, reached: 2))
        rig.advance(by: .seconds(1))
        rig.finishDownload(.interrupted(.timeout, reached: 3))
        rig.advance(to: rig.now + .milliseconds(500))
        while rig.questions.isEmpty { rig.serveNextWake() }
        rig.answer(.stopped(.status(401), .keyRefused))
        #expect(rig.ending == nil)
        while rig.downloads.isEmpty { rig.serveNextWake() }
        rig.save()
        #expect(rig.ending?.unsaved == 0 && rig.ending?.keyRefused == true)
        rig.expectSound()
    }
}
