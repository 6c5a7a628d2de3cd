import DailiesCore
import Testing

@testable import DailiesStore

/// The schema's constraints, tested with plain SQL: they must hold against any program.
struct SchemaRuleTests {
    /// Task 1 waits, 2 is being submitted, 3 accepted, 4 completed, 5 saved, 6 failed, 7 not accepted.
    private func rig() throws -> Rig {
        let rig = try Rig(tasks: (1...7).map { Rig.spec("task-\($0)") })
        for task in Int64(2)...7 { try rig.apply(Steps.intent(task)) }
        for task in Int64(3)...6 { try rig.apply(Steps.accepted(task)) }
        try rig.apply(
            Steps.settled(.completed, 4), Steps.settled(.completed, 5), Steps.saved(5),
            Steps.settled(.failed, 6, charges: [.notBilled]),
            .notAccepted(AttemptID(task: TaskID(7), number: 1), Steps.fault))
        return rig
    }

    static let forbidden = [
        "UPDATE task_state SET state = 'done' WHERE id = 1",
        "UPDATE task_state SET state = 'running' WHERE id = 1",
        "UPDATE task_state SET state = 'cancelled' WHERE id = 1",
        "UPDATE task_state SET withdrawn_code = 'removed', withdrawn_at_ms = 1 WHERE id = 1",
        "UPDATE task_state SET withdrawn_code = 'removed', state = 'cancelled' WHERE id = 1",
        "UPDATE task_state SET attempt = 0 WHERE id = 1",
        "UPDATE task_state SET credits_nano = -1 WHERE id = 1",
        "UPDATE task_state SET priority = 'high' WHERE id = 1",
        "UPDATE task_input SET tags = '{' WHERE id = 1",
        "UPDATE batch SET budget_nano = -1",
        "INSERT INTO task_input (batch_id, key, request) VALUES (1, 'task-1', '{}')",
        "INSERT INTO task_input (batch_id, key, request) VALUES (99, 'new', '{}')",
        "UPDATE attempt SET state = 'running' WHERE task = 2",
        "UPDATE attempt SET task_id = 'r' WHERE task = 2",
        "UPDATE attempt SET lost_at_ms = 1 WHERE task = 2",
        "UPDATE attempt SET credits_nano = 1 WHERE task = 2",
        "UPDATE attempt SET settled_at_ms = 1 WHERE task = 2",
        "UPDATE attempt SET failure_code = 'x' WHERE task = 2",
        "UPDATE attempt SET superseded_at_ms = 1 WHERE task = 2",
        "UPDATE attempt SET submission_key = 'key-3-1' WHERE task = 2",
        "UPDATE attempt SET dialect = 'other' WHERE task = 2",
        "UPDATE attempt SET body = NULL WHERE task = 2",
        "UPDATE attempt SET outcome_unknown_at_ms = 1 WHERE task = 3",
        "UPDATE attempt SET not_accepted_at_ms = 1 WHERE task = 3",
        "UPDATE attempt SET state = 'completed' WHERE task = 3",
        "UPDATE attempt SET task_id = NULL WHERE task = 3",
        "UPDATE attempt SET accepted_by = 'guess' WHERE task = 3",
        "UPDATE attempt SET output_url = 'u' WHERE task = 3",
        "UPDATE attempt SET is_cost_awaited = 1 WHERE task = 3",
        "UPDATE attempt SET is_cost_awaited = 1 WHERE task = 4",
        "UPDATE attempt SET reserved_nano = 1 WHERE task = 4",
        "UPDATE attempt SET credits_nano = -1 WHERE task = 4",
        "UPDATE attempt SET credits_nano = 0.5 WHERE task = 4",
        "UPDATE attempt SET output_path = '/x' WHERE task = 4",
        "UPDATE attempt SET output_path = '/x', output_sha256 = 'short', output_bytes = 1, saved_at_ms = 1 WHERE task = 4",
        "UPDATE attempt SET failure_code = 'other' WHERE task = 4",
        "UPDATE attempt SET output_url = 'u' WHERE task = 5",
        "UPDATE attempt SET failure_code = 'no_asset' WHERE task = 5",
        "UPDATE attempt SET failure_code = 'unverified' WHERE task = 5",
        "UPDATE attempt SET failure_code = NULL WHERE task = 6",
        "UPDATE attempt SET output_url = 'u' WHERE task = 6",
        "UPDATE attempt SET credits_nano = NULL, is_cost_awaited = 1 WHERE task = 6",
        "UPDATE attempt SET credits_nano = NULL, is_rounded = 1 WHERE task = 6",
        "UPDATE attempt SET reserved_nano = 1 WHERE task = 7",
        "UPDATE attempt SET is_open = 1 WHERE task = 7",
        "INSERT INTO event (at_ms, kind, amount_nano) VALUES (1, 'x', 1)",
        "INSERT INTO event (at_ms, kind) VALUES (1, '')",
        "INSERT INTO event (at_ms, kind, attempt) VALUES (1, 'x', 1)",
        "UPDATE event SET message = 'x'",
        "UPDATE event SET at_ms = at_ms WHERE id = 1",
        "DELETE FROM event WHERE id = 1",
        "DELETE FROM task_state WHERE id = 2",
        "DELETE FROM batch",
        "INSERT INTO key_trust VALUES ('u', 'f', 'flat', 'maybe', '', 1)",
    ]

    @Test func `the schema refuses every forbidden change`() throws {
        let rig = try rig()
        let shell = try rig.shell()
        let question = "SELECT count(*), total(amount_nano) FROM event"
        let before =
            try shell.rows("SELECT * FROM task_state") + shell.rows("SELECT * FROM attempt") + [
                shell.one(question)
            ]
        for statement in Self.forbidden {
            #expect(throws: Shell.ShellError.self, "\(statement)") { try shell.run(statement) }
        }
        let after =
            try shell.rows("SELECT * FROM task_state") + shell.rows("SELECT * FROM attempt") + [
                shell.one(question)
            ]
        #expect(after == before)
    }

    @Test func `the log keeps its order and every transition`() throws {
        let rig = try rig()
        #expect(
            try rig.shell().rows("SELECT kind, from_state, to_state FROM event WHERE task = 5 AND kind != 'amount'")
                == [
                    "intent|queued|queued", "accepted|queued|queued", "completed|queued|completed",
                    "saved|completed|completed",
                ])
        #expect(try rig.shell().one("SELECT count(*) FROM event WHERE message LIKE '%sig=%'") == "0")
    }

    @Test func `a manipulated store is reported`() throws {
        let rig = try rig()
        #expect(try rig.store.problems() == [])
        try rig.shell().run(
            """
            UPDATE task_state SET credits_nano = 1 WHERE id = 4;
            UPDATE task_state SET is_submitted = 0 WHERE id = 2;
            UPDATE batch_total SET settled_billionths = settled_billionths + 1;
            """)
        #expect(
            try rig.store.problems() == [
                "task 2 does not match its latest attempt",
                "the cost of task 4 is not the sum of its attempts",
                "the totals of batch 1 are not the sums of its attempts",
            ])
    }

    @Test func `the view matches the manual`() throws {
        let rig = try rig()
        #expect(
            try rig.shell().rows("select state, count(*), sum(credits) from task group by state")
                == ["completed|2|2.5", "failed|1|0.0", "queued|4|"])
        #expect(
            try rig.shell().rows("SELECT submission_key, task_id, submitted_at_ms IS NULL FROM task WHERE id IN (1, 7)")
                == ["||1", "||1"])
        #expect(
            try rig.shell().one("SELECT settled_at_ms IS NOT NULL, completed_at_ms, output_path FROM task WHERE id = 5")
                == "1|42|/renders/5.mp4")
    }
}
