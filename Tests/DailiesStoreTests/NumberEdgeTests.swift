import DailiesCore
import Testing

@testable import DailiesStore

/// Numbers that the program never writes, in a file that anyone may write to.
struct NumberEdgeTests {
    private static func damaged(_ error: any Error) -> Bool { (error as? StoreError)?.kind == .damaged }

    @Test(arguments: ["0", "-1", "2147483648", "9223372036854775807", "-9223372036854775808"])
    func `an impossible attempt number is damage, wherever it is read`(number: String) throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b"), Rig.spec("c")])
        try rig.apply(Steps.intent(1), Steps.accepted(1))
        try rig.apply(Steps.intent(2), Steps.accepted(2), Steps.settled(.completed, 2, charges: []))
        let shell = try rig.shell()
        try shell.run("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
        try shell.run("UPDATE task_state SET attempt = \(number); UPDATE attempt SET number = \(number)")
        let store = rig.store
        let model = ModelID("sora-2-pro")
        #expect(throws: (any Error).self) {
            try store.openAttempts(provider: "bytespike", baseURL: "https://api.example")
        }
        #expect(
            performing: { try store.waiting(batch: rig.batch, model: model, after: nil, limit: 9) },
            throws: Self.damaged)
        #expect(performing: { try store.tasks(limit: 9) }, throws: Self.damaged)
        #expect(performing: { try store.attempts(of: TaskID(1)) }, throws: Self.damaged)
        #expect(performing: { try store.retake([TaskID(2)], at: rig.tick()) }, throws: Self.damaged)
        #expect(performing: { try rig.apply(.retried(TaskID(2))) }, throws: { _ in true })
        #expect(performing: { try rig.importManifest([Rig.spec("a", prompt: "another")]) }, throws: { _ in true })
        // Counts and sums still work.
        #expect(try store.summary().total.states.values.reduce(0, +) == 3)
        #expect(try store.spend(by: [.model]).total.attempts == 1)
    }

    @Test func `the schema refuses an impossible attempt number`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent(1))
        let shell = try rig.shell()
        for change in [
            "UPDATE task_state SET attempt = 0", "UPDATE task_state SET attempt = 2147483648",
            "UPDATE attempt SET number = 2147483648",
            "INSERT INTO command (at_ms, kind, task, attempt) VALUES (0, 'retry', 1, 2147483648)",
        ] { #expect(throws: (any Error).self, "\(change)") { try shell.run(change) } }
    }

    @Test func `a command on an impossible attempt is damage`() throws {
        let rig = try Rig()
        let shell = try rig.shell()
        try shell.run("PRAGMA ignore_check_constraints = ON")
        try shell.run("INSERT INTO command (at_ms, kind, task, attempt) VALUES (0, 'cancel', 1, -7)")
        #expect(
            performing: { try rig.store.pendingCommands(after: nil, isForced: true, at: Instant(milliseconds: 5)) },
            throws: Self.damaged)
    }

    @Test(arguments: [("0", 1), ("-9223372036854775808", 1), ("7", 7), ("9223372036854775807", Int(Int32.max))])
    func `a limit written by hand is clamped to a valid one`(written: String, limit: Int) throws {
        let rig = try Rig()
        let shell = try rig.shell()
        try shell.run("PRAGMA ignore_check_constraints = ON")
        for model in ["NULL", "'m'"] {
            try shell.run(
                """
                INSERT INTO command (at_ms, kind, model, tasks_in_flight, ended_at_ms, outcome)
                VALUES (0, 'concurrency', \(model), \(written), 0, 'holds')
                """)
        }
        let orders = try rig.store.runControls()
        #expect(orders.concurrency == limit && orders.modelConcurrency[ModelID("m")] == limit)
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func `amounts, times, rows and seconds at the edges of 64 bits are read, summed and listed`(edge: Int64) throws {
        let rig = try Rig(budget: .cap(Steps.credits("5")))
        try rig.apply(Steps.intent(1), Steps.accepted(1), Steps.settled(.completed, 1))
        let shell = try rig.shell()
        try shell.run("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
        try shell.run(
            """
            UPDATE attempt SET submitted_at_ms = \(edge), completed_at_ms = \(edge), estimated_credits_nano = \(edge),
                delivered_seconds = \(edge < 0 ? "-9e999" : "9e999");
            UPDATE attempt SET settled_at_ms = \(edge), sent_at_ms = \(Int64.min);
            UPDATE batch SET budget_nano = \(edge), created_at_ms = \(edge);
            UPDATE batch_total SET settled_whole = \(edge), settled_billionths = \(edge), reserved_whole = \(edge),
                reserved_billionths = \(edge), first_submitted_at_ms = \(edge), last_settled_at_ms = \(edge);
            """)
        let store = rig.store
        let row = try #require(try store.task(TaskID(1)))
        #expect(row.latest?.submittedAt == Instant(milliseconds: edge) && row.latest?.estimated?.nano == edge)
        #expect(try store.task(TaskID(edge))?.id == (edge == 1 ? TaskID(1) : nil))
        #expect(try store.budgetPosition(rig.batch).cap == Credits(nano: edge))
        // It does not trap.
        _ = try store.summary().total.settled.description
        for dimension in [ReportDimension.day, .model, .state] {
            #expect(try store.spend(by: [dimension]).total.attempts == 1)
        }
        _ = try store.paceSample()
        // An attempt settled before it was sent has no duration.
        let durations = try store.observedDurations(batches: [rig.batch], usesProviderTimes: true)
        #expect(durations.count == (edge == .min ? 0 : 1))
        _ = try store.problems()
    }

    @Test func `the largest row number does not end an import`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        let shell = try rig.shell()
        try shell.run("PRAGMA foreign_keys = OFF")
        try shell.run(
            """
            UPDATE task_input SET id = 9223372036854775806 WHERE id = 2;
            UPDATE task_state SET id = 9223372036854775806 WHERE id = 2;
            """)
        let enrolment = try rig.importManifest(["a", "b", "c", "d", "e"].map { Rig.spec($0) })
        #expect(enrolment.new == 3 && enrolment.unchanged == 2)
    }
}
