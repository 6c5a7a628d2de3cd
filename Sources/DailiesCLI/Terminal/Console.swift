import DailiesCore
import Foundation
import Synchronization

/// Writes data to standard output and messages to standard error.
enum Console {
    /// `errno` of the first failed write to standard output, or 0. Nothing is written there after a failure.
    private static let outputError = Atomic<Int32>(0)
    /// Whether a failed write to standard output ends the program immediately, for commands that only print.
    private static let endsWithOutput = Atomic<Bool>(false)

    /// Whether standard error is a terminal.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static let isOutputTerminal = isatty(STDOUT_FILENO) == 1
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isTerminal }

    /// A failed write does not stop the caller, because the work of a command does not depend on its reader.
    /// ``end(with:)`` reports the failure.
    static func out(_ text: String, lineEnd: String = "\n") {
        guard outputError.load(ordering: .relaxed) == 0 else { return }
        let error = write(text + lineEnd, to: STDOUT_FILENO)
        guard error != 0 else { return }
        outputError.store(error, ordering: .relaxed)
        if endsWithOutput.load(ordering: .relaxed) { end(with: .success) }
    }

    /// From now on, a failed write to standard output ends the program.
    static func endWithOutput() { endsWithOutput.store(true, ordering: .relaxed) }

    /// Ends the program if the reader of standard output has closed the pipe, for a command that may not print for a
    /// long time.
    static func endIfReaderIsGone() {
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        guard poll(&output, 1, 0) > 0, output.revents & Int16(POLLERR) != 0 else { return }
        end(with: .success)
    }

    /// Ends the program with this code, or with 1 and a message if standard output could not be written. A reader that
    /// closed the pipe early is not an error.
    static func end(with code: ExitCode) -> Never {
        let error = outputError.load(ordering: .relaxed)
        guard error != 0, error != EPIPE else { exit(code.rawValue) }
        let reason = String(cString: strerror(error))
        Console.error("dailies: cannot write to standard output: \(reason); the output is incomplete")
        exit(ExitCode.unexpected.rawValue)
    }

    /// Without a line end, for drawing.
    static func errorRaw(_ text: String) { write(text, to: STDERR_FILENO) }
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Writes the whole text, in one call if the system accepts that. Waits for a slow reader of a non-blocking pipe.
    ///
    /// - Returns: 0, or the `errno` of the failed write.
    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                bytes = bytes.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK:
                var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&writable, 1, -1)
            case let error: return error
            }
        }
        return 0
    }

    /// Asks the user a question. Any answer other than `y` or `yes` means no.
    static func confirms(_ question: String) -> Bool {
        write(question + " [y/N] ", to: STDERR_FILENO)
        guard let answer = readLine() else { return false }
        return ["y", "yes"].contains(answer.lowercased())
    }
}
