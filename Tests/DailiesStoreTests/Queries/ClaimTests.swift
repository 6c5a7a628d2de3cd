import DailiesCore
import Testing

@testable import DailiesStore

/// Waiting tasks that runners claim.
struct ClaimTests {
    private static let (first, second) = (RunnerID(-7), RunnerID(8))
    private static let lease = Duration.seconds(30)

    private let rig: Rig
    private let queue: TaskQueueID

    init() throws {
        rig = try Rig(
            tasks: ["a", "b", "c", "d", "e"].map { Rig.spec($0, priority: $0 == "d" ? 1 : 0) }
                + [Rig.spec("other", model: "veo-3.1")])
        queue = TaskQueueID(batch: rig.batch, model: ModelID("sora-2-pro"))
        try rig.store.register(Self.first, host: "stage-1", process: 1, lease: Self.lease, at: rig.tick())
    }

    private func claim(_ limit: Int, by runner: RunnerID = first, at: Instant? = nil) throws -> [String] {
        try rig.store.claim(queue, limit: limit, by: runner, lease: Self.lease, at: at ?? rig.tick()).map(\.key.text)
    }

    /// A second runner beside the first, which a store in a file does not have.
    private func addSecond() throws {
        try rig.shell().run("INSERT INTO runner VALUES (8, 'stage-2', 2, 0, \(rig.tick().milliseconds + 30000), NULL)")
    }

    private func claims() throws -> [String] {
        try rig.shell().rows("SELECT id, claimed_by FROM task_state WHERE claimed_by IS NOT NULL ORDER BY id")
    }

    @Test func `each task is claimed by one runner, in the order of its queue`() throws {
        try addSecond()
        #expect(try claim(2) == ["d", "a"])
        #expect(try claim(2, by: Self.second) == ["b", "c"])
        #expect(try claim(9) == ["e"])
        #expect(try claim(9, by: Self.second) == [])
        #expect(try claims() == ["1|-7", "2|8", "3|8", "4|-7", "5|-7"])
        #expect(try rig.store.problems() == [])
    }

    @Test func `a claimed task is what a page of its queue contains`() throws {
        let page = try rig.store.waiting(batch: queue.batch, model: queue.model, after: nil, limit: 9)
        let claimed = try rig.store.claim(queue, limit: 9, by: Self.first, lease: Self.lease, at: rig.tick())
        #expect(claimed == page && page.count == 5)
    }

    @Test func `claims that a crash leaves behind are released when the next runner registers`() throws {
        #expect(try claim(2) == ["d", "a"])
        try rig.store.register(Self.second, host: "stage-1", process: 2, lease: Self.lease, at: rig.tick())
        #expect(try claims() == [])
        #expect(try claim(2, by: Self.second) == ["d", "a"])
        let error = #expect(throws: StoreError.self) { try claim(1) }
        #expect(error?.kind == .conflict && error?.message == "the lease of runner -7 is over")
        #expect(throws: StoreError.self) { try rig.store.renew(Self.first, lease: Self.lease, at: rig.tick()) }
    }

    @Test func `a runner that ends releases its claims, and those of others stay`() throws {
        try addSecond()
        _ = try (claim(1), claim(1, by: Self.second))
        try rig.store.end(Self.first, at: rig.tick())
        #expect(try claims() == ["1|8"])
        #expect(try claim(1, by: Self.second) == ["d"])
    }

    @Test func `a runner is taken over once its lease has passed, unless it has renewed it`() throws {
        try addSecond()
        _ = try (claim(1), claim(1, by: Self.second))
        let soon = rig.tick() + .seconds(20)
        try rig.store.renew(Self.second, lease: Self.lease, at: soon)
        #expect(try rig.store.takeOver(at: soon) == 0)
        let later = soon + .seconds(20)
        #expect(try rig.store.takeOver(at: later) == 1)
        #expect(try claims() == ["1|8"])
        #expect(throws: StoreError.self) { try claim(1, at: later) }
        // Whose lease has passed is over before anyone has noticed.
        #expect(throws: StoreError.self) { try claim(1, by: Self.second, at: later + Self.lease) }
    }

    @Test func `claims are released one by one, and only by their runner`() throws {
        try addSecond()
        #expect(try claim(2) == ["d", "a"])
        try rig.store.release([TaskID(1), TaskID(4)], by: Self.second)
        #expect(try claims() == ["1|-7", "4|-7"])
        try rig.store.release([TaskID(1)], by: Self.first)
        #expect(try claims() == ["4|-7"])
    }

    @Test func `a claim ends when its task is submitted or withdrawn`() throws {
        #expect(try claim(3) == ["d", "a", "b"])
        try rig.apply(Steps.intent(1), .withdrawn(TaskID(2), .cancelled))
        #expect(try claims() == ["4|-7"])
        try rig.apply(.notAccepted(AttemptID(task: TaskID(1), number: 1), Steps.fault))
        #expect(try claim(9) == ["a", "c", "e"])
    }

    @Test func `a task that another runner has claimed is not submitted until it is released`() throws {
        try addSecond()
        _ = try (claim(1), claim(1, by: Self.second))
        let before = try rig.shell().rows("SELECT * FROM task_state")
        let error = #expect(throws: StoreError.self) { try rig.apply(Steps.intent(1)) }
        #expect(error?.kind == .conflict)
        #expect(try rig.shell().rows("SELECT * FROM task_state") == before)
        #expect(try rig.shell().one("SELECT count(*) FROM attempt") == "0")
        try rig.apply(Steps.intent(4), Steps.intent(2))
        try rig.store.release([TaskID(1)], by: Self.second)
        try rig.apply(Steps.intent(1))
        #expect(try rig.store.problems() == [])
    }

    @Test func `without a registration, only unclaimed tasks are submitted`() throws {
        #expect(try claim(1) == ["d"])
        let other = try Store.open(rig.scratch.path, for: .running)
        let refused = Mutation(at: rig.tick(), Steps.intent(4))
        #expect(throws: StoreError.self) { try other.writeAndWait([refused]) }
        try other.writeAndWait([Mutation(at: rig.tick(), Steps.intent(1))])
    }

    @Test func `only waiting tasks can be claimed`() throws {
        try rig.apply(Steps.intent(1))
        #expect(throws: Shell.ShellError.self) {
            try rig.shell().run("UPDATE task_state SET claimed_by = -7 WHERE id = 1")
        }
    }
}
