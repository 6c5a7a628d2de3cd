import DailiesCore
import DailiesStore
import Foundation

/// Reads the API key from `api_key_command`.
enum KeyCommand {
    /// In seconds. A key store may ask the user for a password.
    private static let timeoutSeconds = 60
    /// Limit for the first line, and also for the rest of the output.
    private static let maximumBytes = 65_536

    /// Keys by command, so that each command runs only once.
    private static let printed = Locked<[String: String]>([:])

    /// - Returns: nil if no command is configured.
    /// - Throws: ``Stop`` with 77 if the command fails. The message never contains the command's output.
    static func key() throws -> String? {
        guard let configured = ConfigurationLoader.current.values[OptionRule.keyCommand] else { return nil }
        guard let command = configured.values.first, configured.values.count == 1 else {
            throw Stop(.usage, "\(configured.origin): api_key_command must be a single command")
        }
        if let line = printed.withLock({ $0[command] }) { return line }
        do throws(Failure) {
            let line = try firstLine(of: command, within: .seconds(timeoutSeconds))
            printed.withLock { $0[command] = line }
            return line
        } catch {
            throw Stop(.keyRefused, "\(configured.origin): api_key_command \(error.message)")
        }
    }

    struct Failure: Error {
        /// Printed after `api_key_command`.
        let message: String
    }

    /// Runs a command in a separate process group, which is killed at the deadline, and returns the first line of its
    /// output. The rest is read and discarded, up to a limit, because many programs fail if their output is not read.
    static func firstLine(of command: String, within timeout: DispatchTimeInterval) throws(Failure) -> String {
        let reader = TimedReader(within: timeout)
        let (out, ended) = (Pipe(), Pipe())
        // A command that inherits the read end never gets SIGPIPE.
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
            (line, isCut) = try firstLine(from: out.fileHandleForReading, orUntil: end, reader)
            _ = try reader.read(end, atMost: 1) { !$0.isEmpty }
        } catch {
            kill(-process, SIGKILL)
            throw Failure(message: message(for: error))
        }
        let code = status.withLock { $0 }
        guard isCut || code == 0 else {
            // A signal is reported like in a shell.
            let exitCode = code & 0x7F == 0 ? code >> 8 & 0xFF : 128 + (code & 0x7F)
            throw Failure(message: "failed with exit code \(exitCode)")
        }
        guard !line.isEmpty else { throw Failure(message: "printed no key") }
        return line
    }

    /// Uses `posix_spawn`, because Foundation's `Process` does not report the end of a process while one of its
    /// children is running.
    ///
    /// - Returns: the process ID, which is also the group ID, or the negative `errno`.
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
        // This program ignores SIGPIPE, and children inherit that.
        var reset = sigset_t()
        sigemptyset(&reset)
        sigaddset(&reset, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &reset)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        let arguments = list(["sh", "-c", command])
        let environment = list(ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
        defer { for text in arguments + environment { free(text) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, environment)
        return code == 0 ? process : -code
    }

    /// A C array that ends with nil. The caller frees each string.
    private static func list(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var list: [UnsafeMutablePointer<CChar>?] = []
        for text in texts { list.append(strdup(text)) }
        list.append(nil)
        return list
    }

    /// - Returns: `isCut` if reading stopped early. Then the exit status is meaningless.
    private static func firstLine(
        from pipe: FileHandle, orUntil end: Int32, _ reader: TimedReader
    ) throws(TimedReader.Failure) -> (line: String, isCut: Bool) {
        let lineFeed = UInt8(ascii: "\n")
        let head = try reader.read(pipe.fileDescriptor, atMost: maximumBytes, orUntil: end) { $0.contains(lineFeed) }
        let line = String(decoding: head.prefix { $0 != lineFeed }, as: UTF8.self)
        do throws(TimedReader.Failure) {
            _ = try reader.read(pipe.fileDescriptor, atMost: maximumBytes, orUntil: end)
            return (line, false)
        } catch {
            guard error == .tooLong else { throw error }
            pipe.closeFile()
            return (line, true)
        }
    }

    private static func message(for failure: TimedReader.Failure) -> String {
        switch failure {
        case .timedOut: "did not finish within \(timeoutSeconds) s; it and its child processes were killed"
        case .tooLong: "printed a first line that is too long for a key"
        case .refused(let code): "cannot be read: \(String(cString: strerror(code)))"
        }
    }
}
