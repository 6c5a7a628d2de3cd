import Testing

@testable import DailiesCore

/// A disk that refuses clips.
@Suite struct SchedulerDiskTests {
    @Test func `a full disk pauses downloads, and they resume when it has space`() {
        let rig = SchedulerHarness.completed(.completed())
        rig.finishDownload(.diskFailed("no space left"))
        #expect(rig.downloads.isEmpty)
        rig.advance(by: .seconds(10))
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a disk that refuses for the maximum wait ends submission, and the clips are reported as unsaved`() {
        let settings = SchedulerHarness.settings {
            $0.downloadConcurrency = 1
            $0.concurrency = 2
        }
        let rig = SchedulerHarness.completed(.completed(), settings: settings, tasks: 5)
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
            if rig.scheduler.run.isSubmissionOver, let question = rig.questions.first {
                rig.answer(.found(.failed("r\(question.attempt.task)")), question.attempt.task.rawValue)
            }
        }
        #expect(rig.ending?.unsaved == 2 && rig.ending?.isWorkOutstanding == true)
        #expect(rig.ending?.reasons.contains("clips cannot be saved: no space left") == true)
        rig.expectSound()
    }

    @Test func `while the disk refuses clips nothing new is submitted, and with space submission resumes`() {
        let rig = SchedulerHarness.completed(
            .completed(), settings: SchedulerHarness.settings { $0.concurrency = 2 }, tasks: 6)
        rig.finishDownload(.diskFailed("no space left"), 1)
        let sent = rig.sent.count
        // Tasks in flight continue to their end.
        while let submit = rig.submits.first {
            rig.land(.accepted(.completed("r\(submit.attempt.task)")), submit.attempt.task.rawValue)
        }
        while let question = rig.questions.first {
            rig.answer(.found(.completed("r\(question.attempt.task)")), question.attempt.task.rawValue)
        }
        rig.advance(by: .seconds(9))
        #expect(rig.sent.count == sent && rig.submits.isEmpty)
        rig.advance(by: .seconds(1))
        #expect(rig.sent.count == sent && !rig.downloads.isEmpty)
        rig.save()
        #expect(rig.sent.count > sent)
        #expect(rig.reported.filter { if case .warning = $0 { true } else { false } }.count == 1)
        rig.expectSound()
    }

    @Test func `a clip that was being written when the disk refused another one does not resume submission`() {
        let rig = SchedulerHarness.completed(
            .completed(), settings: SchedulerHarness.settings { $0.concurrency = 2 }, tasks: 6)
        rig.land(.accepted(.completed("r2")), 2)
        #expect(rig.downloads.count == 2)
        rig.finishDownload(.diskFailed("no space left"), 1)
        let sent = rig.sent.count
        rig.save(2)
        #expect(rig.sent.count == sent)
        while !rig.submits.isEmpty { rig.land(.refused(.status(400, "invalid_param"))) }
        #expect(rig.sent.count == sent)
        rig.advance(by: .seconds(10))
        rig.save(1)
        #expect(rig.sent.count > sent)
        rig.expectSound()
    }

    @Test func `a clip that the disk refused and whose URL then expires no longer blocks submission`() {
        let rig = SchedulerHarness.completed(
            .completed(), settings: SchedulerHarness.settings { $0.concurrency = 1 }, tasks: 3)
        rig.finishDownload(.diskFailed("no space left"), 1)
        rig.land(.refused(.status(400, "invalid_param")), 2)
        #expect(rig.sent.count == 2)
        rig.advance(by: .seconds(10))
        while !rig.downloads.isEmpty {
            rig.finishDownload(.refused(.status(403)), 1)
            if !rig.questions.isEmpty { rig.answer(.found(.completed()), 1) }
        }
        #expect(rig.sent.count == 3)
        rig.expectSound()
    }

    @Test func `while clips are saved, those that the disk refuses are not given up`() {
        let rig = SchedulerHarness.completed(
            .completed(), settings: SchedulerHarness.settings { $0.concurrency = 2 }, tasks: 6)
        rig.land(.accepted(.completed("r2")), 2)
        rig.finishDownload(.diskFailed("no space left"), 1)
        while !rig.submits.isEmpty { rig.land(.refused(.status(400, "invalid_param"))) }
        rig.advance(by: .seconds(800))
        rig.save(2)
        rig.advance(by: .seconds(101))
        rig.finishDownload(.diskFailed("no space left"), 1)
        #expect(rig.ending == nil, "the disk took data 101 seconds ago")
        rig.advance(by: .seconds(10))
        rig.save(1)
        rig.expectSound()
    }
}
