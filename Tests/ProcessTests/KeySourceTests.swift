import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Keys from commands, FIFOs and files, as passed by a shell.
    struct KeySourceTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let key = "sk-live-Dq7zX0vJ2mKt9RwB4nYc8LhE1sPf6GuA"

        /// Runs a batch against a proxy that records the key, and expects that key.
        private func expectKey(
            _ run: (_ arguments: [String], _ manifest: String, _ proxy: Proxy) throws -> Child
        ) throws -> Child {
            let simulator = try Simulator(test, speed: 1000)
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.manifest(clips: 2)
            let child = try run(test.runArguments([manifest], at: proxy), manifest, proxy)
            #expect(try child.ended() == .exited(0), "\(child.written.errText)")
            let submits = proxy.requests.filter(\.isSubmit)
            #expect(!submits.isEmpty && submits.allSatisfy { $0.head.contains(Self.key) })
            return child
        }

        @Test func `the key can come from process substitution`() throws {
            let bash = "/bin/bash"
            try #require(FileManager.default.isExecutableFile(atPath: bash))
            _ = try expectKey { arguments, _, _ in
                try test.start(
                    program: bash,
                    ["-c", "\"$@\" --api-key-file <(printf '%s\\n' '\(Self.key)')", "bash", TestEnvironment.program]
                        + arguments)
            }
        }

        @Test func `a FIFO is read once for all uses of the key`() throws {
            let fifo = test.path("key")
            try #require(mkfifo(fifo, 0o600) == 0)
            let writing = { @Sendable in
                guard let stream = fopen(fifo, "w") else { return }
                fputs(Self.key + "\n", stream)
                fclose(stream)
            }
            Thread.detachNewThread(writing)
            _ = try expectKey { arguments, _, _ in try test.start(arguments + ["--api-key-file", fifo]) }
            // `doctor` shows the key's fingerprint, then checks the key.
            Thread.detachNewThread(writing)
            let doctor = try test.finish(["doctor", "--offline", "--api-key-file", fifo])
            #expect(doctor.code == 0, "\(doctor.out)\(doctor.err)")
            #expect(doctor.out.contains("set, not checked (--offline)"), "\(doctor.out)")
        }

        @Test(arguments: [(0o644, true), (0o640, true), (0o600, false), (0o400, false)])
        func `a key file that others can read causes one warning`(mode: Int, isWarned: Bool) throws {
            let file = try test.write("key file", Self.key + "\n")
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            let run = try expectKey { arguments, _, _ in try test.start(arguments + ["--api-key-file", file]) }
            let warnings = run.written.errText.split(separator: "\n").filter { $0.contains("others can read") }
            let octal = String(mode, radix: 8)
            let words = "warning: others can read the API key in '\(file)' (mode 0\(octal)); run `chmod 600 '\(file)'`"
            #expect(warnings == (isWarned ? [words[...]] : []))
            #expect(!run.written.errText.contains(Self.key))
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a signal while the key command runs also ends that command`(signal: Int32) throws {
            let settings = test.path("config/dailies")
            try FileManager.default.createDirectory(atPath: settings, withIntermediateDirectories: true)
            try test.write(
                "config/dailies/config.yaml",
                "api_key_command: \"sleep 1000 & echo $! >'\(test.path("pid"))'; sleep 1000 | cat\"\n")
            let run = try test.startRun(
                [try test.manifest(clips: 1)], at: try Simulator(test, speed: 1000),
                environment: ["XDG_CONFIG_HOME": test.path("config")])
            var asked: pid_t?
            try eventually("the command to run") {
                let text = FileManager.default.contents(atPath: test.path("pid")) ?? Data()
                asked = pid_t(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
                return asked != nil
            }
            run.send(signal)
            #expect(try run.ended() == .exited(128 + signal))
            let command = try #require(asked)
            try eventually("the command to be gone") { kill(command, 0) != 0 || Self.isZombie(command) }
        }

        private static func isZombie(_ process: pid_t) -> Bool {
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return true }
            let text = String(decoding: line, as: UTF8.self)
            return text[(text.lastIndex(of: ")") ?? text.startIndex)...].dropFirst(2).first == "Z"
        }
    }
}
