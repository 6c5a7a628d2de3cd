import DailiesCore
import DailiesStore
import Foundation

/// An API key that a command of the user's prints.
enum KeyCommand {
    /// Seconds. A key store may ask its user for a password.
    private static let patience = 60
    /// Of its first line, and as much again of what follows.
    private static let mostBytes = 65_536

    /// By command: it runs once.
    private static let printed = Locked<[String: String]>([:])

    /// - Returns: nil where no command is configured.
    /// - Throws: ``Stop`` with 77 where it fails; what it printed is never repeated.
    static func key() throws -> String? {
        guard let configured = ConfigurationLoader.current.values[OptionRule.keyCommand] else { return nil }
        guard let command = configured.values.first, configured.values.count == 1 else {
            throw Stop(.usage, "\(configured.origin): api_key_command is one command")
        }
        if let line = printed.withLock({ $0[command] }) { return line }
        do throws(Failure) {
            let line = try firstLine(of: command, within: .seconds(patience))
            printed.withLock { $0[command] = line }
            return line
        } catch {
            throw Stop(.keyRefused, "\(configured.origin): api_key_command \(error.message)")
        }
    }

    struct Failure: Error {
        /// Follows `api_key_command`.
        let message: String
    }

    /// Runs a command in its own process group, which is killed at the deadline, and returns the first line of its output.
    /// The rest is read and dropped, up to a bound, since many programs fail when nobody reads their output.
    static func firstLine(of command: String, within patience: DispatchTimeInterval) throws(Failure) -> String {
        let reading = TimedReader(within: patience)
        let (out, ended) = (Pipe(), Pipe())
        // A command that inherits the reading end never gets SIGPIPE.
        for pipe in [out, ended] {
            for handle in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
            }
        }
        let process = EarlySignals.startingGroup {
            start(command, output: out.fileHandleForWriting.fileDescriptor)
        }
        guard process > 0 else { throw Failure(message: "cannot be started: \(String(cString: strerror(-process)))") }
        defer { EarlySignals.groupEnded() }
        out.fileHandleForWriting.closeFile()
        let status = Locked<Int32>(0)
        Thread.detachNewThread {
            var code: Int32 = 0
            while waitpid(process, &code, 0) < 0, errno == EINTR {}
            status.withLock { $0 = code }
            ended.fileHandleForWriting.write(Data([0]))
        }
        let line: String
        let isCut: Bool
        do throws(TimedReader.Failure) {
            let end = ended.fileHandleForReading.fileDescriptor
            (line, isCut) = try firstLine(from: out.fileHandleForReading, orUntil: end, reading)
            _ = try reading.read(end, atMost: 1) { !$0.isEmpty }
        } catch {
            kill(-process, SIGKILL)
            throw Failure(message: words(for: error))
        }
        let code = status.withLock { $0 }
        guard isCut || code == 0 else {
            // As a shell reports it.
            throw Failure(message: "failed (\(code & 0x7F == 0 ? code >> 8 & 0xFF : 128 + (code & 0x7F)))")
        }
        guard !line.isEmpty else { throw Failure(message: "printed no key") }
        return line
    }

    /// Foundation's `Process` does not report the end of a process as long as a child of that process is running.
    ///
    /// - Returns: the process, which leads a group; or the negative `errno`.
    private static func start(_ command: String, output: Int32) -> pid_t {
        #if os(Linux)
            var (actions, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
        #else
            var (actions, attributes): (posix_spawn_file_actions_t?, posix_spawnattr_t?) = (nil, nil)
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // This program ignores SIGPIPE, and a child inherits that.
        var reset = sigset_t()
        sigemptyset(&reset)
        sigaddset(&reset, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &reset)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        let words = list(["sh", "-c", command])
        let environment = list(ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
        defer { for text in words + environment { free(text) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, environment)
        return code == 0 ? process : -code
    }

    /// For C: ends with nil; the caller frees each text.
    private static func list(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var list: [UnsafeMutablePointer<CChar>?] = []
        for text in texts { list.append(strdup(text)) }
        list.append(nil)
        return list
    }

    /// - Returns: also whether reading stopped early: then the exit status means nothing.
    private static func firstLine(
        from pipe: FileHandle, orUntil end: Int32, _ reading: TimedReader
    ) throws(TimedReader.Failure) -> (line: String, isCut: Bool) {
        let lineFeed = UInt8(ascii: "\n")
        let head = try reading.read(pipe.fileDescriptor, atMost: mostBytes, orUntil: end) { $0.contains(lineFeed) }
        let line = String(decoding: head.prefix { $0 != lineFeed }, as: UTF8.self)
        do throws(TimedReader.Failure) {
            _ = try reading.read(pipe.fileDescriptor, atMost: mostBytes, orUntil: end)
            return (line, false)
        } catch {
            guard error == .tooLong else { throw error }
            pipe.closeFile()
            return (line, true)
        }
    }

    private static func words(for failure: TimedReader.Failure) -> String {
        switch failure {
        case .timedOut: "did not end within \(patience) s; it and the processes it started were killed"
        case .tooLong: "printed a first line that is longer than any key"
        case .refused(let code): "cannot be read: \(String(cString: strerror(code)))"
        }
    }
}
