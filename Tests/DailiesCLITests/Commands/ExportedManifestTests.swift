import DailiesCore
import DailiesManifest
import DailiesStore
import Foundation
import Testing

@testable import DailiesCLI

/// Round trip of `export --format manifest`: whatever the state of the tasks, there is nothing to do.
struct ExportedManifestTests {
    private static let models = ["sora-2-pro", "seedance-2.0", "nobody-knows-1"]
    private static let texts = [
        "a fox", "{{{{braces}}", "\u{E9}", "e\u{301}", "a \"quote\" \\ \n= two lines", "\u{FEFF}#!", "'", "7", "no",
    ]

    /// A line of JSONL with a unique id, or without an id.
    private static func line(_ index: Int, using random: inout SplitMix64) -> String {
        func text(isName: Bool = false) -> String {
            var text = texts[Int.random(in: texts.indices, using: &random)] + " \(index)"
            // A name is one line of visible characters.
            if isName { text = text.replacing("\n", with: "/").replacing("\u{FEFF}", with: "=") }
            let escaped = text.map { $0 == "\n" ? "\\n" : $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }
            return "\"\(escaped.joined())\""
        }
        let model = models[Int.random(in: models.indices, using: &random)]
        var members = ["\"model\": \"\(model)\"", "\"prompt\": \(text())", "\"duration_seconds\": 4"]
        if Bool.random(using: &random) { members.append("\"id\": \(text(isName: true))") }
        let seeds = ["0", "7", "9223372036854775807"]
        if Bool.random(using: &random) { members.append("\"seed\": \(seeds[Int.random(in: 0...2, using: &random)])") }
        if model == "sora-2-pro", Bool.random(using: &random) { members.append("\"style_preset\": \"anime\"") }
        if model == "nobody-knows-1", Bool.random(using: &random) {
            members.append("\"extra\": {\"zeta\": {\"b\": 1.50, \"a\": [null, true]}, \"alpha\": 1e2}")
        }
        if Bool.random(using: &random) {
            members.append("\"tags\": {\"client\": \(text(isName: true)), \"pick\": \"yes\"}")
        }
        if Bool.random(using: &random) { members.append("\"priority\": \(Int.random(in: -3...3, using: &random))") }
        if Bool.random(using: &random) { members.append("\"output\": \"clip-\(index).mp4\"") }
        return "{\(members.shuffled(using: &random).joined(separator: ", "))}"
    }

    private final class Exporter {
        let folder = NSTemporaryDirectory() + "/dailies-export-\(UUID().uuidString)"
        let store: Store
        var clock: Int64 = 1_800_000_000_000
        private let reader = ManifestReader(catalog: Composition.catalog, today: nil)

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            store = try Store.open(folder + "/dailies.sqlite", for: .running)
        }

        deinit {
            // A failure here must not fail a finished test.
            try? store.close()
            try? FileManager.default.removeItem(atPath: folder)
        }

        func now() -> Instant {
            clock += 1
            return Instant(milliseconds: clock)
        }

        func check(_ text: String) throws -> ValidatedManifest {
            try reader.check(.bytes(Array(text.utf8), path: "m.jsonl"), batchName: "m")
        }

        @discardableResult func importManifest(_ manifest: ValidatedManifest) throws -> ImportResult {
            try store.importManifest(
                BatchDefinition(
                    name: "m", manifestPath: "/m.jsonl", provider: "bytespike", baseURL: "https://api.example",
                    outputDirectory: "/renders", budget: .unchanged),
                at: now(), forEachTask: manifest.forEachTask)
        }

        var rows: [TaskRow] { get throws { try store.tasks(limit: 1000) } }

        func exported() throws -> String {
            let line = ManifestWriter(catalog: Composition.catalog)
            return ([line.header(batch: "m")] + (try rows).map { line.task($0) }).joined(separator: "\n")
        }

        func apply(_ steps: [DailiesCore.Mutation.Kind]) throws {
            let at = now()
            try store.writeAndWait(steps.map { DailiesCore.Mutation(at: at, $0) })
        }

        /// Performs one random step of a task.
        func advance(_ row: TaskRow, using random: inout SplitMix64) throws {
            let attempt = AttemptID(task: row.id, number: row.attempt)
            let remote = RemoteTaskID("vt_\(row.id)_\(row.attempt)")
            func settled(_ end: Settlement.End) -> DailiesCore.Mutation.Kind {
                .settled(
                    attempt, Settlement(end: end, charges: [.notBilled], failureCode: end == .failed ? "bad" : nil))
            }
            switch row.state {
            case .queued where row.latest == nil:
                let submission = Submission(
                    attempt: attempt, key: SubmissionKey("key-\(row.id)-\(row.attempt)"), model: row.model,
                    dialect: .flat,
                    account: KeyFingerprint("62af8704764f"), body: Array(row.request.text.utf8))
                try apply([
                    .intent(Intent(submission: submission, reserved: nil)),
                    .accepted(
                        attempt,
                        Acceptance(remoteID: remote, isRunning: false, estimate: nil, reserved: nil, source: .reply)),
                ])
            case .queued, .running: try apply([settled(Bool.random(using: &random) ? .failed : .completed)])
            case .failed, .cancelled:
                let seed = Int64.random(in: 0...0x7FFF_FFFF, using: &random)
                let reseeded = DailiesCore.Mutation.Kind.reseeded(row.id, seed, isByRule: Bool.random(using: &random))
                try apply([.retried(row.id)] + (Bool.random(using: &random) ? [reseeded] : []))
            case .completed:
                let seed = Int64.random(in: 0...0x7FFF_FFFF, using: &random)
                try store.retake([row.id], seeds: Bool.random(using: &random) ? [row.id: seed] : [:], at: now())
            }
        }

        func expectNothingToDo(_ manifest: ValidatedManifest, _ location: SourceLocation) throws {
            try store.compare(batchName: "m", provider: "bytespike", forEachTask: manifest.forEachTask) { finding in
                switch finding {
                case .named(let task, .new, _), .named(let task, .changed, _):
                    Issue.record("\(task.key) is not what it was: \(task.request.text)", sourceLocation: location)
                case .removed(let key): Issue.record("\(key) is gone", sourceLocation: location)
                case .named: break
                }
            }
            let result = try importManifest(manifest)
            #expect(result.new + result.changed + result.removed + result.restored == 0, sourceLocation: location)
        }
    }

    @Test(arguments: 1...20)
    func `an exported manifest requests nothing new, whatever the state of its tasks`(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let exporter = try Exporter()
        let text = (0..<24).map { Self.line($0, using: &random) }.joined(separator: "\n")
        let original = try exporter.check(text)
        try exporter.importManifest(original)
        for _ in 0..<6 {
            for row in try exporter.rows where Bool.random(using: &random) { try exporter.advance(row, using: &random) }
            let before = try exporter.rows
            let exported = try exporter.check(try exporter.exported())
            #expect(exported.count == before.count)
            try exporter.expectNothingToDo(exported, #_sourceLocation)
            #expect(try exporter.rows == before)
            // The original manifest, which has no new seeds, also requests nothing new.
            try exporter.expectNothingToDo(original, #_sourceLocation)
            #expect(try exporter.rows == before)
        }
        #expect(try exporter.store.problems() == [])
    }

    @Test func `changed tags in an exported manifest do not change its requests`()
        throws
    {
        var random = SplitMix64(seed: 3)
        let exporter = try Exporter()
        let original = try exporter.check(
            #"{"id": "a", "model": "sora-2-pro", "prompt": "p", "duration_seconds": 4, "style_preset": "anime"}"#)
        try exporter.importManifest(original)
        try exporter.advance(try #require(try exporter.rows.first), using: &random)
        let attempt = AttemptID(task: try #require(try exporter.rows.first).id, number: 1)
        try exporter.apply([
            .settled(attempt, Settlement(end: .failed, charges: [.notBilled], failureCode: "bad")),
            .retried(attempt.task), .reseeded(attempt.task, 99),
        ])
        let tagged = try exporter.exported().dropLast() + #", "tags": {"pick": "yes"}}"#
        let result = try exporter.importManifest(try exporter.check(String(tagged)))
        #expect(result.unchanged == 1)
        let row = try #require(try exporter.rows.first)
        #expect(row.tags.map(\.name) == ["pick"])
        #expect(row.request.text.contains(#""seed":99"#) && !row.listedRequest.text.contains("seed"))
        #expect(try exporter.importManifest(original).unchanged == 1)
    }

    @Test func `a different seed is a change`() throws {
        var random = SplitMix64(seed: 5)
        let exporter = try Exporter()
        try exporter.importManifest(
            try exporter.check(#"{"id": "a", "model": "sora-2-pro", "prompt": "p", "duration_seconds": 4, "seed": 1}"#))
        for _ in 1...2 { try exporter.advance(try #require(try exporter.rows.first), using: &random) }
        let row = try #require(try exporter.rows.first)
        if row.state == .completed {
            try exporter.store.retake([row.id], seeds: [row.id: 99], at: exporter.now())
        } else {
            try exporter.apply([.retried(row.id), .reseeded(row.id, 99)])
        }
        let exported = try exporter.exported()
        #expect(exported.contains(#""seed":99"#))
        for other in ["98", "990", "1"] {
            let manifest = try exporter.check(exported.replacing(#""seed":99"#, with: #""seed":\#(other)"#))
            var changed = 0
            try exporter.store.compare(batchName: "m", provider: "bytespike", forEachTask: manifest.forEachTask) {
                finding in
                if case .named(_, .changed, _) = finding { changed += 1 }
            }
            #expect(changed == (other == "1" ? 0 : 1), "\(other)")
        }
    }
}
