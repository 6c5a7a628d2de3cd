import DailiesCore
import DailiesStore
import Dispatch
import Testing

@testable import DailiesRunner

/// The status that all observers of a run share.
struct RunMonitorTests {
    private final class Recorder: RunObserver {
        let last = Locked<RunStatus?>(nil)
        let shown = DispatchSemaphore(value: 0)

        func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus) {}
        func snapshot(_ status: RunStatus) {
            last.withLock { $0 = status }
            shown.signal()
        }
    }

    @Test func `a completed task that is rendered again is neither completed nor saved, and no count is negative`() {
        let task = TaskName(batch: BatchID(1), key: TaskKey("a"))
        var counts = StatusCounts()
        counts.states = [.completed: 1]
        var status = RunStatus(of: BatchNames(own: [BatchID(1)]), counts, concurrency: 1, budget: nil)
        #expect(status.completed == 1 && status.saved == 1)
        for _ in 1...2 {
            status.apply(.retried(task), at: Instant(milliseconds: 1))
            #expect(status.completed == 0 && status.saved == 0)
        }
    }

    @Test func `a snapshot has the credits of the store, with a cost that no event tells`() throws {
        let rig = try RunnerHarness(tasks: 2) { $0.downloads = false }
        let recorder = Recorder()
        let monitor = RunMonitor(recorder)
        monitor.follow(rig.runner) { RunStatus() }
        rig.start()
        let (first, reply) = try #require(rig.provider.nextSubmit())
        reply(.accepted(rig.report(.queued, key: first.key)))
        let (second, replyToSecond) = try #require(rig.provider.nextSubmit())
        replyToSecond(.accepted(rig.report(.completed, "r2", key: second.key)))
        try rig.settle()
        for _ in 0..<60 where try rig.store.budgetPosition(rig.batch).settled == .zero {
            rig.timers.move(by: .seconds(1))
            try rig.settle()
            while rig.provider.pending > 0 {
                let (question, answer) = try #require(rig.provider.nextQuery())
                let isFirst = question.subject == .remote(RemoteTaskID("r1"))
                answer(.found(isFirst ? rig.report(.queued) : rig.report(.completed, "r2", cost: "2")))
                try rig.settle()
            }
        }
        monitor.snapshot()
        #expect(recorder.shown.wait(timeout: .now() + .seconds(30)) == .success)
        let status = try #require(recorder.last.withLock { $0 })
        #expect(status.charged == CreditTotal(Credits(nano: 2_000_000_000)))
        #expect(try status.charged == rig.store.budgetPosition(rig.batch).settled)
        monitor.stop()
        rig.runner.stop()
        _ = try rig.end()
    }
}
