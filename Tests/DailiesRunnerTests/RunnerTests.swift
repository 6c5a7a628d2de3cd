import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Testing

@testable import DailiesCore
@testable import DailiesRunner

struct RunnerTests {
    @Test func `the intent and its bytes are durable before the submit is seen`() throws {
        let rig = try RunnerRig()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        let task = try #require(try rig.durable().first)
        #expect(task.latest?.submissionKey == submission.key)
        #expect(task.latest?.remoteID == nil && task.state == .queued)
        #expect(
            try rig.store.openAttempts(provider: "scripted", baseURL: rig.provider.baseURL).first?.submission
                == submission)
        reply(.refused(Fault(kind: .status, status: 400, code: "invalid_param", message: "no")))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunEnding())
        #expect(try rig.durable().first?.state == .failed)
    }

    @Test func `an outcome is durable before the end is told`() throws {
        let rig = try RunnerRig { $0.downloads = false }
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "0.1")))
        guard case .ended = try rig.end() else { return #expect(Bool(false), "the store failed") }
        let task = try #require(try rig.durable().first)
        #expect(task.state == .completed && task.credits == Credits(nano: 100_000_000))
        #expect(rig.endings == 1 && rig.timers.isStopped)
    }

    @Test func `a reply that names another attempt's task ends no run, and is asked for by key`() throws {
        let rig = try RunnerRig(tasks: 2, concurrency: 1) { $0.downloads = false }
        rig.start()
        let (first, accept) = try #require(rig.provider.nextSubmit())
        accept(.accepted(rig.report(.completed, "r1", key: first.key, cost: "0.1")))
        let (second, mistake) = try #require(rig.provider.nextSubmit())
        mistake(.accepted(rig.report(.completed, "r1", key: second.key, cost: "0.1")))
        try rig.settle()
        #expect(try rig.durable().map(\.state) == [.completed, .queued])
        #expect(try rig.durable()[1].isUncertain)
        rig.timers.move(by: .seconds(1))
        let (question, answer) = try #require(rig.provider.nextQuery())
        #expect(question.subject == .key(second.key))
        answer(.found(rig.report(.completed, "r2", key: second.key, cost: "0.2")))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunEnding())
        #expect(try rig.durable().map(\.latest?.remoteID) == [RemoteTaskID("r1"), RemoteTaskID("r2")])
    }

    @Test func `how long keys are remembered is the provider's to say, and the settings' before it`() throws {
        func memory(_ configure: (inout SchedulerSettings) -> Void) throws -> Duration? {
            try RunnerRig(configure: configure).runner.scheduler.settings.keyMemory
        }
        #expect(try memory { $0 = $0.divided(bySpeed: 2) } == .seconds(24 * 3600))
        #expect(try memory { $0.keyMemory = .seconds(60) } == .seconds(60))
    }

    @Test func `a stop that comes before the start sends nothing`() throws {
        let rig = try RunnerRig(tasks: 3)
        rig.runner.stop()
        rig.start()
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.isInterrupted && ending.isWorkOutstanding)
        try rig.settle()
        #expect(rig.provider.pending == 0)
        #expect(try rig.durable().allSatisfy { $0.latest == nil && $0.state == .queued })
    }

    @Test func `a store that refuses an intent ends the run, and nothing is sent`() throws {
        let rig = try RunnerRig(tasks: 3)
        rig.faults.plan(.fails(StoreError(.full, "the disk is full")), atCommit: rig.faults.commits + 1)
        rig.start()
        guard case .storeFailed(let message) = try rig.end() else { return #expect(Bool(false), "it went on") }
        #expect(message == "the disk is full")
        try rig.settle()
        #expect(rig.provider.pending == 0 && rig.endings == 1)
        #expect(try rig.durable().allSatisfy { $0.latest == nil && $0.state == .queued })
    }

    @Test func `a store that refuses an outcome ends the run, and the task is as after a crash`() throws {
        let rig = try RunnerRig(tasks: 2, concurrency: 1)
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        rig.faults.plan(.fails(StoreError(.io, "the disk is gone")), atCommit: rig.faults.commits + 1)
        reply(.accepted(rig.report(.queued, key: submission.key)))
        guard case .storeFailed = try rig.end() else { return #expect(Bool(false), "it went on") }
        try rig.settle()
        #expect(rig.provider.pending == 0)
        let task = try #require(try rig.durable().first)
        #expect(task.latest?.submissionKey == submission.key && task.latest?.remoteID == nil)
    }

    @Test func `a stop sends nothing new and lets what is in the air land`() throws {
        let rig = try RunnerRig(tasks: 3, concurrency: 1)
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        rig.runner.stop()
        try rig.settle()
        #expect(rig.endings == 0, "the run ended with a submit in the air")
        reply(.accepted(rig.report(.queued, key: submission.key)))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.isInterrupted && ending.isWorkOutstanding)
        #expect(rig.provider.pending == 0)
        let tasks = try rig.durable()
        #expect(tasks.first?.latest?.remoteID == RemoteTaskID("r1"))
        #expect(tasks.dropFirst().allSatisfy { $0.latest == nil })
    }

    @Test func `a task is asked for when its moment comes, not before`() throws {
        let rig = try RunnerRig()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.queued, key: submission.key)))
        try rig.settle()
        // A model that no page describes is asked for every two seconds at first.
        #expect(rig.timers.target == rig.timers.now + .seconds(2))
        rig.timers.move(by: .milliseconds(1999))
        try rig.settle()
        #expect(rig.provider.pending == 0)
        rig.timers.move(by: .milliseconds(1))
        let (question, answer) = try #require(rig.provider.nextQuery())
        #expect(question.subject == .remote(RemoteTaskID("r1")))
        answer(.found(rig.report(.failed, cost: nil)))
        guard case .ended = try rig.end() else { return #expect(Bool(false), "the store failed") }
    }

    @Test func `no more are in flight than allowed, and a change of the limit holds at once`() throws {
        let rig = try RunnerRig(tasks: 5, concurrency: 1)
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.queued, key: submission.key)))
        try rig.settle()
        #expect(rig.provider.pending == 0)
        rig.runner.setConcurrency(3)
        try rig.settle()
        #expect(rig.provider.pending == 2)
        let counted = DispatchSemaphore(value: 0)
        rig.runner.inspect { tally, limit in
            #expect(tally.inFlight == 3 && limit == 3)
            counted.signal()
        }
        #expect(counted.wait(timeout: .now() + .seconds(30)) == .success)
        rig.runner.stop()
        for number in 2...3 {
            let (submission, reply) = try #require(rig.provider.nextSubmit())
            reply(.accepted(rig.report(.queued, "r\(number)", key: submission.key)))
        }
        guard case .ended = try rig.end() else { return #expect(Bool(false), "the store failed") }
    }

    @Test func `waiting tasks are read page by page, each sent once and in order`() throws {
        let rig = try RunnerRig(tasks: 9, concurrency: 9) { $0.pageSize = 2 }
        rig.start()
        var keys: [String] = []
        for number in 1...9 {
            let (submission, reply) = try #require(rig.provider.nextSubmit())
            keys.append("\(submission.attempt)")
            reply(.accepted(rig.report(.queued, "r\(number)", key: submission.key)))
        }
        #expect(keys == (1...9).map { "\($0)#1" })
        try rig.settle()
        #expect(rig.provider.pending == 0)
        rig.runner.stop()
        guard case .ended = try rig.end() else { return #expect(Bool(false), "the store failed") }
    }

    @Test func `a clip comes part by part onto the disk, and is recorded once it has its name`() throws {
        let rig = try RunnerRig()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        guard case .download(let asset, 0, let sink, let end) = rig.provider.next() else {
            return #expect(Bool(false), "no download")
        }
        #expect(asset.url == "https://cdn.example/clip")
        let parts: [DownloadPart] = [
            .begins(at: 0, totalLength: Int64(SmallClip.whole.count)), .bytes(Array(SmallClip.whole.prefix(9))),
            .bytes(Array(SmallClip.whole.dropFirst(9))),
        ]
        for part in parts { #expect(try Self.hand(part, to: sink)) }
        #expect(try rig.durable().first?.latest?.outputPath == nil)
        end(.whole)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunEnding())
        let latest = try #require(try rig.durable().first?.latest)
        #expect(latest.outputPath == rig.scratch.folder + "/renders/reel/shot-1.mp4")
        #expect(rig.scratch.contents(latest.outputPath ?? "") == SmallClip.whole)
        #expect(latest.outputBytes == Int64(SmallClip.whole.count))
    }

    @Test func `a cut clip goes on from where it was cut, a damaged one begins anew`() throws {
        let rig = try RunnerRig()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        try Self.feed(rig, expectedOffset: 0, Array(SmallClip.whole.prefix(20)), total: nil, .interrupted(Self.broken))
        try rig.settleClips()
        rig.timers.move(by: .seconds(2))
        // Whole by its length, and no clip.
        let junk = [UInt8](repeating: 1, count: 10)
        try Self.feed(rig, expectedOffset: 20, junk, total: 30, .whole)
        let (_, answer) = try #require(rig.provider.nextQuery())
        answer(.found(rig.report(.completed, cost: "1", url: "https://cdn.example/again")))
        let count = Int64(SmallClip.whole.count)
        try Self.feed(rig, expectedOffset: 0, SmallClip.whole, total: count, .whole)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunEnding())
        #expect(rig.scratch.contents(try rig.durable().first?.latest?.outputPath ?? "") == SmallClip.whole)
    }

    @Test func `a run without work ends at once`() throws {
        let rig = try RunnerRig(tasks: 0)
        rig.start()
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunEnding() && rig.provider.pending == 0)
    }

    // MARK: helpers

    private static let broken = Fault(kind: .broken, message: "cut")

    private static func feed(
        _ rig: RunnerRig, expectedOffset: Int64, _ bytes: [UInt8], total: Int64?, _ end: DownloadEnd
    ) throws {
        guard case .download(_, let offset, let sink, let reply) = rig.provider.next() else {
            return #expect(Bool(false), "no download")
        }
        #expect(offset == expectedOffset)
        #expect(try hand(.begins(at: offset, totalLength: total), to: sink))
        #expect(try hand(.bytes(bytes), to: sink))
        reply(end)
    }

    private static func hand(_ part: DownloadPart, to sink: any DownloadSink) throws -> Bool {
        let answer = Answer()
        sink.receive(part) { answer.give($0) }
        return try #require(answer.wait() as Bool?, "the part is not taken")
    }
}

/// One answer that comes on another thread.
private final class Answer: @unchecked Sendable {
    // Unchecked because `value` is written before the signal and read after it.
    private var value: Bool?
    private let given = DispatchSemaphore(value: 0)

    func give(_ value: Bool) {
        self.value = value
        given.signal()
    }

    func wait() -> Bool? { given.wait(timeout: .now() + .seconds(30)) == .success ? value : nil }
}
