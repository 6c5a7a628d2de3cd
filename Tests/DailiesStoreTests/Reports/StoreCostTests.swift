import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

struct StoreCostTests {
    private func complete(_ rig: Rig, _ task: Int64, _ charges: [Amount]) throws {
        try rig.apply(Steps.intent(task), Steps.accepted(task), Steps.settled(.completed, task, charges: charges))
    }

    @Test func `a tenth plus two tenths is three tenths`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try complete(rig, 1, [Steps.amount("0.1")])
        try complete(rig, 2, [Steps.amount("0.2")])
        #expect(try rig.store.spend(by: []).total.charged.description == "0.3")
        #expect(try rig.store.budgetPosition(rig.batch).settled.description == "0.3")
        #expect(try rig.shell().rows("SELECT credits_nano, credits FROM task") == ["100000000|0.1", "200000000|0.2"])
    }

    @Test func `amounts with more than nine decimals are booked rounded, flagged and counted`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try complete(rig, 1, [Steps.amount("0.12345678949")])
        #expect(try rig.shell().one("SELECT credits_nano, is_rounded FROM attempt") == "123456789|1")
        #expect(
            try rig.shell().one(
                "SELECT amount_text, amount_nano, amount_field, is_rounded FROM event WHERE amount_kind = 'charged'")
                == "0.12345678949|123456789|credits_used|1")
        #expect(try rig.store.spend(by: []).total.roundedCosts == 1)
    }

    @Test func `every amount has a log row, and the booked ones add up`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try complete(rig, 1, [Steps.amount("1.2"), Steps.amount("1.3", from: "credits")])
        #expect(
            try rig.shell().rows(
                "SELECT kind, amount_kind, amount_text, amount_field FROM event WHERE amount_kind IS NOT NULL")
                == [
                    "intent|reserved|2|reservation", "accepted|quoted|1.25|credits_used",
                    "amount|released|2|reservation", "amount|reserved|1.5|reservation",
                    "completed|charged|1.2|credits_used", "amount|stated|1.3|credits",
                    "amount|released|1.5|reservation",
                ])
        let booked = "SELECT sum(amount_nano) FROM event WHERE amount_kind = 'charged'"
        #expect(try rig.shell().one(booked) == rig.shell().one("SELECT sum(credits_nano) FROM attempt"))
    }

    @Test func `reservations change with each step and are released with the bill`() throws {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        func position() throws -> String {
            let position = try rig.store.budgetPosition(rig.batch)
            return "\(position.settled) + \(position.reserved)"
        }
        #expect(try position() == "0 + 0")
        try rig.apply(Steps.intent(1), Steps.intent(2, reserved: "0.000000001"))
        #expect(try position() == "0 + 2.000000001")
        try rig.apply(.notAccepted(AttemptID(task: TaskID(2), number: 1), Steps.fault))
        #expect(try position() == "0 + 2")
        try rig.apply(Steps.accepted(1))
        #expect(try position() == "0 + 1.5")
        try rig.apply(Steps.settled(.completed, 1, charges: [Steps.amount("7.000000003")]))
        #expect(try position() == "7.000000003 + 0")
        #expect(try rig.store.problems() == [])
    }

    @Test func `an unknown cost is null, and its reservation stays until it is learned`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let attempt = AttemptID(task: TaskID(1), number: 1)
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed, charges: [], awaited: true))
        #expect(try rig.shell().one("SELECT credits IS NULL, credits_nano IS NULL FROM task") == "1|1")
        try rig.apply(.costUnknown(attempt))
        #expect(try rig.store.budgetPosition(rig.batch).reserved.description == "1.5")
        #expect(try rig.store.spend(by: []).total.unknownCosts == 1)
        try rig.apply(.costLearned(attempt, [Steps.amount("1.1")]))
        #expect(try rig.store.budgetPosition(rig.batch).reserved == .zero)
        #expect(try rig.shell().one("SELECT credits FROM task") == "1.1")
    }

    @Test func `a task's cost is the sum of its attempts, unknown if one of them is`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        try rig.apply(
            Steps.intent(), Steps.accepted(), Steps.settled(.failed, charges: [Steps.amount("0.5")]),
            .retried(TaskID(1)))
        #expect(
            try rig.shell().one("SELECT state, attempt, credits, failure_code IS NULL FROM task") == "queued|2|0.5|1")
        try rig.apply(Steps.intent(1, 2), Steps.accepted(1, 2))
        #expect(try rig.shell().one("SELECT credits FROM task") == "0.5")
        try rig.apply(Steps.settled(.failed, 1, 2, charges: []))
        #expect(try rig.shell().one("SELECT credits IS NULL FROM task") == "1")
        try rig.apply(.costLearned(AttemptID(task: TaskID(1), number: 2), [Steps.amount("0.25")]))
        #expect(try rig.shell().one("SELECT credits FROM task") == "0.75")
        #expect(try rig.store.problems() == [])
    }

    @Test func `sums beyond 64 bits of billionths are exact`() throws {
        let rig = try Rig(tasks: (1...4).map { Rig.spec("task-\($0)") })
        for task in Int64(1)...4 { try complete(rig, task, [Steps.amount("9223372036.854775807")]) }
        #expect(try rig.store.spend(by: [.model]).rows.first?.figures.charged.description == "36893488147.419103228")
        #expect(try rig.store.budgetPosition(rig.batch).settled.description == "36893488147.419103228")
        // One task's sum is a 64-bit column: it clamps at the end of the range instead of failing the commit.
        let again = ImportOptions(acceptChanges: true)
        _ = try rig.importManifest([Rig.spec("task-1", prompt: "new")], again)
        try rig.apply(
            Steps.intent(1, 2), Steps.accepted(1, 2),
            Steps.settled(.completed, 1, 2, charges: [Steps.amount("9223372036.854775807")]))
        #expect(try rig.shell().one("SELECT credits_nano FROM task WHERE id = 1") == "9223372036854775807")
        #expect(try rig.store.problems() == [])
    }

    @Test func `a task in several groups counts once in the total and once in the requested time`()
        throws
    {
        let rig = try Rig(tasks: [Rig.spec("a"), Rig.spec("b")])
        try rig.apply(
            Steps.intent(), Steps.accepted(), Steps.settled(.failed, charges: [Steps.amount("0.5")]),
            .retried(TaskID(1)), Steps.intent(1, 2), Steps.accepted(1, 2))
        let between = rig.tick()
        try rig.apply(Steps.settled(.completed, 1, 2))
        try complete(rig, 2, [Steps.amount("0.1")])
        let byState = try rig.store.spend(by: [.state])
        #expect(byState.rows.map(\.figures.tasks) == [2, 1] && byState.total.tasks == 2)
        #expect(byState.rows.map(\.figures.attempts) == [2, 1] && byState.total.attempts == 3)
        let byModel = try rig.store.spend(by: [.model, .batch])
        #expect(byModel.rows.map(\.figures.tasks) == [2] && byModel.total.tasks == 2)
        #expect(byModel.total == (try rig.store.spend(by: []).total))
        #expect(try rig.store.spend(by: [.state, .day], since: between).total.tasks == 2)
        #expect(try rig.store.spend(by: [.state], until: between).total.tasks == 1)
    }

    @Test func `unknown costs are bounded by their estimates or else their reservations`() throws {
        let rig = try Rig(tasks: (1...3).map { Rig.spec("task-\($0)") })
        for task in Int64(1)...3 { try rig.apply(Steps.intent(task, reserved: task == 3 ? nil : "2")) }
        func accepted(_ task: Int64, _ estimate: String?) -> Mutation.Kind {
            .accepted(
                AttemptID(task: TaskID(task), number: 1),
                Acceptance(
                    remoteID: RemoteTaskID("r\(task)"), isRunning: true, estimate: estimate.map { Steps.amount($0) },
                    reserved: task == 3 ? nil : Steps.credits("2"), source: .reply))
        }
        try rig.apply(accepted(1, "1.1"), accepted(2, nil))
        for task in Int64(1)...2 { try rig.apply(Steps.settled(.cancelled, task, charges: [])) }
        let two = try rig.store.spend(by: [.model]).total
        #expect(two.unknownCosts == 2 && two.unknownAtMost.description == "3.1" && two.unboundedCosts == 0)
        #expect(two.charged == .zero)
        try rig.apply(accepted(3, nil), Steps.settled(.cancelled, 3, charges: []))
        let three = try rig.store.spend(by: []).total
        #expect(three.unknownCosts == 3 && three.unboundedCosts == 1 && three.unknownAtMost.description == "3.1")
    }

    @Test func `a replayed render is booked as such`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent(), Steps.accepted(), Steps.settled(.completed, isReplayed: true))
        #expect(try rig.shell().one("SELECT source FROM event WHERE kind = 'completed'") == "replayed")
        #expect(try rig.store.spend(by: []).total.replayed == 1)
    }

    @Test func `a rule is logged as the source of a zero cost`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent(), Steps.settled(.failed, charges: [.notBilled], code: "invalid_param"))
        #expect(
            try rig.shell().one("SELECT source, amount_field, amount_nano, code FROM event WHERE kind = 'failed'")
                == "rule:not_billed|rule:not_billed|0|invalid_param")
        #expect(try rig.shell().one("SELECT credits_nano, failure_code FROM task") == "0|invalid_param")
    }

    @Test func `the report groups by the requested dimensions, by time of settlement`() throws {
        func tag(_ value: String) -> [TaskSpec.Tag] { [TaskSpec.Tag(name: "client", value: value)] }
        let rig = try Rig(tasks: [
            Rig.spec("a", tags: tag("acme")), Rig.spec("b", tags: tag("acme")), Rig.spec("c", model: "veo-3"),
            Rig.spec("d", tags: tag("zeta")), Rig.spec("e"),
        ])
        try complete(rig, 1, [Steps.amount("1.5")])
        try rig.apply(Steps.saved(1))
        try complete(rig, 2, [Steps.amount("2")])
        try rig.apply(
            Steps.intent(3, model: "veo-3"), Steps.accepted(3),
            Steps.settled(.failed, 3, charges: [Steps.amount("0.25")]),
            Steps.intent(4), Steps.accepted(4), Steps.settled(.cancelled, 4, charges: [Steps.amount("0.125")]),
            Steps.intent(5), Steps.accepted(5))
        func lines(_ dimensions: [ReportDimension]) throws -> [String] {
            try rig.store.spend(by: dimensions).rows.map { row in
                row.values.map { $0 ?? "-" }.joined(separator: ",") + " \(row.figures.tasks) \(row.figures.charged)"
            }
        }
        #expect(try lines([.model]) == ["sora-2-pro 3 3.625", "veo-3 1 0.25"])
        #expect(try lines([.state]) == ["cancelled 1 0.125", "completed 2 3.5", "failed 1 0.25"])
        #expect(try lines([.tag("client")]) == ["- 1 0.25", "acme 2 3.5", "zeta 1 0.125"])
        #expect(
            try lines([.batch, .tag("client"), .day, .tag("none")]) == [
                "batch,-,1970-01-01,- 1 0.25", "batch,acme,1970-01-01,- 2 3.5", "batch,zeta,1970-01-01,- 1 0.125",
            ])
        let total = try rig.store.spend(by: [.model]).total
        #expect(total.attempts == 4)
        #expect(total.clipsSaved == 1)
        #expect(total.secondsDelivered == 32)
        #expect(total.estimated.description == "5")
        #expect(total.charged.description == "3.875")
        #expect(total.chargedFailures == 1)
        #expect(total.chargedForFailures.description == "0.25")
        #expect(total.chargedCancellations == 1)
        #expect(total.chargedForCancellations.description == "0.125")
        #expect(total.paidNotSaved == 1)
        #expect(total.chargedNotSaved.description == "2")
        let times = try rig.store.tasks(limit: 10).compactMap(\.settledAt)
        let second = try #require(times.dropFirst().first)
        #expect(try rig.store.spend(by: [], since: second).total.attempts == 3)
        #expect(try rig.store.spend(by: [], until: second).total.attempts == 1)
        #expect(try rig.store.spend(by: [.day], batches: []).rows == [])
    }

    @Test func `a dimension may be repeated, and names of tags are compared as bytes`() throws {
        let (one, two) = ("caf\u{e9}", "cafe\u{301}")
        let rig = try Rig(tasks: [Rig.spec("a", tags: [TaskSpec.Tag(name: one, value: "x")])])
        try complete(rig, 1, [Steps.amount("1.5")])
        func values(_ dimensions: [ReportDimension]) throws -> [[String?]] {
            try rig.store.spend(by: dimensions).rows.map(\.values)
        }
        #expect(try values([.tag(one), .model, .tag(one)]) == [["x", "sora-2-pro", "x"]])
        #expect(try values([.tag(one), .tag(two)]) == [["x", nil]])
        #expect(try values([.day, .batch, .day, .batch]) == [["1970-01-01", "batch", "1970-01-01", "batch"]])
    }
}
