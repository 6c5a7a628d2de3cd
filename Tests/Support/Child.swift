import Foundation
import Testing

/// A process of its own, whose output is collected while it runs and which is killed, by its own id, at the latest when
/// its ``TestEnvironment`` ends.
final class Child: @unchecked Sendable {
    // Unchecked because of `output` and `end`: they are touched under `condition`.

    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(Int32)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Output: Sendable {
        var out: [UInt8] = []
        var err: [UInt8] = []
        var outText: String { String(decoding: out, as: UTF8.self) }
        var errText: String { String(decoding: err, as: UTF8.self) }
        var lines: [Substring] { outText.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }

        /// How many objects of this type a `--json` command has written.
        func count(_ type: String) -> Int { lines.count { $0.hasPrefix("{\"type\":\"\(type)\"") } }
    }

    /// No test waits longer for anything.
    static let patience: Double = 120

    private static let starting = NSLock()

    let pid: pid_t
    private let process = Process()
    private let condition = NSCondition()
    private var output = Output()
    private var end: Ending?

    /// A program that was built with a sanitizer needs the sanitizer options of the tests.
    static let sanitizers = ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }
    static let slowed: Comment? = sanitizers.isEmpty ? nil : "a sanitizer slows what is measured in milliseconds"

    /// - Parameters:
    ///   - environment: all of it; nothing is inherited.
    ///   - folder: where it runs.
    ///   - input: a file that is its standard input; nil: none.
    init(
        _ program: String, _ arguments: [String], environment: [String: String], folder: String, input: String? = nil
    ) throws {
        // One at a time: a process that is started in between would hold the pipes and the socket by which Foundation
        // learns of the exit open for as long as it runs.
        Self.starting.lock()
        defer { Self.starting.unlock() }
        let (out, err) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment.merging(Self.sanitizers) { own, _ in own }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput =
            try input.map { try FileHandle(forReadingFrom: URL(fileURLWithPath: $0)) } ?? FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = err
        let exit = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in exit.signal() }
        try process.run()
        pid = process.processIdentifier
        Thread.detachNewThread { [self] in
            collect(out.fileHandleForReading, err.fileHandleForReading)
            exit.wait()
            condition.withLock {
                let code = process.terminationStatus
                end = process.terminationReason == .exit ? .exited(code) : .killed(code)
                condition.broadcast()
            }
        }
    }

    /// Collects both streams to their ends.
    private func collect(_ out: FileHandle, _ err: FileHandle) {
        let outDescriptor = out.fileDescriptor
        var open = [outDescriptor, err.fileDescriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !open.isEmpty {
            guard poll(&open, nfds_t(open.count), -1) > 0 else { continue }
            for entry in open where entry.revents != 0 {
                let count = read(entry.fd, &buffer, buffer.count)
                if count > 0 {
                    let part = buffer[..<count]
                    change { if entry.fd == outDescriptor { $0.out += part } else { $0.err += part } }
                } else {
                    open.removeAll { $0.fd == entry.fd }
                }
            }
        }
    }

    private func change(_ body: (inout Output) -> Void) {
        condition.withLock {
            body(&output)
            condition.broadcast()
        }
    }

    // MARK: What a test does with it

    var written: Output { condition.withLock { output } }

    /// Sends a signal if it still runs.
    func send(_ signal: Int32) {
        condition.withLock { if end == nil, process.isRunning { kill(pid, signal) } }
    }

    /// Stops it as a suspend would, and returns when it stands: a signal to go on that comes before would be lost on it.
    func halt() throws {
        send(SIGSTOP)
        try eventually("process \(pid) stands") { try isHalted() }
    }

    /// Lets it go on, and returns when it does.
    func goOn() throws {
        try eventually("process \(pid) goes on") {
            send(SIGCONT)
            return try !isHalted()
        }
    }

    /// By the third field of its line in /proc, which follows the name in parentheses.
    private func isHalted() throws -> Bool {
        let line = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return line[(line.lastIndex(of: ")") ?? line.startIndex)...].dropFirst(2).first == "T"
    }

    /// Returns as soon as its output fulfils the condition.
    ///
    /// - Throws: when it ends first, and when patience ends.
    func wait(for what: String, until holds: (Output) -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: Self.patience)
        try condition.withLock {
            while !holds(output) {
                if let end { throw Failure(description: "it ended (\(end)) before \(what):\n\(output.errText)") }
                guard condition.wait(until: deadline) else {
                    throw Failure(description: "\(what) did not happen in \(Self.patience) s:\n\(output.errText)")
                }
            }
        }
    }

    /// How it ended, or nil if it is still running after this many seconds.
    func ending(within seconds: Double) -> Ending? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            while end == nil, condition.wait(until: deadline) {}
            return end
        }
    }

    /// How it ended.
    @discardableResult func ended() throws -> Ending {
        if let end = ending(within: Self.patience) { return end }
        throw Failure(description: "it has not ended in \(Self.patience) s:\n\(written.errText)")
    }

    /// Kills it as a power cut would, and waits until it is gone.
    func killNow() throws {
        send(SIGKILL)
        try ended()
    }
}
