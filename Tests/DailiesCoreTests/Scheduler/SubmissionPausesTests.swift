import Testing

@testable import DailiesCore

/// Pauses of submission, its slots and pace, the account's timer, and early stops.
@Suite struct SubmissionPausesTests {
    private let start = Instant(milliseconds: 1_000_000)
    private let queue = TaskQueueID(batch: BatchID(1), model: ModelID("sora-2-pro"))

    @Test func `the user's pauses are independent of each other`() {
        var pauses = SubmissionPauses()
        #expect(pauses.pause(.everything) && !pauses.pause(.everything) && pauses.pause(.batch(queue.batch)))
        #expect(!pauses.allowsSubmit(at: start, isIdle: true) && pauses.isPaused(queue))
        #expect(pauses.unpause(.everything) && !pauses.unpause(.everything))
        #expect(pauses.allowsSubmit(at: start, isIdle: true) && pauses.isPaused(queue))
        #expect(!pauses.isPaused(TaskQueueID(batch: BatchID(2), model: queue.model)))
        #expect(pauses.unpause(.batch(queue.batch)) && pauses.pause(.model(queue.model)) && pauses.isPaused(queue))
    }

    @Test func `a rate limit pauses until the latest reset, which is reported; a retry is not`() {
        var pauses = SubmissionPauses()
        pauses.extend(to: start + .seconds(10))
        pauses.extend(to: start + .seconds(5))
        pauses.retry(at: start + .seconds(20))
        #expect(pauses.moments == [start + .seconds(10), start + .seconds(20)])
        #expect(!pauses.allowsSubmit(at: start + .seconds(9), isIdle: true))
        #expect(pauses.advance(to: start + .seconds(10)) && pauses.rateLimitEnd == nil)
        #expect(!pauses.allowsSubmit(at: start + .seconds(10), isIdle: true))
        #expect(!pauses.advance(to: start + .seconds(20)) && pauses.moments.isEmpty)
        #expect(pauses.allowsSubmit(at: start + .seconds(20), isIdle: false))
    }

    @Test func `without funds one submit is tried once everything has settled`() {
        var pauses = SubmissionPauses()
        pauses.submitSent()
        #expect(!pauses.submitEnded() && pauses.fundsMissing() && !pauses.fundsMissing())
        #expect(!pauses.allowsSubmit(at: start, isIdle: false) && pauses.allowsSubmit(at: start, isIdle: true))
        pauses.submitSent()
        #expect(!pauses.allowsSubmit(at: start, isIdle: true) && pauses.submitEnded() && !pauses.submitEnded())
        pauses.fundsFound()
        #expect(pauses.allowsSubmit(at: start, isIdle: false))
    }

    @Test func `failures are counted from the first one, until a submit is settled`() {
        var pauses = SubmissionPauses()
        #expect(pauses.submitFailed(at: start) == (1, start))
        #expect(pauses.submitFailed(at: start + .seconds(1)) == (2, start))
        pauses.submitSettled()
        #expect(pauses.submitFailed(at: start + .seconds(2)) == (1, start + .seconds(2)))
    }

    @Test func `a reason is announced once until it no longer applies`() {
        var pauses = SubmissionPauses()
        #expect(pauses.announce(.unsavedClips) && !pauses.announce(.unsavedClips) && !pauses.hasAnnouncedCanary)
        pauses.withdraw(.unsavedClips)
        #expect(pauses.announce(.unsavedClips) && pauses.announce(.canary(2)) && pauses.hasAnnouncedCanary)
    }

    @Test func `the timer is set to the earliest time, and only its last setting fires`() {
        var timer = AccountTimer()
        #expect(timer.set(to: []) == nil)
        #expect(
            timer.set(to: [start + .seconds(2), start + .seconds(1)]) != nil && timer.firesAt == start + .seconds(1))
        let first = timer.serial
        #expect(timer.set(to: [start + .seconds(1)]) == nil && timer.set(to: [start]) != nil)
        #expect(!timer.fired(first) && timer.firesAt == start && timer.fired(timer.serial) && timer.firesAt == nil)
    }

    @Test func `slots follow the user's limits and the provider's, and the pace asks to be woken`() {
        var slots = SubmissionSlots(
            SchedulerHarness.settings {
                $0.concurrency = 4
                $0.modelConcurrency = [queue.model: 2]
                $0.submitPace = SubmitRate(interval: .seconds(1))
            })
        #expect(slots.hasRoom(for: queue.model, inFlight: 1) && !slots.hasRoom(for: queue.model, inFlight: 2))
        #expect(slots.hasRoom(for: ModelID("other"), inFlight: 99) && slots.paceAllows(at: start))
        slots.submitSent(at: start)
        #expect(slots.moments(after: start).isEmpty && !slots.paceAllows(at: start))
        #expect(slots.moments(after: start) == [start + .seconds(1)] && slots.paceAllows(at: start + .seconds(1)))
        #expect(slots.refused(inFlight: 2, sentAt: start, at: start) && slots.concurrency == 2)
        #expect(slots.refused(inFlight: 1, sentAt: start, at: start) == false)
        slots.advance(to: start + .seconds(30))
        #expect(slots.concurrency == 3)
        slots.change(SubmissionLimits(concurrency: 1))
        #expect(slots.concurrency == 1 && slots.hasRoom(for: queue.model, inFlight: 2) && slots.nextProbe == nil)
    }

    @Test func `the disk's refusals pause downloads, are reported once, and are given up after the maximum wait`() {
        var downloads = DownloadQueue(limit: 1, maximumWait: .seconds(60))
        downloads.add(AttemptID(task: TaskID(1), number: 1), expiresAt: start)
        #expect(
            downloads.diskRefused(at: start, tryingAfter: .seconds(10)) == (true, false) && downloads.isDiskRefusing)
        #expect(downloads.pausedUntil == start + .seconds(10))
        downloads.advance(to: start + .seconds(10))
        #expect(downloads.pausedUntil == nil && downloads.isDiskRefusing)
        #expect(downloads.diskRefused(at: start + .seconds(10), tryingAfter: .seconds(10)) == (false, false))
        #expect(downloads.diskRefused(at: start + .seconds(60), tryingAfter: .seconds(10)) == (false, true))
        downloads.diskWorked(begun: 2, at: start + .seconds(61))
        #expect(downloads.isDiskRefusing, "that download began before the last refusal")
        downloads.diskWorked(begun: 3, at: start + .seconds(62))
        #expect(!downloads.isDiskRefusing)
    }

    // MARK: Early stops

    @Test func `canary clips go first, and their last outcome decides once`() {
        var stop = EarlyStop(canary: CanarySettings(clips: 1), maximumRejections: nil)
        let (id, key) = (AttemptID(task: TaskID(1), number: 1), TaskKey("a"))
        #expect(stop.awaitedClips == nil && !stop.awaitsCost)
        stop.began(id)
        #expect(stop.awaitedClips == 1)
        stop.didNotStart(id)
        #expect(stop.awaitedClips == nil)
        stop.began(id)
        let end = stop.ended(id, key, isCompleted: true, credits: nil)
        #expect(end?.decision == .pass && end?.clips == 1 && stop.awaitedClips == nil)
        #expect(stop.ended(id, key, isCompleted: false, credits: nil) == nil)
        var none = EarlyStop(canary: nil, maximumRejections: nil)
        #expect(none.ended(id, key, isCompleted: false, credits: nil) == nil && none.awaitedClips == nil)
    }

    @Test func `rejections in a row count up to the maximum, and any other outcome begins again`() {
        var stop = EarlyStop(canary: nil, maximumRejections: 2)
        #expect(stop.recordRejection(true) == nil && stop.recordRejection(false) == nil)
        #expect(stop.recordRejection(true) == nil && stop.recordRejection(true) == 2)
        #expect(stop.recordRejection(true) == nil)
        var unlimited = EarlyStop(canary: nil, maximumRejections: nil)
        #expect((1...100).allSatisfy { _ in unlimited.recordRejection(true) == nil })
    }
}
