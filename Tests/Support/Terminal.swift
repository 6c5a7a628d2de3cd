import Foundation

/// A pseudo-terminal with a program on it, and the screen that a person would see.
final class Terminal: @unchecked Sendable {
    // Unchecked because of `screen` and `ending`: they are touched under `condition`.

    private let master: Int32
    private let process = Process()
    private let condition = NSCondition()
    private var screen: Screen
    private var ending: Int32?

    /// Starts a program whose messages go to the terminal.
    ///
    /// - Parameters:
    ///   - showsData: its data goes there as well, not nowhere.
    ///   - takesInput: it reads what is typed.
    init(
        _ arguments: [String], width: Int, height: Int, environment: [String: String], folder: String,
        showsData: Bool = false, takesInput: Bool = false
    ) throws {
        screen = Screen(width: width, height: height)
        var (master, slave): (Int32, Int32) = (-1, -1)
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&master, &slave, nil, nil, &size) == 0 else {
            throw Child.Failure(description: "no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        self.master = master
        // Line ends are translated as a terminal does, but here they are read as they are written.
        var settings = termios()
        tcgetattr(slave, &settings)
        settings.c_oflag &= ~tcflag_t(OPOST)
        tcsetattr(slave, TCSANOW, &settings)
        process.executableURL = URL(fileURLWithPath: TestEnvironment.program)
        process.arguments = arguments
        process.environment = environment.merging(Child.sanitizers) { own, _ in own }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let end = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
        process.standardInput = takesInput ? end : FileHandle.nullDevice
        process.standardOutput = showsData ? end : FileHandle.nullDevice
        process.standardError = end
        let gone = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in gone.signal() }
        try process.run()
        close(slave)
        Thread.detachNewThread { [self] in
            collect()
            gone.wait()
            condition.withLock {
                ending = process.terminationStatus
                condition.broadcast()
            }
        }
    }

    deinit { close(master) }

    /// To the end: once nobody has the other side open, reading fails.
    private func collect() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(master, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            condition.withLock {
                screen.write(buffer[..<count])
                condition.broadcast()
            }
        }
    }

    var shown: Screen { condition.withLock { screen } }

    func resize(width: Int, height: Int) {
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        condition.withLock {
            _ = ioctl(master, UInt(TIOCSWINSZ), &size)
            screen.resize(width: width, height: height)
        }
    }

    /// A line, with its end.
    func type(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard write(master, bytes, bytes.count) == bytes.count else {
            throw Child.Failure(description: "nothing can be typed: \(String(cString: strerror(errno)))")
        }
    }

    func send(_ signal: Int32) { condition.withLock { if ending == nil { kill(process.processIdentifier, signal) } } }

    /// Returns as soon as the screen is as wanted.
    @discardableResult
    func wait(for what: String, until holds: (Screen) -> Bool) throws -> Screen {
        let deadline = Date(timeIntervalSinceNow: Child.patience)
        return try condition.withLock {
            while !holds(screen) {
                let text = screen.history.joined(separator: "\n")
                if let ending { throw Child.Failure(description: "it ended (\(ending)) before \(what):\n\(text)") }
                guard condition.wait(until: deadline) else {
                    throw Child.Failure(description: "\(what) did not happen in \(Child.patience) s:\n\(text)")
                }
            }
            return screen
        }
    }

    /// Its exit code.
    func ended() throws -> Int32 {
        let deadline = Date(timeIntervalSinceNow: Child.patience)
        return try condition.withLock {
            while ending == nil {
                guard condition.wait(until: deadline) else {
                    throw Child.Failure(description: "it does not end:\n\(screen.history.joined(separator: "\n"))")
                }
            }
            return ending ?? -1
        }
    }
}
