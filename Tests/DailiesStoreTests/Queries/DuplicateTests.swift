import DailiesCore
import Testing

@testable import DailiesStore

/// Requested clips that exist already.
struct DuplicateTests {
    /// Paid, rendering, uncertain, failed, waiting: each with its own prompt.
    private static func rig() throws -> Rig {
        let names = ["paid", "rendering", "uncertain", "failed", "waiting"]
        let rig = try Rig(tasks: names.map { Rig.spec($0, prompt: #"a \#($0) boat\nat dawn"#) })
        try rig.apply(Steps.intent(1), Steps.accepted(1), Steps.settled(.completed, 1))
        try rig.apply(Steps.intent(2), Steps.accepted(2))
        try rig.apply(Steps.intent(3), .uncertain(AttemptID(task: TaskID(3), number: 1), Steps.fault))
        try rig.apply(Steps.intent(4), Steps.accepted(4), Steps.settled(.failed, 4, code: "render_failed"))
        return rig
    }

    private static func description(_ pair: Duplicates.Pair) -> String {
        let clip = pair.clip
        return "\(pair.key) \(clip.key) \(clip.batchName)\(clip.isPaid ? "" : " unpaid")\(clip.isNear ? " near" : "")"
    }

    @Test func `an equal clip of another ID or batch is found, also with other line ends`() throws {
        let rig = try Self.rig()
        let specs = ["paid", "rendering", "uncertain", "failed", "waiting"].map {
            Rig.spec("other-\($0)", prompt: #"a \#($0) boat\r\nat dawn"#)
        }
        var found: [String] = []
        try rig.store.compare(
            batchName: "second", provider: "bytespike", forEachTask: { body in for spec in specs { try body(spec) } },
            { finding in
                guard case .named(let task, .new, let clip?) = finding else { return }
                found.append("\(task.key) \(clip.key) \(clip.isPaid) \(clip.isNear)")
            })
        #expect(found == ["other-paid paid true false", "other-rendering rendering false false"])

        let result = try rig.importManifest(specs, manifest: Rig.manifest("second"))
        #expect(
            result.duplicates.equal.map(Self.description) == [
                "other-paid paid batch", "other-rendering rendering batch unpaid",
            ])
        #expect((result.duplicates.equalCount, result.duplicates.nearCount, result.duplicates.count) == (2, 0, 5))
        // In the same batch too, and again as long as they wait.
        let both = ["paid", "rendering", "uncertain", "failed", "waiting"].map {
            Rig.spec($0, prompt: #"a \#($0) boat\nat dawn"#)
        }
        #expect(
            try rig.importManifest(both + [specs[0]]).duplicates.equal.map(Self.description) == [
                "other-paid paid batch"
            ])
        #expect(try rig.importManifest(both + [specs[0]]).duplicates.equalCount == 1)
    }

    @Test func `a nearly equal clip is reported as such, and an equal one first`() throws {
        let rig = try Self.rig()
        let near = Rig.spec("near", prompt: #"a paid boat \nat dawn\n"#)
        #expect(
            try rig.importManifest([near], manifest: Rig.manifest("second")).duplicates.near.map(Self.description) == [
                "near paid batch near"
            ])
        try rig.apply(Steps.intent(6), Steps.accepted(6), Steps.settled(.completed, 6))
        let again = try rig.importManifest(
            [Rig.spec("again", prompt: #"a paid boat \nat dawn\n"#)], manifest: Rig.manifest("third"))
        #expect(again.duplicates.equal.map(Self.description) == ["again near second"])
    }

    @Test func `clips of another provider or seed are not duplicates`() throws {
        let rig = try Self.rig()
        let spec = Rig.spec("other", prompt: #"a paid boat\nat dawn"#)
        let simulated = Rig.manifest("second", provider: "simulator")
        #expect(try rig.importManifest([spec], manifest: simulated).duplicates.equalCount == 0)
        try rig.apply(.reseeded(TaskID(5), 7), Steps.intent(5), Steps.accepted(5), Steps.settled(.completed, 5))
        let plain = Rig.spec("plain", prompt: #"a waiting boat\nat dawn"#)
        #expect(try rig.importManifest([plain], manifest: Rig.manifest("third")).duplicates.equalCount == 0)
    }

    @Test func `equal tasks of one manifest are counted while they wait`() throws {
        let specs = ["a", "a-2", "b", "a-3"].map { Rig.spec($0, prompt: $0.hasPrefix("a") ? "one" : "two") }
        let rig = try Rig(tasks: specs)
        let waiting = try rig.importManifest(specs).duplicates
        #expect(waiting.repeated.map(\.text) == ["a-2", "a-3"] && waiting.repeatedCount == 2 && waiting.count == 4)
        try rig.apply(Steps.intent(1), Steps.accepted(1), Steps.intent(2), Steps.accepted(2))
        let rest = try rig.importManifest(specs).duplicates
        #expect(rest.repeatedCount == 0 && rest.count == 2)
        #expect(rest.equal.map(Self.description) == ["a-3 a batch unpaid"])
    }

    @Test func `a clip is found by an index, and nothing else is read completely`() throws {
        let rig = try Self.rig()
        let plan = try rig.shell().rows("EXPLAIN QUERY PLAN " + ClipFinder.similar)
        #expect(
            plan.contains { $0.contains("attempt_by_similarity (similarity_hash>? AND similarity_hash<?)") }, "\(plan)")
        #expect(!plan.contains { $0.contains("SCAN") && !$0.contains("SCAN a") }, "\(plan)")
    }

    @Test func `a clip is found among any number of failed attempts`() throws {
        let count = 200
        let takes = (1...count).map { Rig.spec("take-\($0)", prompt: "one") }
        let rig = try Rig(tasks: takes)
        for id in 1..<Int64(count) {
            try rig.apply(Steps.intent(id), Steps.accepted(id), Steps.settled(.failed, id, code: "render_failed"))
        }
        let last = Int64(count)
        try rig.apply(Steps.intent(last), Steps.accepted(last), Steps.settled(.completed, last))
        let again = try rig.importManifest([Rig.spec("again", prompt: "one")], manifest: Rig.manifest("second"))
        #expect(again.duplicates.equal.map(Self.description) == ["again take-200 batch"])
    }
}
