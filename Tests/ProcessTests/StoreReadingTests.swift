import ExactJSON
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The store is read by others while a runner works on it.
    struct StoreReadingTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let question = "select state, count(*), sum(credits) from task group by state"

        @Test func `counts and credits can be asked for at any time with plain SQL`() throws {
            let simulator = try Simulator(test, speed: 200)
            let manifest = try test.manifest(clips: 40)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "5"])
            try run.wait(for: "the start") { $0.count("started") == 1 }
            let file = try StoreFile(test.store)
            var seen: Set<String> = []
            repeat {
                var tasks = 0
                for row in try file.rows(Self.question) {
                    let columns = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                    seen.insert(columns[0])
                    tasks += Int(columns[1]) ?? -1000
                    // Two seconds of the cheapest model: 0.08 each. What is not settled has no cost, not 0.
                    let credits = columns[0] == "completed" ? (Double(columns[1]) ?? 0) * 0.08 : nil
                    #expect(Double(columns[2]).map { ($0 * 1e6).rounded() } == credits.map { ($0 * 1e6).rounded() })
                }
                #expect(tasks == 40)
            } while run.ending(within: 0.02) == nil
            #expect(try run.ended() == .exited(0))
            #expect(seen == ["queued", "running", "completed"])
            #expect(try file.rows(Self.question) == ["completed|40|3.2"])
        }

        @Test func `status, report and the shell sqlite3 work beside a runner`() throws {
            let simulator = try Simulator(test, speed: 300)
            try simulator.control(#"{"model_slots": 2}"#)
            let manifest = try test.manifest(clips: 40)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "5"])
            try run.wait(for: "some clips") { $0.count("saved") >= 2 }
            // Nothing more renders: the runner is in the middle of its work for as long as this takes.
            try simulator.control(#"{"model_slots": 0}"#)
            try eventually("the last renders") { try simulator.state()["running"]?.number == "0" }
            let saved = try simulator.bill().charges
            let file = try StoreFile(test.store)
            try eventually("all slots to be taken") {
                try file.number("SELECT count(*) FROM task WHERE state = 'completed'") == saved
                    && file.number("SELECT count(*) FROM task WHERE state = 'queued' AND task_id IS NOT NULL") == 5
            }
            #expect(try test.status("in_flight") == 5)
            #expect(try test.status("completed") == saved)
            #expect(try test.report().credits == Self.credits(saved))
            for shell in ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"]
            where FileManager.default.isExecutableFile(atPath: shell) {
                let asked = try test.start(program: shell, [test.store, Self.question])
                #expect(try asked.ended() == .exited(0), "\(asked.written.errText)")
                #expect(asked.written.outText.contains("completed|\(saved)|"), "\(asked.written.outText)")
            }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
        }

        /// Two seconds of the cheapest model for each clip, 0.08 credits.
        private static func credits(_ clips: Int) -> String {
            let hundredths = clips * 8
            var text = "\(hundredths / 100)." + String(format: "%02d", hundredths % 100)
            while text.hasSuffix("0") { text.removeLast() }
            return text.hasSuffix(".") ? String(text.dropLast()) : text
        }

        /// A user of the system who owns nothing here.
        private static let setpriv = "/usr/bin/setpriv"
        private static let whyNobody: Comment? =
            geteuid() == 0 && FileManager.default.isExecutableFile(atPath: setpriv)
            ? nil : "becoming another user needs root and \(setpriv)"

        @Test(.enabled(if: whyNobody == nil, whyNobody))
        func `another user reads a store and folder that are not theirs, unless a runner is at work`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 2)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            // The program itself may stand where nobody else can look.
            let program = test.path("dailies")
            try FileManager.default.copyItem(atPath: TestEnvironment.program, toPath: program)
            try #require(chmod(test.path(""), 0o755) == 0 && chmod(test.store, 0o644) == 0)
            func asked() throws -> Child {
                let child = try test.start(
                    program: Self.setpriv,
                    [
                        "--reuid=65534", "--regid=65534", "--clear-groups", program, "status", "--json", "--store",
                        test.store,
                    ])
                _ = try child.ended()
                return child
            }
            let reading = try asked()
            #expect(reading.written.outText.contains("\"completed\":2"), "\(reading.written.errText)")
            #expect(access(test.store + "-shm", F_OK) != 0)
            // A log is there that cannot be read, and somebody may be writing to it: nothing is read past it.
            let writer = try StoreFile(test.store)
            _ = try writer.rows("SELECT 1 FROM task")
            try #require(access(test.store + "-shm", F_OK) == 0)
            for ending in ["-wal", "-shm"] { try #require(chmod(test.store + ending, 0o600) == 0) }
            let refused = try asked()
            #expect(try refused.ended() != .exited(0), "\(refused.written.outText)")
        }
    }
}
