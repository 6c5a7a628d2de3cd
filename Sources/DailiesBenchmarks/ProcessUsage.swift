import Foundation

/// The resources used by one process.
struct ProcessUsage {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let seconds: Double
    /// User and system time.
    let processorSeconds: Double
    /// Maximum resident size in bytes.
    let peakBytes: Int
    let out: String

    /// Runs a program and waits for its end.
    ///
    /// - Parameters:
    ///   - program: a path, or a name on `PATH`.
    ///   - input: its standard input; empty by default.
    ///   - codes: the exit codes that are not failures.
    /// - Throws: ``Failure`` if it cannot be started or exits with another code; standard error is passed through.
    static func run(
        _ program: String, _ arguments: [String], input: String = "", codes: Set<Int32> = [0]
    ) throws -> ProcessUsage {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: scratch) } catch { print("left behind: \(scratch.path)") }
        }
        let (inPath, outPath) = (scratch.path + "/in", scratch.path + "/out")
        try Data(input.utf8).write(to: URL(fileURLWithPath: inPath))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, inPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)

        let words = ([program] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        let began = ContinuousClock.now
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, program, &actions, nil, words + [nil], environ)
        guard error == 0 else { throw Failure(description: "\(program): \(String(cString: strerror(error)))") }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw Failure(description: "\(program): lost") }
        }
        let span = began.duration(to: .now)
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
        let out = try String(decoding: Data(contentsOf: URL(fileURLWithPath: outPath)), as: UTF8.self)
        guard codes.contains(code) else { throw Failure(description: "\(program) ended with \(code)") }
        return ProcessUsage(
            seconds: span / .seconds(1), processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            peakBytes: Int(usage.ru_maxrss) * 1024, out: out)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
}
