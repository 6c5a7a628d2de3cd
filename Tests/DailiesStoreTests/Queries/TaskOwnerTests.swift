import DailiesCore
import Testing

@testable import DailiesStore

/// One service, account and task ID have one owner.
struct TaskOwnerTests {
    private static let account = KeyFingerprint("0123456789ab")

    private func accepted(_ task: Int64, as remote: String, _ number: Int = 1) -> Mutation.Kind {
        .accepted(
            AttemptID(task: TaskID(task), number: number),
            Acceptance(
                remoteID: RemoteTaskID(remote), isRunning: false, estimate: nil, reserved: Steps.credits("2"),
                source: .reply))
    }

    private func kind(_ body: () throws(StoreError) -> Void) -> StoreError.Kind? {
        do throws(StoreError) {
            try body()
            return nil
        } catch {
            return error.kind
        }
    }

    private static let owner = TaskOwner(
        batch: "batch", key: TaskKey("a"), attempt: AttemptID(task: TaskID(1), number: 1))

    @Test func `a task ID of another attempt is refused with the owner's name, and nothing is written`()
        throws
    {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try rig.apply(Steps.intent(1), Steps.intent(2), accepted(1, as: "r1"))
        let trust = KeySupportRecord(
            baseURL: "https://api.example", account: Self.account, dialect: .flat, trust: .honored, evidence: "echo")
        let refused = kind { () throws(StoreError) in
            try rig.store.writeAndWait(
                [.keyTrust(trust), accepted(2, as: "r1")].map { Mutation(at: Instant(milliseconds: 7), $0) })
        }
        #expect(refused == .taskIDTaken(Self.owner))
        let shell = try rig.shell()
        #expect(try shell.rows("SELECT task, task_id FROM attempt ORDER BY task") == ["1|r1", "2|"])
        #expect(try shell.one("SELECT count(*) FROM event WHERE kind = 'accepted'") == "1")
        #expect(
            try rig.store.keyTrust(baseURL: "https://api.example", account: Self.account, dialect: .flat) == .unknown)
        #expect(try rig.store.problems() == [])
    }

    @Test func `a task that a user adopts for one attempt is refused to others until the command ends`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try rig.apply(Steps.intent(1), Steps.intent(2))
        let users = try Store.open(rig.scratch.path, for: .sendingCommands)
        let command = try users.enqueue(
            [NewCommand(.adopt(RemoteTaskID("r1")), of: Self.owner.attempt)], at: rig.tick())[
                0]
        let other = Mutation(at: Instant(milliseconds: 7), accepted(2, as: "r1"))
        #expect(kind { () throws(StoreError) in try rig.store.writeAndWait([other]) } == .taskIDTaken(Self.owner))
        try rig.apply(.commandEnded(command, .notLookedUp, message: nil))
        try rig.store.writeAndWait([other])
        #expect(try rig.shell().rows("SELECT task, task_id FROM attempt ORDER BY task") == ["1|", "2|r1"])
        #expect(try rig.store.problems() == [])
    }

    @Test func `other calls in the transaction of a refused acceptance are written`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b"), Rig.spec("c")])
        try rig.apply(Steps.intent(1), Steps.intent(2), Steps.intent(3))
        let results = Locked<[String]>([])
        let changes = [accepted(1, as: "r1"), accepted(2, as: "r1"), accepted(3, as: "r3")]
        // Queued while the store is busy, so that all are one group.
        try rig.store.onQueue { () throws(StoreError) in
            for change in changes {
                rig.store.write([Mutation(at: Instant(milliseconds: 7), change)]) { result in
                    let word =
                        switch result {
                        case .success: "written"
                        case .failure(let error): "\(error.kind)"
                        }
                    results.withLock { $0.append(word) }
                }
            }
        }
        try rig.store.drain()
        #expect(results.withLock { $0 } == ["written", "\(StoreError.Kind.taskIDTaken(Self.owner))", "written"])
        #expect(try rig.shell().rows("SELECT task, task_id FROM attempt ORDER BY task") == ["1|r1", "2|", "3|r3"])
    }

    @Test func `a refused task ID does not hide that the store fails`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try rig.apply(Steps.intent(1), Steps.intent(2), accepted(1, as: "r1"))
        rig.faults.plan(.fails(StoreError(.full, "the disk is full")), atCommit: rig.faults.commits + 1)
        let failureKind = Locked<StoreError.Kind?>(nil)
        rig.store.write([Mutation(at: Instant(milliseconds: 7), accepted(2, as: "r1"))]) { result in
            if case .failure(let error) = result { failureKind.withLock { $0 = error.kind } }
        }
        try rig.store.drain()
        #expect(failureKind.withLock { $0 } == .full)
    }

    @Test func `an earlier take of the same task is another attempt`() throws {
        let rig = try Rig()
        try rig.apply(
            Steps.intent(1), accepted(1, as: "r1"),
            Steps.settled(.failed, charges: [.notBilled], code: "failed", url: nil), .retried(TaskID(1)),
            Steps.intent(1, 2))
        #expect(
            kind { () throws(StoreError) in
                try rig.store.writeAndWait([Mutation(at: Instant(milliseconds: 7), accepted(1, as: "r1", 2))])
            } == .taskIDTaken(Self.owner))
    }

    @Test func `another service, or another account, may have a task of the same ID`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        _ = try rig.importManifest(
            [Rig.spec("c")], manifest: Rig.manifest("other", baseURL: "https://elsewhere.example"))
        guard case .intent(let intent) = Steps.intent(2) else { return #expect(Bool(false), "an intent is one") }
        let submission = Submission(
            attempt: intent.submission.attempt, key: intent.submission.key, model: intent.submission.model,
            dialect: .flat, account: KeyFingerprint("ba9876543210"), body: intent.submission.body)
        try rig.apply(
            Steps.intent(1), .intent(Intent(submission: submission, reserved: nil)), Steps.intent(3),
            accepted(1, as: "r1"), accepted(2, as: "r1"), accepted(3, as: "r1"))
        #expect(try rig.shell().one("SELECT count(*) FROM attempt WHERE task_id = 'r1'") == "3")
    }

    // MARK: Times

    @Test func `a resubmission has its own send time, from which its duration and age count`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        func at(_ second: Int64, _ steps: Mutation.Kind...) throws {
            try rig.store.writeAndWait(steps.map { Mutation(at: Instant(milliseconds: 1000 * second), $0) })
        }
        let attempt = AttemptID(task: TaskID(1), number: 1)
        try at(2000, Steps.intent(1), Steps.intent(2), accepted(2, as: "r2"))
        try at(2001, .uncertain(attempt, Steps.fault))
        try at(9000, .repeated(attempt))
        let open = try rig.store.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        #expect(open.map(\.sentAt) == [Instant(milliseconds: 9_000_000), Instant(milliseconds: 2_000_000)])
        #expect(open.map(\.submittedAt) == [Instant(milliseconds: 2_000_000), Instant(milliseconds: 2_000_000)])
        #expect(try rig.store.task(TaskID(1))?.latest?.sentAt == Instant(milliseconds: 9_000_000))
        try at(9001, accepted(1, as: "r1"))
        try at(9060, Steps.settled(.completed))
        #expect(try rig.store.paceSample().durations == [.seconds(60)])
        let seen = try rig.store.observedDurations(batches: [rig.batch], usesProviderTimes: false)
        #expect(seen.map(\.duration) == [.seconds(60)])
    }

    @Test func `durations written by a clock that was ahead are skipped`() throws {
        let rig = try Rig()
        func at(_ second: Int64, _ step: Mutation.Kind) throws {
            try rig.store.writeAndWait([Mutation(at: Instant(milliseconds: 1000 * second), step)])
        }
        try at(90_000, Steps.intent(1))
        try at(90_001, accepted(1, as: "r1"))
        try at(3600, Steps.settled(.completed))
        #expect(try rig.store.paceSample().durations == [])
        #expect(try rig.store.observedDurations(batches: [rig.batch], usesProviderTimes: false).isEmpty)
    }

    @Test func `attempts settled in the future count as settled now and are counted`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        func at(_ instant: Instant, _ steps: Mutation.Kind...) throws {
            try rig.store.writeAndWait(steps.map { Mutation(at: instant, $0) })
        }
        let now = Instant(milliseconds: 1_790_000_000_000)
        let ahead = now + .seconds(3 * 86_400)
        try at(now, Steps.intent(1), Steps.intent(2), accepted(1, as: "r1"), accepted(2, as: "r2"))
        try at(now - .seconds(60), Steps.settled(.completed, 1))
        try at(ahead, Steps.settled(.completed, 2))
        let byDay = try rig.store.spend(by: [.day], since: now - .seconds(3600), now: now)
        #expect(byDay.rows.map(\.figures.attempts) == [2], "both are of today")
        #expect(byDay.total.settledInFuture == 1 && byDay.total.attempts == 2)
        #expect(try rig.store.spend(by: [], since: now + .seconds(1), now: now).total.attempts == 0)
        // Once that time has come, the written time counts.
        let later = try rig.store.spend(by: [.day], now: ahead + .seconds(1))
        #expect(later.rows.count == 2 && later.total.settledInFuture == 0)
    }
}
