import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Output is complete, or an error is reported.
    struct StandardOutputTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// Commands that print, for a store with the tasks `clip-001` …
        static let printing = [
            ["export"], ["export", "--format", "csv"], ["promote", "clip-001", "--model", "seedance-2.0-pro"],
            ["report"],
            ["report", "--json"], ["status"], ["status", "--json"], ["explain", "clip-001"], ["schema"], ["help"],
            ["help", "states"], ["--help"], ["--version"], ["export", "--help"],
        ]

        private func render(clips: Int) throws {
            let simulator = try Simulator(test, speed: 2000)
            let manifest = try test.manifest(clips: clips)
            let run = try test.finishRun([manifest], at: simulator, ["--concurrency", "100", "--no-download"])
            #expect(run.code == 0, "\(run.err)")
        }

        private func words(_ command: [String]) -> [String] {
            let takesStore =
                !["schema", "help"].contains(command[0]) && !command[0].hasPrefix("--")
                && command.last != "--help"
            return command + (takesStore ? ["--store", test.store] : [])
        }

        /// Runs a command with its standard output redirected by a shell.
        private func finish(_ command: [String], _ redirection: String) throws -> TestEnvironment.Finished {
            let child = try test.start(
                program: "/bin/sh", ["-c", "\"$@\" \(redirection)", "sh", TestEnvironment.program] + words(command))
            return TestEnvironment.Finished(child: child)
        }

        @Test func `every command that prints reports a full disk on standard output`() throws {
            try render(clips: 2)
            let plan = ["plan", try test.manifest("other.jsonl", clips: 1)]
            for command in Self.printing + [plan] {
                let full = try finish(command, "> /dev/full")
                #expect(full.code == 1, "\(command): \(full)")
                #expect(
                    full.err.hasSuffix(
                        "dailies: cannot write to standard output: No space left on device; the output is incomplete\n"),
                    "\(command): \(full.err)")
            }
        }

        @Test func `a reader that closes the pipe early ends a printing command without an error`() throws {
            try render(clips: 2)
            // The read end is closed before anything is written.
            for command in Self.printing {
                let closed = try finish(command, "| : ; exit ${PIPESTATUS:-0}")
                #expect(closed.err == "", "\(command): \(closed)")
            }
            let watch = try test.start(
                program: "/bin/sh",
                ["-c", "{ \"$@\"; echo \"code $?\" >&2; } | head -n 1", "sh", TestEnvironment.program]
                    + words(["status", "--watch", "--json"]))
            #expect(try watch.ended() == .exited(0))
            #expect(watch.written.errText == "code 0\n")
        }

        @Test func `a run continues if its output cannot be written, and reports that at the end`() throws {
            let simulator = try Simulator(test, speed: 2000)
            let manifest = try test.manifest(clips: 3)
            let run = try finish(test.runArguments([manifest], at: simulator), "> /dev/full")
            #expect(run.code == 1)
            #expect(run.err.contains("standard output: No space left on device"))
            #expect(try StoreFile(test.store).number("SELECT count(*) FROM task WHERE output_path IS NOT NULL") == 3)
        }

        @Test func `a non-blocking pipe with a slow reader gets every line`() throws {
            try render(clips: 400)
            let process = Process()
            let pipe = Pipe()
            let (reader, writer) = (pipe.fileHandleForReading.fileDescriptor, pipe.fileHandleForWriting.fileDescriptor)
            #expect(fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK) == 0)
            process.executableURL = URL(fileURLWithPath: TestEnvironment.program)
            process.arguments = words(["export"])
            process.standardOutput = pipe
            try process.run()
            // Nothing is read before the pipe is full.
            try eventually("the pipe to be full") {
                var count: Int32 = 0
                return ioctl(reader, UInt(FIONREAD), &count) == 0 && count >= 65_536 - 4096
            }
            let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(lines.split(separator: "\n").count >= 400)
        }
    }
}
