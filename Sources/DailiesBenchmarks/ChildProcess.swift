import Foundation

/// A program that runs during a benchmark: a simulator or a server.
final class Child {
    let pid: pid_t
    /// The first line it printed.
    let greeting: String

    /// Starts a program and waits for its first line.
    ///
    /// - Throws: ``ProcessUsage/Failure`` if it cannot be started or ends without printing a line.
    init(_ program: String, _ arguments: [String]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ProcessUsage.Failure(description: "no pipe: errno \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        do {
            pid = try Self.start(program, arguments, &actions)
        } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        close(ends[1])
        let output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            guard let byte = try output.read(upToCount: 1)?.first else {
                throw ProcessUsage.Failure(description: "\(program) ended without output")
            }
            line.append(byte)
        }
        greeting = String(decoding: line.dropLast(), as: UTF8.self)
    }

    /// Starts a program without reading its standard output.
    init(silent program: String, _ arguments: [String]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        pid = try Self.start(program, arguments, &actions)
        greeting = ""
    }

    private static func start(
        _ program: String, _ arguments: [String], _ actions: inout posix_spawn_file_actions_t
    ) throws -> pid_t {
        let words = ([program] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        var started: pid_t = 0
        let error = posix_spawnp(&started, program, &actions, nil, words + [nil], environ)
        guard error == 0 else {
            throw ProcessUsage.Failure(description: "\(program): \(String(cString: strerror(error)))")
        }
        return started
    }

    /// A field of `/proc/PID/status` such as `VmRSS`, in bytes.
    static func memory(_ field: String, of pid: pid_t) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw ProcessUsage.Failure(description: "/proc/\(pid)/status has no \(field)")
        }
        return kibibytes * 1024
    }

    /// Terminates it, and waits until it has exited.
    func end() { end(by: SIGTERM) }

    /// Kills it, like a crash.
    func kill() { end(by: SIGKILL) }

    private func end(by signal: Int32) {
        _ = Foundation.kill(pid, signal)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR { continue }
    }
}
