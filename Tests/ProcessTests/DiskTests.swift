import CSQLite
import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// What a disk does to a run: full, read-only, slow, failing, taken away. In each of these the run stops or waits
    /// with words, and the same command finishes once the disk is well; nothing is paid twice.
    struct DiskTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let smallDisks = Namespace.whyNot

        @Test(.enabled(if: smallDisks == nil, smallDisks))
        func `a full disk under the store ends the run with words, and with room the same command finishes`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 60)
            let lives = try Namespace.run(
                test,
                """
                mount -t tmpfs -o size=1m none small
                life; df -k small >&2; mount -o remount,size=64m small; life
                cp small/dailies.sqlite dailies.sqlite
                """, test.runArguments([manifest], at: simulator, store: "small/dailies.sqlite"))
            #expect(lives.map(\.code) == [1, 0], "\(lives)")
            let words =
                "dailies: the run stopped because of a store error: writing failed: the disk is full; free some space and run again (nothing is lost) (SQLite "
            #expect(lives[0].err.contains(words), "\(lives)")
            #expect(lives[0].accepted > 0 && lives[0].accepted < 60, "it was not in the middle: \(lives[0].accepted)")
            try test.expectAllPaidOnce(simulator, tasks: 60)
        }

        @Test(.enabled(if: smallDisks == nil, smallDisks))
        func `a full disk under the clips leaves them at the provider, and with room they are fetched`() throws {
            let simulator = try Simulator(test, speed: 500, ["--padding", "9000000"])
            let manifest = try test.manifest(clips: 40)
            let lives = try Namespace.run(
                test,
                """
                mkdir renders; mount -t tmpfs -o size=20m none renders
                life; mount -o remount,size=512m renders; life
                cp -r renders saved; umount renders; mv saved/* renders
                """, test.runArguments([manifest], at: simulator) + ["--max-wait", "60s"])
            #expect(lives.map(\.code) == [9, 0], "\(lives)")
            #expect(lives[0].out.contains(#""message":"cannot save clips: cannot write "#), "\(lives)")
            let words = ": No space left on device; retrying; nothing new is submitted until then"
            #expect(lives[0].out.contains(words))
            #expect(lives[0].out.contains(#""reasons":["clips cannot be saved: cannot write "#))
            // A clip may be saved after a refused one left its room, and then submission resumes. Two clips fit, so the
            // disk is found full three times at most, and after the last time the service accepts only submits that were
            // already on their way: at most one for each of the five places.
            let refusals = lives[0].out.ranges(of: "cannot save clips: cannot write ")
            let last = try #require(refusals.last)
            #expect(refusals.count <= 3, "\(lives[0].out)")
            let late = Namespace.accepted(in: lives[0].out[last.upperBound...])
            #expect(late <= 5, "\(late) tasks were accepted after the disk was full for the last time: \(lives[0].out)")
            try test.expectAllPaidOnce(simulator, tasks: 40)
        }

        @Test(.enabled(if: smallDisks == nil, smallDisks))
        func `a read-only disk is refused before anything is sent, and what is on it is left`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 3)
            let lives = try Namespace.run(
                test,
                """
                mount -t tmpfs -o size=16m none small
                touch small/dailies.sqlite-lock; mount -o remount,ro small; life
                mount -o remount,rw small; life; mount -o remount,ro small; life
                cp small/dailies.sqlite dailies.sqlite
                set -- status --json --store small/dailies.sqlite; life
                mount -o remount,rw small; echo x >small/dailies.sqlite-wal; mount -o remount,ro small; life
                """, test.runArguments([manifest], at: simulator, store: "small/dailies.sqlite"))
            #expect(lives.map(\.code) == [1, 0, 1, 0, 1], "\(lives)")
            #expect(lives[3].out.contains(#""completed":3"#), "\(lives[3].out)")
            let log = "-wal, which cannot be read on a read-only disk; copy both files to a writable disk"
            #expect(lives[4].err.contains(log), "\(lives[4].err)")
            #expect(lives[4].err.contains("the latest changes are in its log "))
            for refused in [lives[0], lives[2]] {
                #expect(refused.err.hasPrefix("dailies: cannot lock the store small/dailies.sqlite: opening "))
                #expect(refused.err.hasSuffix("/small/dailies.sqlite-lock failed: Read-only file system\n"))
            }
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test(.enabled(if: smallDisks == nil, smallDisks))
        func `a folder for clips that is read-only, full or out of files is refused before anything is sent`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 3)
            let lives = try Namespace.run(
                test,
                """
                run="$*"; mkdir renders
                both() { set -- $run; life; set -- plan batch.jsonl --output renders; life; umount renders; }
                mount -t tmpfs -o ro none renders; both
                mount -t tmpfs -o size=8m none renders; both
                mount -t tmpfs -o size=64m,nr_inodes=1 none renders; both
                life
                """, test.runArguments([manifest], at: simulator))
            let words = [
                "Read-only file system; choose another folder",
                "MB free, and a clip may need 16 MB; free some space, or choose another folder",
                "cannot hold more files; remove some, or choose another folder",
            ]
            #expect(lives[0].err.contains("dailies: clips cannot be saved in "), "\(lives)")
            #expect(lives[2].err.contains("dailies: not enough space for a clip at "))
            #expect(lives.map(\.code) == [64, 64, 64, 64, 64, 64, 0], "\(lives)")
            for (index, words) in words.enumerated() {
                #expect(
                    lives[2 * index].err.contains(words) && lives[2 * index].err.contains("(nothing was submitted)"))
                #expect(lives[2 * index + 1].err.contains(words), "\(lives[2 * index + 1].err)")
                #expect(lives[2 * index].accepted == 0)
            }
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `a folder for clips that cannot be is refused before anything is sent, and plan says so`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 3)
            try test.write("file", "something else")
            try FileManager.default.createSymbolicLink(
                atPath: test.path("dangling"), withDestinationPath: test.path("nowhere"))
            let deep = test.folder + String(repeating: "/" + String(repeating: "d", count: 200), count: 21)
            let cases = [
                (test.path("file/clips"), "/file is not a folder; move it away, or choose another folder"),
                (test.path("file"), "/file is not a folder; move it away, or choose another folder"),
                (test.path("dangling/clips"), "/dangling is a broken link; remove it"),
                (test.path(String(repeating: "n", count: 300)), "File name too long; choose another folder"),
                (deep, "File name too long; choose another folder"),
                (String(deep.prefix(4070)), "is too long for its disk; choose another folder"),
            ]
            for (folder, words) in cases {
                let refused = try test.finish(
                    test.runArguments([manifest], at: simulator).dropLast() + ["--output", folder])
                #expect(refused.code == 64, "\(refused)")
                #expect(refused.err.contains(words) && refused.err.hasSuffix("(nothing was submitted)\n"), "\(refused)")
                let plan = try test.finish(["plan", manifest, "--output", folder])
                #expect(plan.code == 64, "\(plan)")
                #expect(plan.err.contains(words), "\(plan.err)")
            }
            #expect(try simulator.bill().submits == 0)
            #expect(!FileManager.default.fileExists(atPath: test.store), "a refused run left a store")
            // Where all is done, no folder is needed.
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            let again = try test.finish(
                test.runArguments([manifest], at: simulator).dropLast() + ["--output", test.path("file")])
            #expect(again.code == 0, "\(again.err)")
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        @Test func `a folder for clips that goes away in the middle costs nothing`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 6)
            try FileManager.default.createDirectory(atPath: test.renders, withIntermediateDirectories: false)
            let run = try test.startRun([manifest], at: simulator, ["--max-wait", "60s", "--concurrency", "6"])
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 6 }
            try FileManager.default.removeItem(atPath: test.renders)
            try test.write("renders", "a file where the folder was")
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(9), "\(run.written.errText)")
            #expect(
                run.written.outText.contains("clips cannot be saved: cannot create \(test.renders): Not a directory"))
            try FileManager.default.removeItem(atPath: test.renders)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 6)
        }

        @Test func `a store that is taken away in the middle ends the run, and nothing is sent into the void`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: 20)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "4"])
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == 4 }
            let aside = test.path("aside")
            try FileManager.default.moveItem(atPath: test.store, toPath: aside)
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(1), "\(run.written.errText)")
            #expect(
                run.written.errText.contains(
                    "its file was moved, replaced or removed while it was in use; put it back"),
                "\(run.written.errText)")
            #expect(try simulator.bill().accepted == 4)
            try FileManager.default.moveItem(atPath: aside, toPath: test.store)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 20)
        }

        @Test func `a log without its store is refused`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 10)
            let run = try test.startRun([manifest], at: simulator)
            try run.wait(for: "some clips") { $0.count("saved") >= 3 }
            try run.killNow()
            let aside = test.path("aside")
            try FileManager.default.moveItem(atPath: test.store, toPath: aside)
            let log = try test.bytes(of: test.store + "-wal")
            let submits = try simulator.bill().submits
            let refused = try test.finishRun([manifest], at: simulator)
            #expect(refused.code == 1)
            #expect(
                refused.err.contains(
                    "the store is missing or empty, but its log \(test.store)-wal exists and may record paid clips; restore the store, or move the log elsewhere to start a new one"
                ), "\(refused.err)")
            #expect(try simulator.bill().submits == submits)
            #expect(try test.bytes(of: test.store + "-wal") == log)
            try FileManager.default.moveItem(atPath: aside, toPath: test.store)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 10)
        }

        @Test func `another program that writes the store for a moment holds the run up, and for long ends it`() throws
        {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 12)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "2"])
            try run.wait(for: "some clips") { $0.count("saved") >= 2 }
            try Self.holding(test.store) { #expect(run.ending(within: 0.5) == nil) }
            try run.wait(for: "more clips") { $0.count("saved") >= 4 }
            try Self.holding(test.store) { #expect(run.ending(within: 30) == .exited(1)) }
            #expect(
                run.written.errText.contains("another process is using the store; try again later"),
                "\(run.written.errText)")
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        /// Holds SQLite's right to write for the time of `body`.
        private static func holding(_ store: String, _ body: () throws -> Void) throws {
            var handle: OpaquePointer?
            try #require(sqlite3_open_v2(store, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK)
            defer { sqlite3_close_v2(handle) }
            sqlite3_busy_timeout(handle, 5000)
            try #require(sqlite3_exec(handle, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK)
            defer { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            try body()
        }

        // MARK: The system's calls

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `a disk that takes its time makes a run slow and nothing else`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 10)
            let run = try test.startRun(
                [manifest], at: simulator, environment: FailpointLibrary.environment(["FAULT_SYNC_MS": "60"]))
            #expect(try run.ended() == .exited(0), "\(run.written.errText)")
            #expect(run.written.count("failed") == 0)
            try test.expectAllPaidOnce(simulator, tasks: 10)
        }

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot))
        func `a disk whose syncs fail ends the run, and what it had not promised is asked for`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 20)
            let broken = test.path("broken")
            let run = try test.startRun(
                [manifest], at: simulator, environment: FailpointLibrary.environment(["FAULT_SYNC_FILE": broken]))
            try run.wait(for: "some clips") { $0.count("saved") >= 5 }
            try test.write("broken", "")
            #expect(try run.ended() == .exited(1), "\(run.written.errText)")
            #expect(
                run.written.errText.contains("the run stopped because of a store error: "), "\(run.written.errText)")
            #expect(run.written.errText.contains("disk I/O error"), "\(run.written.errText)")
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 20)
        }

        @Test(.enabled(if: FailpointLibrary.whyNot == nil, FailpointLibrary.whyNot), arguments: ["none", "empty"])
        func `a file system without locks, or with empty ones, is refused in words`(locks: String) throws {
            let simulator = try Simulator(test, speed: 500)
            let run = try test.startRun(
                [try test.manifest(clips: 3)], at: simulator,
                environment: FailpointLibrary.environment(["FAULT_LOCKS": locks]))
            #expect(try run.ended() == .exited(1))
            #expect(
                run.written.errText.hasSuffix(
                    "-lock failed: this file system does not support locks, which keep two runners apart; put the store on another file system\n"
                ), "\(run.written.errText)")
            #expect(try simulator.bill().submits == 0)
        }
    }
}
