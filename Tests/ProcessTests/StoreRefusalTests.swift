import CSQLite
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Files that are no store to work on: refused in words, left as they are, and never replaced by a new one.
    struct StoreRefusalTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// Every command that opens the store refuses, and not a byte of it changes.
        private func expectRefusal(_ words: String, by simulator: Simulator, doctor: String) throws {
            let before = try test.bytes(of: test.store)
            let submits = try simulator.bill().submits
            let manifest = try test.manifest(clips: 3)
            let run = try test.finishRun([manifest], at: simulator)
            #expect(run.code == 1)
            #expect(run.err == "dailies: cannot open the store \(test.store): \(words)\n")
            for command in ["status", "report"] {
                let reading = try test.finish([command, "--store", test.store])
                #expect(reading.code == 1)
                #expect(reading.err == "dailies: cannot read the store \(test.store): \(words)\n")
            }
            let check = try test.finish(["doctor", "--offline", "--store", test.store])
            #expect(check.code == 1)
            #expect(check.out.contains("store              problem  \(test.store): \(doctor)"), "\(check.out)")
            #expect(try simulator.bill().submits == submits)
            #expect(try test.bytes(of: test.store) == before, "the file was changed")
        }

        private func finishedStore() throws -> Simulator {
            let simulator = try Simulator(test, speed: 1000)
            #expect(try test.finishRun([try test.manifest(clips: 3)], at: simulator).code == 0)
            return simulator
        }

        @Test func `a store of a newer program`() throws {
            let simulator = try finishedStore()
            try change("PRAGMA user_version = 9")
            let words =
                "the store at \(test.store) has version 9, but this program supports only 2; use a newer version of the program"
            try expectRefusal(words, by: simulator, doctor: words)
        }

        @Test func `a copy of a killed runner's store without its log, and a backup`() throws {
            let simulator = try Simulator(test, speed: 10)
            let run = try test.startRun([try test.manifest(clips: 3)], at: simulator)
            try run.wait(for: "a render") { $0.count("accepted") == 3 }
            let backup = try test.finish(["store", "backup", test.path("backup.sqlite"), "--store", test.store])
            #expect(backup.code == 0, "\(backup.err)")
            try run.killNow()
            let check = try test.finish(["store", "check", "--store", test.path("backup.sqlite")])
            #expect(check.code == 0 && check.out == "", "\(check)")
            let backedUp = try StoreFile(test.path("backup.sqlite"))
            #expect(try backedUp.number("SELECT count(*) FROM task WHERE task_id IS NOT NULL") == 3)

            let copy = test.path("copy.sqlite")
            try FileManager.default.copyItem(atPath: test.store, toPath: copy)
            try FileManager.default.removeItem(atPath: test.store)
            try FileManager.default.removeItem(atPath: test.store + "-wal")
            try FileManager.default.moveItem(atPath: copy, toPath: test.store)
            let words =
                "\(test.store) is incomplete: the latest changes are in \(test.store)-wal; copy that file too, or "
                + "make a copy with `dailies store backup` (if this is not a copy, see `dailies store accept --help`)"
            try expectRefusal(words, by: simulator, doctor: words)
        }

        @Test func `a damaged store`() throws {
            let simulator = try finishedStore()
            var bytes = try test.bytes(of: test.store)
            bytes.replaceSubrange(0..<100, with: [UInt8](repeating: 0x5A, count: 100))
            try Data(bytes).write(to: URL(fileURLWithPath: test.store))
            let words =
                "reading failed: the file is damaged or not a database; restore a backup (the file was not changed) (SQLite 26)"
            try expectRefusal(words, by: simulator, doctor: words)
        }

        @Test func `a database of another program`() throws {
            let simulator = try Simulator(test, speed: 1000)
            try change("CREATE TABLE task (id INTEGER)")
            let words = "\(test.store) belongs to another program; choose another file"
            try expectRefusal(words, by: simulator, doctor: words)
        }

        @Test func `damage inside is found by doctor, and ends a run that meets it`() throws {
            let simulator = try finishedStore()
            let root = try StoreFile(test.store).number("SELECT rootpage FROM sqlite_schema WHERE name = 'attempt'")
            var bytes = try test.bytes(of: test.store)
            let start = (root - 1) * 4096
            bytes.replaceSubrange(start..<start + 4096, with: [UInt8](repeating: 0x5A, count: 4096))
            try Data(bytes).write(to: URL(fileURLWithPath: test.store))
            let check = try test.finish(["doctor", "--offline", "--store", test.store])
            #expect(check.code == 1)
            #expect(check.out.contains("store              problem  "), "\(check.out)")
            let submits = try simulator.bill().submits
            let run = try test.finishRun([try test.manifest(clips: 3)], at: simulator)
            #expect(run.code == 1)
            #expect(
                run.err.contains("the file is damaged or not a database; restore a backup (the file was not changed)"))
            #expect(try simulator.bill().submits == submits)
        }

        @Test func `with a wide umask the files of a store are still their owner's alone`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 20)
            let run = try test.start(
                program: "/bin/sh",
                ["-c", "umask 0; exec \"$@\"", "sh", TestEnvironment.program]
                    + test.runArguments([manifest], at: simulator))
            try run.wait(for: "some clips") { $0.count("saved") >= 3 }
            for ending in ["", "-wal", "-shm", "-lock"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: test.store + ending)
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(ending)")
            }
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
        }

        @Test(arguments: [0o000, 0o022, 0o027, 0o077]) func `clips and pages get the rights that the umask leaves`(
            umask: Int
        ) throws {
            let simulator = try Simulator(test, speed: 1000)
            let manifest = try test.manifest(clips: 1)
            let octal = String(umask, radix: 8)
            func dailies(_ arguments: [String]) throws {
                let command = try test.start(
                    program: "/bin/sh",
                    ["-c", "umask \(octal); exec \"$@\"", "sh", TestEnvironment.program] + arguments)
                #expect(try command.ended() == .exited(0), "\(command.written.errText)")
            }
            try dailies(test.runArguments([manifest], at: simulator))
            try dailies(["sheet", "--store", test.store, "--out", test.path("sheet.html")])
            try dailies([
                "plan", manifest, "--store", test.store, "--provider", "simulator", "--base-url", simulator.url,
                "--out", test.path("plan.json"),
            ])
            func mode(_ path: String) throws -> Int? {
                (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
            }
            #expect(try mode(test.renders + "/batch/clip-001.mp4") == 0o644 & ~umask)
            for page in ["sheet.html", "plan.json"] {
                #expect(try mode(test.path(page)) == 0o666 & ~umask, "\(page)")
            }
            #expect(try mode(test.renders) == 0o777 & ~umask)
            for ending in ["", "-lock"] { #expect(try mode(test.store + ending) == 0o600, "\(ending)") }
        }

        private func change(_ sql: String) throws {
            var handle: OpaquePointer?
            try #require(sqlite3_open(test.store, &handle) == SQLITE_OK)
            defer { sqlite3_close_v2(handle) }
            try #require(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
        }
    }
}
