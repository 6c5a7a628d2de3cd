import DailiesCore
import Testing

@testable import DailiesStore

/// Data for the adaptive cadence and for retries with a new seed.
struct DurationTests {
    private let shape = RequestShape(model: ModelID("sora-2-pro"), durationSeconds: 8, resolution: "1080p")

    /// Sent at one time, settled at another; completed by the provider's clock, if given.
    private func complete(
        _ rig: Rig, _ task: Int64, sent: Int64, settled: Int64, completed: Int64?, isReplayed: Bool = false
    ) throws {
        let attempt = AttemptID(task: TaskID(task), number: 1)
        try rig.store.writeAndWait([
            Mutation(at: Instant(milliseconds: sent), Steps.intent(task)),
            Mutation(at: Instant(milliseconds: sent + 1), Steps.accepted(task)),
            Mutation(
                at: Instant(milliseconds: settled),
                .settled(
                    attempt,
                    Settlement(
                        end: .completed, charges: [Steps.amount("1")], isReplayed: isReplayed,
                        completedAt: completed.map(Instant.init(milliseconds:)), asset: nil))),
        ])
    }

    @Test func `durations end at the provider's adjusted completion time, or else at the poll that detected the clip`()
        throws
    {
        let rig = try Rig(tasks: (1...4).map { Rig.spec("t\($0)") })
        // Its clock is an hour ahead; the third clip was detected immediately.
        let ahead: Int64 = 3_600_000
        try complete(rig, 1, sent: 10_000, settled: 160_000, completed: 150_000 + ahead)
        try complete(rig, 2, sent: 20_000, settled: 9_000_000, completed: 170_000 + ahead)
        try complete(rig, 3, sent: 30_000, settled: 180_000, completed: 180_000 + ahead)
        try complete(rig, 4, sent: 40_000, settled: 200_000, completed: nil)
        func seen(_ usesProviderTimes: Bool, rows: Int = 100) throws -> [ObservedDuration] {
            try rig.store.observedDurations(batches: [rig.batch], usesProviderTimes: usesProviderTimes, rows: rows)
        }
        func one(_ seconds: Int, isDetected: Bool) -> ObservedDuration {
            ObservedDuration(shape: shape, duration: .seconds(seconds), isDetected: isDetected)
        }
        let exact = try seen(true)
        #expect(exact == [140, 150, 150].map { one($0, isDetected: false) } + [one(160, isDetected: true)])
        let detected = try seen(false)
        #expect(detected == [150, 8980, 150, 160].map { one($0, isDetected: true) })
        #expect(try seen(true, rows: 1).count == 1)
        #expect(try rig.store.observedDurations(batches: [], usesProviderTimes: true).isEmpty)
    }

    @Test func `replayed and incomplete attempts give no durations`() throws {
        let rig = try Rig(tasks: (1...2).map { Rig.spec("t\($0)") })
        try complete(rig, 1, sent: 10_000, settled: 20_000, completed: nil, isReplayed: true)
        try rig.apply(Steps.intent(2), Steps.accepted(2))
        let seen = try rig.store.observedDurations(batches: [rig.batch], usesProviderTimes: false)
        #expect(seen.isEmpty)
    }

    @Test func `a new seed applies to the next attempt, is logged, and ends with a change in the manifest`()
        throws
    {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let first = AttemptID(task: TaskID(1), number: 1)
        try rig.apply(Steps.intent(), Steps.accepted(), .running(first))
        try rig.apply(
            Steps.settled(.failed, charges: [.notBilled]), .retried(TaskID(1)), .reseeded(TaskID(1), 77, isByRule: true)
        )
        func waiting() throws -> WaitingTask? {
            try rig.store.waiting(batch: rig.batch, model: shape.model, after: nil, limit: 9).first
        }
        let task = try #require(try waiting())
        #expect(task.attempt == 2)
        #expect(task.request.text == #"{"model":"sora-2-pro","prompt":"a pine forest","seed":77}"#)
        #expect(
            try rig.shell().one("SELECT source, message FROM event WHERE kind = 'reseeded'") == "rule:new_seed|77")
        // The manifest is unchanged.
        _ = try rig.importManifest([Rig.spec("a")])
        #expect(try waiting()?.request == task.request)
        _ = try rig.importManifest([Rig.spec("a", prompt: "a beach")], ImportOptions(acceptChanges: true))
        #expect(try waiting()?.request.text == #"{"model":"sora-2-pro","prompt":"a beach"}"#)
    }

    @Test func `only a waiting task accepts a new seed`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try rig.apply(Steps.intent())
        #expect(throws: StoreError.self) { try rig.apply(.reseeded(TaskID(1), 1)) }
    }
}
