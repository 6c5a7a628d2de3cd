import Foundation
import Testing

/// Small disks: file systems in memory that are mounted in a name space of their own, so that nothing of them is seen
/// outside and all of them are gone with the process.
enum Namespace {
    private static let unshare = "/usr/bin/unshare"

    /// Why there can be none here; nil: there can.
    static let whyNot: Comment? = {
        guard FileManager.default.isExecutableFile(atPath: unshare) else { return "there is no \(unshare)" }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: unshare)
        process.arguments = ["-m", "/bin/sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return "\(unshare) cannot be run: \(error)"
        }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : "mounting a small disk is not allowed here"
    }()

    /// One run of the program within.
    struct Life: CustomStringConvertible {
        let code: Int32
        let out: String
        let err: String
        var accepted: Int { Namespace.accepted(in: out[...]) }
        var description: String { "exit \(code):\n\(err)" }
    }

    /// The number of tasks that the service accepted according to these lines of `--json`.
    static func accepted(in lines: Substring) -> Int {
        lines.split(separator: "\n").count { $0.hasPrefix(#"{"type":"accepted""#) }
    }

    /// Runs a script of the shell in the test's folder, where `small` is a folder to mount on, and in it as often as it
    /// says `life` the program with these arguments.
    static func run(_ test: TestEnvironment, _ script: String, _ arguments: [String]) throws -> [Life] {
        try FileManager.default.createDirectory(
            atPath: test.path("small"), withIntermediateDirectories: true)
        let prelude = """
            set -u; n=0
            life() {
                n=$((n+1)); "$PROGRAM" "$@" >"life-$n.out" 2>"life-$n.err"; echo $? >"life-$n.code"
            }
            """
        let words = script.replacing(#/\blife\b/#, with: #"life "$@""#)
        let child = try test.start(
            program: unshare, ["-m", "/bin/sh", "-c", prelude + "\n" + words, "sh"] + arguments,
            environment: ["PROGRAM": TestEnvironment.program])
        #expect(try child.ended() == .exited(0), "\(child.written.errText)")
        var lives: [Life] = []
        while FileManager.default.fileExists(atPath: test.path("life-\(lives.count + 1).code")) {
            func text(_ ending: String) throws -> String {
                String(decoding: try test.bytes(of: test.path("life-\(lives.count + 1).\(ending)")), as: UTF8.self)
            }
            let code = try text("code").trimmingCharacters(in: .whitespacesAndNewlines)
            lives.append(Life(code: Int32(code) ?? -1, out: try text("out"), err: try text("err")))
        }
        return lives
    }
}
