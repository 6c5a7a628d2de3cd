import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// One store with two names: a hard link, a mount, a removed lock file. No two runners work on it, and none uses a name
    /// that its log is not next to.
    struct StoreNameTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// A run whose tasks are all at the provider and stay there until the simulator has slots again.
        private func startHeldRun(_ manifest: String, _ simulator: Simulator, tasks: Int) throws -> Child {
            try simulator.control(#"{"model_slots": 0}"#)
            let run = try test.startRun([manifest], at: simulator, ["--concurrency", "\(tasks)"])
            try run.wait(for: "its tasks to be accepted") { $0.count("accepted") == tasks }
            return run
        }

        @Test func `a hard link is refused by both names, beside a run and after it`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 6)
            let first = try startHeldRun(manifest, simulator, tasks: 6)
            let second = test.path("second.sqlite")
            try FileManager.default.linkItem(atPath: test.store, toPath: second)

            let beside = TestEnvironment.Finished(
                child: try test.start(test.runArguments([manifest], at: simulator, store: second)))
            #expect(beside.code == 1)
            let words = """
                second.sqlite has 2 hard links, and the latest changes are in a log next to one of them; remove the \
                other links, or use a copy
                """
            #expect(beside.err.hasPrefix("dailies: cannot lock the store \(second): "), "\(beside.err)")
            #expect(beside.err.contains(words), "\(beside.err)")
            for command in ["status", "cancel", "reconcile"] {
                let more = command == "cancel" ? ["clip-001"] : []
                let refused = try test.finish([command, "--store", second] + more)
                #expect(refused.code == 1 && refused.err.contains(words), "\(command): \(refused.err)")
            }
            #expect(try simulator.bill().submits == 6)
            // The run itself began with one name, and nobody can open the other.
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try first.ended() == .exited(0), "\(first.written.errText)")

            for store in [test.store, second] {
                let run = TestEnvironment.Finished(
                    child: try test.start(test.runArguments([manifest], at: simulator, store: store)))
                #expect(run.code == 1 && run.err.contains(" has 2 hard links"), "\(run.err)")
            }
            try FileManager.default.removeItem(atPath: second)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 6)
        }

        @Test func `a lock file that was removed lets no second runner in, and ends the first safely`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 12)
            try simulator.control(#"{"model_slots": 0}"#)
            let first = try test.startRun([manifest], at: simulator, ["--concurrency", "6"])
            try first.wait(for: "its tasks to be accepted") { $0.count("accepted") == 6 }
            try first.halt()
            try FileManager.default.removeItem(atPath: test.store + "-lock")

            let second = try test.finishRun([manifest], at: simulator)
            #expect(second.code == 11)
            #expect(
                second.err.contains("another run is using the store (process \(first.pid)); wait for it or stop it"),
                "\(second.err)")
            #expect(FileManager.default.fileExists(atPath: test.store + "-lock"), "it was not created again")
            let told = try test.finish(["retry", "clip-001", "--store", test.store])
            #expect(told.code == 11, "\(told.err)")

            try first.goOn()
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try first.ended() == .exited(1), "\(first.written.errText)")
            let words = """
                its lock file \(test.store)-lock was removed or replaced while it was in use, so a second runner could \
                start; leave the lock file in place and run again
                """
            #expect(first.written.errText.contains(words), "\(first.written.errText)")
            #expect(try simulator.bill().submits == 6)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        @Test(.enabled(if: Namespace.whyNot == nil, Namespace.whyNot))
        func `a store that is mounted elsewhere is refused by its file, and known by its folder`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 4)
            let first = try startHeldRun(manifest, simulator, tasks: 4)
            let lives = try Namespace.run(
                test,
                """
                mkdir container whole; touch container/dailies.sqlite
                mount --bind dailies.sqlite container/dailies.sqlite; mount --bind . whole
                life
                set -- status --store container/dailies.sqlite; life
                set -- "$@" --store whole/dailies.sqlite; life
                """, test.runArguments([manifest], at: simulator, store: "container/dailies.sqlite"))
            let words = """
                container/dailies.sqlite is a mount of a single file, and the latest changes are in a log next to the \
                original; mount its folder instead
                """
            for refused in lives.prefix(2) { #expect(refused.code == 1 && refused.err.contains(words), "\(refused)") }
            #expect(lives.count == 3 && lives[2].code == 0, "the folder holds the log too: \(lives)")

            let mounted = try Namespace.run(
                test, "mount --bind . whole; life",
                test.runArguments([manifest], at: simulator, store: "whole/dailies.sqlite"))
            #expect(mounted.map(\.code).first == 11, "\(mounted)")
            #expect(mounted.first?.err.contains("another run is using the store (process \(first.pid)") == true)
            #expect(try simulator.bill().submits == 4)
            #expect(!FileManager.default.fileExists(atPath: test.path("container/dailies.sqlite-wal")))

            try simulator.control(#"{"model_slots": null}"#)
            #expect(try first.ended() == .exited(0), "\(first.written.errText)")
            try test.expectAllPaidOnce(simulator, tasks: 4)
        }
    }
}
