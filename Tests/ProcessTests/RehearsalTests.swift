import CSQLite
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    struct RehearsalTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        static let manifests = [
            "draft-and-final.yaml", "first.yaml", "models.jsonl", "spreadsheet.csv", "variations.yaml",
        ]

        @Test func `every manifest in jobs is rehearsed by a test`() throws {
            let there = try FileManager.default.contentsOfDirectory(atPath: TestEnvironment.repository + "/jobs")
                .sorted()
            #expect(there == Self.manifests)
        }

        @Test(arguments: manifests) func `a rehearsal leaves playable clips, a store and a report`(
            _ manifest: String
        ) throws {
            let run = try test.finish([
                "rehearse", TestEnvironment.repository + "/jobs/" + manifest, "--speed", "2000", "--concurrency", "20",
            ])
            #expect(run.code == 0, "\(run.err)")
            #expect(run.out == "", "a rehearsal has no data for standard output")
            #expect(run.err.contains("estimate: a real run would cost about"))

            let store = try StoreFile(test.path("rehearsal.sqlite"))
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

            let report = try test.finish(["report", "--store", "rehearsal.sqlite", "--json"])
            #expect(report.code == 0)
            let figures = try #require(try JSONValue.parse(Array(report.out.utf8))["total"])
            #expect(figures["clips_saved"]?.number == "\(total)")
            #expect(figures["unknown_costs"]?.number == "0")
            let credits = try #require(figures["credits"]?.number)
            #expect(run.err.contains("would cost about \(credits) credits"), "\(credits) is not in:\n\(run.err)")
        }

        private var manifest: String { TestEnvironment.repository + "/jobs/first.yaml" }
        private var rehearsal: [String] { ["rehearse", manifest, "--speed", "2000"] }
        private var place: String { test.path("rehearsal.sqlite") }

        /// A paid batch in a store that is called like a rehearsal's.
        private func paidRun(_ simulator: Simulator, _ manifest: String) throws -> Child {
            try test.start(
                [
                    "run", manifest, "--base-url", simulator.url, "--speed", "\(simulator.speed)", "--store", place,
                    "--output", test.renders, "--json", "--concurrency", "4",
                ], environment: ["BYTESPIKE_API_KEY": "sk-test-0123456789"])
        }

        @Test func `a store with a paid batch is never replaced, neither beside its run nor after it`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            let paid = try test.manifest("paid.jsonl", clips: 4)
            let run = try paidRun(simulator, paid)
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 4 }
            let beside = try test.finish(rehearsal)
            #expect(beside.code == 11 && beside.err.contains("(process \(run.pid), since "), "\(beside.err)")
            try run.killNow()

            let after = try test.finish(rehearsal)
            #expect(after.code == 64)
            let words = """
                dailies: the store rehearsal.sqlite was not replaced: it contains a batch of bytespike at \(simulator.url), and \
                rehearsals use only a local simulator; move it, or rehearse in another folder

                """
            #expect(after.err.hasSuffix(words), "\(after.err)")
            #expect(!FileManager.default.fileExists(atPath: test.path("rehearsal")))

            try simulator.control(#"{"model_slots": null}"#)
            #expect(try paidRun(simulator, paid).ended() == .exited(0))
            #expect(try simulator.bill().accepted == 4)
        }

        @Test(arguments: ["not a database, however long it is", ""])
        func `a file that is not a rehearsal's store is not replaced`(text: String) throws {
            try test.write("rehearsal.sqlite", text)
            if text.isEmpty { try test.write("rehearsal.sqlite-wal", "what was paid for") }
            let before = test.files()
            let run = try test.finish(rehearsal)
            #expect(run.code == 64)
            #expect(run.err.contains("dailies: the store rehearsal.sqlite was not replaced: "), "\(run.err)")
            #expect(test.files() == (before + [place + "-lock"]).sorted())
            #expect(try String(contentsOfFile: place, encoding: .utf8) == text)
        }

        @Test func `the clips of the rehearsal before are replaced, and whatever else lies there stays`() throws {
            #expect(try test.finish(rehearsal).code == 0)
            let folder = test.path("rehearsal")
            let clips = test.files(below: folder).filter { $0.hasSuffix(".mp4") }
            try #require(clips.count == 6)
            try test.write("rehearsal/notes.txt", "mine")
            let mine = try test.write(String(clips[0].dropFirst(test.folder.count + 1)), "my own cut")
            // The part of a clip that was not saved yet, as a kill leaves it.
            let key = try StoreFile(place).one(
                "SELECT submission_key FROM attempt WHERE output_path = '\(clips[1])'")
            try change(
                """
                UPDATE attempt SET output_path = NULL, output_sha256 = NULL, output_bytes = NULL, saved_at_ms = NULL
                WHERE submission_key = '\(key)'
                """)
            try FileManager.default.moveItem(
                atPath: clips[1], toPath: folder + "/misty-forest/.x.\(key.prefix(12)).part")
            try test.write("rehearsal/misty-forest/.x.aaaaaaaaaaaa.part", "a stranger's")

            try test.write("other.jsonl", #"{"id": "one", "model": "sora-2", "prompt": "x", "duration_seconds": 4}"#)
            let second = try test.finish(["rehearse", "other.jsonl", "--speed", "2000"])
            #expect(second.code == 0, "\(second.err)")
            let left = test.files(below: folder).map { String($0.dropFirst(folder.count + 1)) }
            let expected = [
                ".dailies-rehearsal", "misty-forest/.x.aaaaaaaaaaaa.part", "notes.txt", "other/one.mp4",
                String(mine.dropFirst(folder.count + 1)),
            ]
            #expect(left == expected.sorted())
            #expect(try String(contentsOfFile: mine, encoding: .utf8) == "my own cut")
            #expect(try StoreFile(place).rows("SELECT name FROM batch") == ["other"])
        }

        @Test func `a folder that no rehearsal made is not used, and the store beside it stays`() throws {
            #expect(try test.finish(rehearsal).code == 0)
            let store = try test.bytes(of: place)
            try FileManager.default.removeItem(atPath: test.path("rehearsal/.dailies-rehearsal"))
            let before = test.files()
            let run = try test.finish(rehearsal)
            #expect(run.code == 64)
            let words = "the folder rehearsal was not created by a rehearsal, so it will not be used"
            #expect(run.err.contains(words), "\(run.err)")
            // Reading makes a log and its index.
            let companions = [place + "-shm", place + "-wal"]
            #expect(test.files().filter { !companions.contains($0) } == before)
            #expect(try test.bytes(of: place) == store)
        }

        private func change(_ sql: String) throws {
            var handle: OpaquePointer?
            try #require(sqlite3_open(place, &handle) == SQLITE_OK)
            defer { sqlite3_close_v2(handle) }
            let code = sqlite3_exec(handle, sql, nil, nil, nil)
            try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(handle)))")
        }

        private func expectWhole(_ path: String, sha256: String, bytes: Int?, seconds: Double?) throws {
            let file = try test.bytes(of: path)
            let clip = try Clip(file)
            #expect(file.count == bytes)
            #expect(clip.seconds == seconds && clip.samples > 0, "\(path) plays \(clip.seconds) s")
            let sum = try test.start(program: "/usr/bin/sha256sum", [path])
            #expect(try sum.ended() == .exited(0))
            #expect(sum.written.outText.hasPrefix(sha256), "\(path) has another SHA-256 than the store says")
        }
    }
}
