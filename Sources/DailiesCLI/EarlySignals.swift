import Foundation
import Synchronization

/// SIGINT, SIGTERM and SIGHUP before anything is sent. A run ends with the code of its signal, as after a clean stop:
/// there is nothing to wait for. Any other command dies by the signal, as a shell expects.
enum EarlySignals {
    // What the handler reads, on whatever thread and in the middle of whatever it interrupts.
    private static let isRun = Atomic(false)
    private static let isJSON = Atomic(false)
    /// A process group that ends with this process; 0: none.
    private static let group = Atomic<pid_t>(0)
    private static let isStartingGroup = Atomic(false)
    /// A signal that came meanwhile; 0: none.
    private static let postponed = Atomic<Int32>(0)
    /// Ignored from the start, as under nohup(1), and so left.
    private static let isHangUpIgnored = Atomic(false)

    /// The signals that end a command, and what a run returns after each.
    static var codes: [Int32: ExitCode] {
        var codes = [SIGINT: ExitCode.interrupted, SIGTERM: .terminated, SIGHUP: .hungUp]
        if isHangUpIgnored.load(ordering: .relaxed) { codes[SIGHUP] = nil }
        return codes
    }

    /// To be called before anything else.
    static func install() {
        var now = sigaction()
        sigaction(SIGHUP, nil, &now)
        #if os(Linux)
            let handler = now.__sigaction_handler.sa_handler
        #else
            let handler = now.__sigaction_u.__sa_handler
        #endif
        let isIgnored = unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        isHangUpIgnored.store(isIgnored, ordering: .relaxed)
        // Variables are made at their first use, which must not be in a handler.
        for flag in [isRun.load(ordering: .relaxed), isJSON.load(ordering: .relaxed)] { precondition(!flag) }
        precondition(group.load(ordering: .relaxed) == 0 && postponed.load(ordering: .relaxed) == 0)
        precondition(!isStartingGroup.load(ordering: .relaxed))
        for number in codes.keys { signal(number, endEarly) }
    }

    /// From here on a signal ends a run.
    static func runBegins(json: Bool) {
        isJSON.store(json, ordering: .sequentiallyConsistent)
        isRun.store(true, ordering: .sequentiallyConsistent)
    }

    /// Starts a process group that is killed if a signal ends this process, until ``groupEnded()``.
    ///
    /// - Parameter start: returns the group, or a number below 1 where there is none. A signal waits for its end.
    static func startingGroup(_ start: () -> pid_t) -> pid_t {
        isStartingGroup.store(true, ordering: .sequentiallyConsistent)
        let started = start()
        group.store(started, ordering: .sequentiallyConsistent)
        isStartingGroup.store(false, ordering: .sequentiallyConsistent)
        let number = postponed.load(ordering: .sequentiallyConsistent)
        if number != 0 { end(by: number) }
        return started
    }

    static func groupEnded() { group.store(0, ordering: .sequentiallyConsistent) }

    /// Calls nothing but what signal-safety(7) lists.
    fileprivate static func end(by number: Int32) {
        if isStartingGroup.load(ordering: .sequentiallyConsistent) {
            return postponed.store(number, ordering: .sequentiallyConsistent)
        }
        let started = group.load(ordering: .sequentiallyConsistent)
        if started > 0 { kill(-started, SIGKILL) }
        guard isRun.load(ordering: .sequentiallyConsistent) else {
            signal(number, SIG_DFL)
            raise(number)
            return
        }
        say("dailies: stopped before anything was submitted\n", to: STDERR_FILENO)
        if isJSON.load(ordering: .sequentiallyConsistent) { say(lastLine(number), to: STDOUT_FILENO) }
        _exit(128 + number)
    }

    /// As ``JSONReporter`` writes it.
    private static func lastLine(_ number: Int32) -> StaticString {
        switch number {
        case SIGHUP:
            """
            {"type":"finished","reasons":["stopped before anything was submitted"],"exit_code":129}

            """
        case SIGINT:
            """
            {"type":"finished","reasons":["stopped before anything was submitted"],"exit_code":130}

            """
        default:
            """
            {"type":"finished","reasons":["stopped before anything was submitted"],"exit_code":143}

            """
        }
    }

    private static func say(_ text: StaticString, to descriptor: Int32) {
        _ = write(descriptor, text.utf8Start, text.utf8CodeUnitCount)
    }
}

private func endEarly(_ number: Int32) { EarlySignals.end(by: number) }
