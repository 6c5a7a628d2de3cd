import DailiesCore
import Foundation

/// Where words go: data to standard output, messages to standard error.
enum Console {
    /// Whether standard error is a terminal that can be asked and drawn on.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isTerminal }

    static func out(_ text: String, lineEnd: String = "\n") { write(text + lineEnd, to: STDOUT_FILENO) }
    /// Exactly these bytes, for drawing.
    static func errorRaw(_ text: String) { write(text, to: STDERR_FILENO) }
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Writes all of it, in one piece where the system takes it so. A reader that has gone away is not an error here:
    /// the work does not depend on who watches.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Asks a person a question; anything but yes is no.
    static func confirms(_ question: String) -> Bool {
        write(question + " [y/N] ", to: STDERR_FILENO)
        guard let answer = readLine() else { return false }
        return ["y", "yes"].contains(answer.lowercased())
    }
}
