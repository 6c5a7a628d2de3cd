import ExactJSON
import Foundation
import Testing

extension ProcessSuite {
    struct RehearsalTests {
        let stage: Stage
        init() throws { stage = try Stage() }

        static let manifests = ["first.yaml", "models.jsonl", "spreadsheet.csv", "variations.yaml"]

        @Test func `every manifest in jobs is rehearsed by a test`() throws {
            let there = try FileManager.default.contentsOfDirectory(atPath: Stage.repository + "/jobs").sorted()
            #expect(there == Self.manifests)
        }

        @Test(arguments: manifests) func `a rehearsal leaves playable clips, a store and a report`(
            _ manifest: String
        ) throws {
            let run = try stage.finish([
                "rehearse", Stage.repository + "/jobs/" + manifest, "--speed", "2000", "--concurrency", "20",
            ])
            #expect(run.code == 0, "\(run.err)")
            #expect(run.out == "", "a rehearsal has no data for standard output")
            #expect(run.err.contains("rehearsed: for real this would cost about"))

            let store = try StoreFile(stage.path("rehearsal.sqlite"))
            let saved = try store.rows(
                """
                SELECT t.output_path, t.output_sha256, a.output_bytes, i.duration_seconds FROM task AS t
                JOIN attempt AS a ON a.task = t.id JOIN task_input AS i ON i.id = t.id WHERE t.state = 'completed'
                """)
            let total = try store.number("SELECT count(*) FROM task")
            #expect(saved.count == total && total > 0)
            for row in saved {
                let columns = row.split(separator: "|").map(String.init)
                try expectWhole(columns[0], sha256: columns[1], bytes: Int(columns[2]), seconds: Double(columns[3]))
            }

            let report = try stage.finish(["report", "--store", "rehearsal.sqlite", "--json"])
            #expect(report.code == 0)
            let figures = try #require(try JSONValue.parse(Array(report.out.utf8))["total"])
            #expect(figures["clips_saved"]?.number == "\(total)")
            #expect(figures["unknown_costs"]?.number == "0")
            let credits = try #require(figures["credits"]?.number)
            #expect(run.err.contains("would cost about \(credits) credits"), "\(credits) is not in:\n\(run.err)")
        }

        private func expectWhole(_ path: String, sha256: String, bytes: Int?, seconds: Double?) throws {
            let file = try stage.bytes(of: path)
            let clip = try Clip(file)
            #expect(file.count == bytes)
            #expect(clip.seconds == seconds && clip.samples > 0, "\(path) plays \(clip.seconds) s")
            let sum = try stage.start(program: "/usr/bin/sha256sum", [path])
            #expect(try sum.ended() == .exited(0))
            #expect(sum.written.outText.hasPrefix(sha256), "\(path) has another SHA-256 than the store says")
        }
    }
}
