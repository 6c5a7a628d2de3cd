import Testing

@testable import DailiesCore

@Suite struct SchedulerSavingTests {
    /// One clip, completed as the report says.
    private func completed(
        _ report: RemoteReport, settings: SchedulerSettings = SchedulerSettings(), tasks: Int64 = 1, cap: Int64? = nil
    ) -> SchedulerRig {
        let rig = SchedulerRig.with(tasks, settings: settings, cap: cap)
        rig.land(.accepted(.queued("r1")), 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(report), 1, .poll)
        return rig
    }

    private func answerAll(_ rig: SchedulerRig, _ answer: QueryAnswer) -> Int {
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

    // MARK: what a completed task lacks

    @Test func `a completed clip without a cost is asked for three more times, then its cost is unknown for good`() {
        let rig = completed(.completed(cost: nil), settings: SchedulerRig.settings { $0.downloads = false }, cap: 9)
        #expect(answerAll(rig, .found(.completed(cost: nil))) == 3)
        #expect(rig.steps.contains(.costUnknown(AttemptID(task: TaskID(1), number: 1))))
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.reserved != nil)
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a cost that comes late is booked, and its reservation comes back`() {
        let rig = completed(.completed(cost: nil), settings: SchedulerRig.settings { $0.downloads = false }, cap: 9)
        rig.advance(by: .seconds(5))
        rig.answer(.found(.completed(cost: 1)))
        #expect(rig.attempt(1)?.charge == Credits(nano: 1_000_000_000) && rig.attempt(1)?.reserved == nil)
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a completed clip without a URL is asked for, and in the end told as unsaved`() {
        let rig = completed(.completed(url: nil))
        #expect(answerAll(rig, .found(.completed(url: nil))) == 3)
        #expect(rig.attempt(1)?.hasNoAsset == true && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a URL that comes late is fetched`() {
        let rig = completed(.completed(url: nil))
        rig.advance(by: .seconds(5))
        rig.answer(.found(.completed()))
        rig.save()
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a reply about another task brings neither cost nor URL`() {
        let rig = completed(.completed(cost: nil, url: nil))
        #expect(answerAll(rig, .found(.completed("r7"))) == 3)
        #expect(rig.attempt(1)?.charge == nil && rig.attempt(1)?.asset == nil && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `an interrupted download does not make a question for the cost forgotten`() {
        let rig = completed(.completed(cost: nil))
        rig.finishDownload(.interrupted(.timeout, progressed: true))
        rig.advance(by: .seconds(1))
        rig.save()
        rig.advance(by: .seconds(4))
        rig.answer(.found(.completed()))
        #expect(rig.ending == RunEnding() && rig.attempt(1)?.charge != nil)
        rig.expectSound()
    }

    // MARK: downloads

    @Test func `an interrupted download is resumed from the same URL`() {
        let rig = completed(.completed())
        for _ in 1...3 {
            rig.finishDownload(.interrupted(.timeout, progressed: true))
            #expect(rig.downloads.isEmpty)
            rig.advance(by: .seconds(1))
            #expect(rig.downloads.map(\.asset) == [AssetLocation(url: "http://a/1")])
        }
        rig.save()
        #expect(rig.ending == RunEnding() && rig.questions.isEmpty)
        rig.expectSound()
    }

    @Test func `a download that never gets a byte is left for the next run after the maximum wait`() {
        let rig = completed(.completed())
        var tries = 0
        while rig.ending == nil, tries < 1000 {
            if rig.downloads.isEmpty {
                rig.serveNextWake()
            } else {
                rig.finishDownload(.interrupted(.timeout, progressed: false))
            }
            tries += 1
        }
        #expect(tries < 100 && rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a refused download asks for a fresh URL, never for a new render`() {
        let rig = completed(.completed(url: "http://a/old"))
        rig.finishDownload(.refused(.status(403)))
        rig.answer(.found(.completed(url: "http://a/new")))
        #expect(rig.downloads.map(\.asset.url) == ["http://a/new"] && rig.sent.count == 1)
        rig.save()
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a URL that is refused three times is left for the next run`() {
        let rig = completed(.completed())
        rig.finishDownload(.refused(.status(403)))
        rig.answer(.found(.completed()))
        rig.finishDownload(.refused(.status(403)))
        rig.answer(.found(.completed()))
        rig.finishDownload(.refused(.status(403)))
        #expect(rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a whole download that is no clip is fetched once more`() {
        let rig = completed(.completed())
        rig.finishDownload(.malformed("no moov box"))
        rig.answer(.found(.completed()))
        rig.finishDownload(.malformed("no moov box"))
        #expect(rig.ending?.unsaved == 1)
        rig.expectSound()
    }

    @Test func `a full disk pauses the downloads, and they go on when it has room`() {
        let rig = completed(.completed())
        rig.finishDownload(.diskFailed("no space left"))
        #expect(rig.downloads.isEmpty)
        rig.advance(by: .seconds(10))
        rig.save()
        #expect(rig.ending == RunEnding())
        rig.expectSound()
    }

    @Test func `a disk that refuses for the maximum wait ends submission, and the clips are told as unsaved`() {
        let settings = SchedulerRig.settings {
            $0.downloadConcurrency = 1
            $0.concurrency = 2
        }
        let rig = completed(.completed(), settings: settings, tasks: 5)
        rig.land(.accepted(.completed("r2")), 2)
        let start = rig.now
        while rig.ending == nil, rig.now - start < .seconds(2000) {
            if let question = rig.questions.first {
                rig.answer(.found(.running("r\(question.attempt.task)")), question.attempt.task.rawValue)
            } else if !rig.submits.isEmpty {
                rig.land(.accepted(.running("r\(rig.submits[0].attempt.task)")))
            } else if rig.downloads.isEmpty {
                rig.serveNextWake()
            } else {
                rig.finishDownload(.diskFailed("no space left"))
            }
            if rig.scheduler.isSubmissionOver, let question = rig.questions.first {
                rig.answer(.found(.failed("r\(question.attempt.task)")), question.attempt.task.rawValue)
            }
        }
        #expect(rig.ending?.unsaved == 2 && rig.ending?.isWorkOutstanding == true)
        #expect(rig.ending?.reasons.contains("clips cannot be saved: no space left") == true)
        rig.expectSound()
    }

    @Test func `too many unsaved clips hold submission up until some are saved`() {
        let settings = SchedulerRig.settings {
            $0.unsavedLimit = 2
            $0.concurrency = 1
        }
        let rig = SchedulerRig.with(4, settings: settings)
        rig.land(.accepted(.completed("r1")))
        rig.land(.accepted(.completed("r2")))
        #expect(rig.submits.isEmpty)
        rig.save(2)
        #expect(rig.submits.map(\.attempt.task) == [TaskID(3)])
        rig.expectSound()
    }

    @Test func `when the account refuses questions a clip whose URL is known is still fetched`() {
        let rig = completed(.completed(cost: nil), settings: SchedulerRig.settings { $0.concurrency = 1 })
        rig.finishDownload(.interrupted(.timeout, progressed: true))
        rig.advance(by: .seconds(1))
        rig.finishDownload(.interrupted(.timeout, progressed: true))
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
