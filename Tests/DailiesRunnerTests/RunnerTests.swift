import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Testing

@testable import DailiesCore
@testable import DailiesRunner

struct RunnerTests {
    @Test func `the intent and its bytes are durable before the submit is sent`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        let task = try #require(try rig.durable().first)
        #expect(task.latest?.submissionKey == submission.key)
        #expect(task.latest?.remoteID == nil && task.state == .queued)
        #expect(
            try rig.store.openAttempts(provider: "scripted", baseURL: rig.provider.baseURL).first?.submission
                == submission)
        reply(.refused(ProviderError(kind: .status, status: 400, code: "invalid_param", message: "no")))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult())
        #expect(try rig.durable().first?.state == .failed)
    }

    @Test func `an outcome is durable before the end is reported`() throws {
        let rig = try RunnerHarness { $0.downloads = false }
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "0.1")))
        guard case .ended = try rig.end() else { return #expect(Bool(false), "the store failed") }
        let task = try #require(try rig.durable().first)
        #expect(task.state == .completed && task.credits == Credits(nano: 100_000_000))
        #expect(rig.endings == 1 && rig.timers.isStopped)
    }

    @Test func `a response with another attempt's task does not end the run, and the task is queried by key`() throws {
        let rig = try RunnerHarness(tasks: 2, concurrency: 1) { $0.downloads = false }
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
        #expect(ending == RunResult())
        #expect(try rig.durable().map(\.latest?.remoteID) == [RemoteTaskID("r1"), RemoteTaskID("r2")])
    }

    @Test func `the lifetime of keys comes from the settings, or from the provider`() throws {
        func memory(_ configure: (inout SchedulerSettings) -> Void) throws -> Duration? {
            try RunnerHarness(configure: configure).runner.scheduler.settings.keyMemory
        }
        #expect(try memory { $0 = $0.divided(bySpeed: 2) } == .seconds(24 * 3600))
        #expect(try memory { $0.keyMemory = .seconds(60) } == .seconds(60))
    }

    @Test func `a stop before the start sends nothing`() throws {
        let rig = try RunnerHarness(tasks: 3)
        rig.runner.stop()
        rig.start()
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.isInterrupted && ending.isWorkOutstanding)
        try rig.settle()
        #expect(rig.provider.pending == 0)
        #expect(try rig.durable().allSatisfy { $0.latest == nil && $0.state == .queued })
    }

    @Test func `a store that refuses an intent ends the run, and nothing is sent`() throws {
        let rig = try RunnerHarness(tasks: 3)
        rig.faults.plan(.fails(StoreError(.full, "the disk is full")), atCommit: rig.faults.commits + 1)
        rig.start()
        guard case .storeFailed(let message) = try rig.end() else { return #expect(Bool(false), "it went on") }
        #expect(message == "the disk is full")
        try rig.settle()
        #expect(rig.provider.pending == 0 && rig.endings == 1)
        #expect(try rig.durable().allSatisfy { $0.latest == nil && $0.state == .queued })
    }

    @Test func `a store that refuses an outcome ends the run, and the task is as after a crash`() throws {
        let rig = try RunnerHarness(tasks: 2, concurrency: 1)
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

    @Test func `a stop sends nothing new, and requests in flight finish`() throws {
        let rig = try RunnerHarness(tasks: 3, concurrency: 1)
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        rig.runner.stop()
        try rig.settle()
        #expect(rig.endings == 0, "the run ended with a submit in flight")
        reply(.accepted(rig.report(.queued, key: submission.key)))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.isInterrupted && ending.isWorkOutstanding)
        #expect(rig.provider.pending == 0)
        let tasks = try rig.durable()
        #expect(tasks.first?.latest?.remoteID == RemoteTaskID("r1"))
        #expect(tasks.dropFirst().allSatisfy { $0.latest == nil })
    }

    @Test func `a task is polled at its scheduled time, not earlier`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.queued, key: submission.key)))
        try rig.settle()
        // An undocumented model is polled every two seconds at first.
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

    @Test func `the number of tasks in flight is limited, and a change of the limit applies immediately`() throws {
        let rig = try RunnerHarness(tasks: 5, concurrency: 1)
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.queued, key: submission.key)))
        try rig.settle()
        #expect(rig.provider.pending == 0)
        rig.runner.setConcurrency(3)
        try rig.settle()
        #expect(rig.provider.pending == 2)
        let counted = DispatchSemaphore(value: 0)
        rig.runner.inspect { snapshot in
            #expect(snapshot.counts.inFlight == 3 && snapshot.concurrencyLimit == 3)
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

    @Test func `waiting tasks are read page by page and each is sent once, in order`() throws {
        let rig = try RunnerHarness(tasks: 9, concurrency: 9) { $0.pageSize = 2 }
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

    @Test func `a clip is written part by part, and recorded after its rename`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        guard case .download(let asset, .start, let sink, let end) = rig.provider.next() else {
            return #expect(Bool(false), "no download")
        }
        #expect(asset.url == "https://cdn.example/clip")
        let parts: [DownloadPart] = [
            .begins(at: 0, AssetVersion(length: Int64(SmallClip.whole.count))),
            .bytes(Array(SmallClip.whole.prefix(9))),
            .bytes(Array(SmallClip.whole.dropFirst(9))),
        ]
        for part in parts { #expect(try Self.hand(part, to: sink)) }
        #expect(try rig.durable().first?.latest?.outputPath == nil)
        end(.whole)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult())
        let latest = try #require(try rig.durable().first?.latest)
        #expect(latest.outputPath == rig.scratch.folder + "/renders/reel/shot-1.mp4")
        #expect(rig.scratch.contents(latest.outputPath ?? "") == SmallClip.whole)
        #expect(latest.outputBytes == Int64(SmallClip.whole.count))
    }

    @Test func `a truncated clip is resumed, and a damaged one is downloaded again`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        try Self.feed(rig, expectedOffset: 0, Array(SmallClip.whole.prefix(20)), total: 30, .interrupted(Self.broken))
        try rig.settleClips()
        rig.timers.move(by: .seconds(2))
        // It has its length, but is not a clip.
        let junk = [UInt8](repeating: 1, count: 10)
        try Self.feed(rig, expectedOffset: 20, junk, total: 30, .whole)
        let (_, answer) = try #require(rig.provider.nextQuery())
        answer(.found(rig.report(.completed, cost: "1", url: "https://cdn.example/again")))
        let count = Int64(SmallClip.whole.count)
        try Self.feed(rig, expectedOffset: 0, SmallClip.whole, total: count, .whole)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult())
        #expect(rig.scratch.contents(try rig.durable().first?.latest?.outputPath ?? "") == SmallClip.whole)
        // Bytes that were paid for are kept.
        let kept = rig.scratch.contents(rig.scratch.folder + "/renders/reel/shot-1.damaged")
        #expect(kept == Array(SmallClip.whole.prefix(20)) + junk)
    }

    @Test func `a slow download yields to another one, and is resumed later`() throws {
        let rig = try RunnerHarness(tasks: 2, concurrency: 2) { $0.downloadConcurrency = 1 }
        rig.start()
        var downloads = try Self.complete(2, rig)
        let version = AssetVersion(validator: "\"1\"", length: Int64(SmallClip.whole.count))
        guard case .download(let slow, .start, let sink, let end) = downloads.popLast() ?? rig.provider.next() else {
            return #expect(Bool(false), "no download")
        }
        #expect(try Self.hand(.begins(at: 0, version), to: sink))
        #expect(try Self.hand(.bytes(Array(SmallClip.whole.prefix(20))), to: sink))
        rig.timers.move(by: .seconds(59))
        try rig.settleClips()
        #expect(try Self.hand(.bytes([SmallClip.whole[20]]), to: sink))
        rig.timers.move(by: .seconds(1))
        try rig.settleClips()
        #expect(try !Self.hand(.bytes([SmallClip.whole[21]]), to: sink))
        end(.sinkFailed("not taken"))
        guard case .download(let other, .start, let otherSink, let otherEnd) = rig.provider.next() else {
            return #expect(Bool(false), "the other does not get its place")
        }
        #expect(other != slow)
        #expect(try Self.hand(.begins(at: 0, version), to: otherSink))
        #expect(try Self.hand(.bytes(SmallClip.whole), to: otherSink))
        otherEnd(.whole)
        guard
            case .download(slow, ResumePoint(offset: 21, version: version), let again, let lastEnd) = rig.provider
                .next()
        else { return #expect(Bool(false), "the slow one does not go on") }
        #expect(try Self.hand(.begins(at: 21, version), to: again))
        #expect(try Self.hand(.bytes(Array(SmallClip.whole.dropFirst(21))), to: again))
        lastEnd(.whole)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult())
        for task in try rig.durable() {
            #expect(rig.scratch.contents(task.latest?.outputPath ?? "") == SmallClip.whole)
        }
    }

    @Test func `a clip of unknown length is kept with its URL, and reported`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        try Self.feed(rig, expectedOffset: 0, SmallClip.whole, total: nil, .unverified)
        try rig.settleClips()
        rig.timers.move(by: .seconds(2))
        guard case .download(_, let resume, let sink, let end) = rig.provider.next() else {
            return #expect(Bool(false), "it is not fetched once more")
        }
        #expect(resume.offset == Int64(SmallClip.whole.count))
        #expect(try Self.hand(.begins(at: 0, AssetVersion(validator: "\"1\"")), to: sink))
        #expect(try Self.hand(.bytes(SmallClip.whole), to: sink))
        end(.unverified)
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.unsaved == 1)
        let latest = try #require(try rig.durable().first?.latest)
        let kept = rig.scratch.folder + "/renders/reel/shot-1~unverified.mp4"
        #expect(latest.outputPath == nil && latest.failureCode == "unverified")
        #expect(latest.failureMessage == "may be truncated; kept as \(kept)")
        #expect(rig.scratch.contents(kept) == SmallClip.whole)
        let open = try rig.store.openAttempts(provider: "scripted", baseURL: rig.provider.baseURL)
        guard case .completed(_, AssetLocation(url: "https://cdn.example/clip")?, _, _) = open.first?.progress else {
            return #expect(Bool(false), "its address is gone")
        }
        let reason =
            "the server does not state the clip's length, so it may be truncated; it is kept as \(kept), and the next run tries again"
        #expect(rig.toldEvents.contains(.downloadFailed(rig.name("shot-1"), reason: reason)))
    }

    @Test func `a clip whose part another program modifies is downloaded again, and then reported`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        let report = rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")
        reply(.accepted(report))
        for turn in 1...2 {
            guard case .download(_, .start, let sink, let end) = rig.provider.next() else {
                return #expect(Bool(false), "no download")
            }
            #expect(try Self.hand(.begins(at: 0, AssetVersion(length: Int64(SmallClip.whole.count))), to: sink))
            #expect(try Self.hand(.bytes(SmallClip.whole), to: sink))
            let folder = rig.scratch.folder + "/renders/reel/"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            let part = try #require(names.first { $0.hasSuffix(".part") })
            let file = open(folder + part, O_WRONLY)
            #expect(pwrite(file, [0], 1, 50) == 1)
            close(file)
            end(.whole)
            guard turn == 1 else { continue }
            let (_, answer) = try #require(rig.provider.nextQuery())
            answer(.found(report))
        }
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending.unsaved == 1)
        let reason = "the bytes on disk differ from those received; another program may be writing to the file"
        #expect(rig.toldEvents.contains(.downloadFailed(rig.name("shot-1"), reason: reason)))
    }

    @Test func `a part that was complete when the program was killed needs no download`() throws {
        let rig = try RunnerHarness()
        rig.start()
        let (submission, reply) = try #require(rig.provider.nextSubmit())
        let paths = ClipPaths(
            folder: rig.scratch.folder + "/renders", batchName: "reel",
            output: OutputName(batch: rig.batch, key: TaskKey("shot-1"), attempt: 1, requested: nil),
            submissionKey: submission.key)
        do {
            let file = try ClipFile(paths)
            try file.start(at: 0, AssetVersion(validator: "\"1\"", length: Int64(SmallClip.whole.count)))
            try file.write(SmallClip.whole)
            try file.keep()
        }
        reply(.accepted(rig.report(.completed, key: submission.key, cost: "1", url: "https://cdn.example/clip")))
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult() && rig.provider.pending == 0)
        #expect(rig.scratch.contents(try rig.durable().first?.latest?.outputPath ?? "") == SmallClip.whole)
    }

    @Test func `a file in the way of one clip gives it another name, and does not delay others`() throws {
        let rig = try RunnerHarness(tasks: 2, concurrency: 2)
        let folder = rig.scratch.folder + "/renders/reel"
        try FileManager.default.createDirectory(atPath: folder + "/shot-1.mp4", withIntermediateDirectories: true)
        #expect(mkfifo(folder + "/shot-2.mp4", 0o644) == 0)
        rig.start()
        var downloads = try Self.complete(2, rig)
        for _ in 1...2 {
            guard case .download(_, .start, let sink, let end) = downloads.popLast() ?? rig.provider.next() else {
                return #expect(Bool(false), "no download")
            }
            #expect(try Self.hand(.begins(at: 0, AssetVersion(length: Int64(SmallClip.whole.count))), to: sink))
            #expect(try Self.hand(.bytes(SmallClip.whole), to: sink))
            end(.whole)
        }
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult())
        #expect(!rig.toldEvents.contains { if case .warning = $0 { true } else { false } })
        for task in try rig.durable() {
            let path = try #require(task.latest?.outputPath)
            #expect(path.hasPrefix(folder + "/\(task.key)~"))
            #expect(rig.scratch.contents(path) == SmallClip.whole)
        }
    }

    @Test func `a run without work ends at once`() throws {
        let rig = try RunnerHarness(tasks: 0)
        rig.start()
        guard case .ended(let ending) = try rig.end() else { return #expect(Bool(false), "the store failed") }
        #expect(ending == RunResult() && rig.provider.pending == 0)
    }

    // MARK: helpers

    private static let broken = ProviderError(kind: .broken, message: "cut")

    /// Answers `count` submits with finished clips.
    ///
    /// - Returns: the downloads that started.
    private static func complete(_ count: Int, _ rig: RunnerHarness) throws -> [ScriptedProvider.Call] {
        var (submits, downloads) = (0, [ScriptedProvider.Call]())
        while submits < count {
            let call = try #require(rig.provider.next(), "no submit")
            guard case .submit(let submission, let reply) = call else {
                downloads.append(call)
                continue
            }
            submits += 1
            let url = "https://cdn.example/\(submits)"
            reply(.accepted(rig.report(.completed, "r\(submits)", key: submission.key, cost: "1", url: url)))
        }
        return downloads
    }

    private static func feed(
        _ rig: RunnerHarness, expectedOffset: Int64, _ bytes: [UInt8], total: Int64?, _ end: DownloadOutcome
    ) throws {
        guard case .download(_, let resume, let sink, let reply) = rig.provider.next() else {
            return #expect(Bool(false), "no download")
        }
        #expect(resume.offset == expectedOffset)
        #expect(try hand(.begins(at: resume.offset, AssetVersion(validator: "\"1\"", length: total)), to: sink))
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
