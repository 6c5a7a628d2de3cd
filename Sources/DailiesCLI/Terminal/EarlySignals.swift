import Foundation
import Synchronization

/// Handles SIGINT, SIGTERM and SIGHUP before anything is sent. A run exits with the exit code of the signal, as after a
/// clean stop, because nothing is in flight. Other commands are killed by the signal, as shells expect.
enum EarlySignals {
    /// Read by the handler, which runs on any thread and may interrupt any code.
    private final class State: Sendable {
        let isRun = Atomic(false)
        let isJSON = Atomic(false)
        /// A process group to kill when a signal ends this process; 0 if there is none.
        let group = Atomic<pid_t>(0)
        let isStartingGroup = Atomic(false)
        /// A signal is ending this process.
        let isEnding = Atomic(false)
        /// A signal that arrived while the group was starting; 0 if none.
        let postponed = Atomic<Int32>(0)
        /// SIGHUP was already ignored when the process started, as with nohup(1), and stays ignored.
        let isHangUpIgnored = Atomic(false)
    }
    private static let state = State()

    /// The signals that end a command, and the exit code of a run after each.
    static var codes: [Int32: ExitCode] {
        var codes = [SIGINT: ExitCode.interrupted, SIGTERM: .terminated, SIGHUP: .hungUp]
        if state.isHangUpIgnored.load(ordering: .sequentiallyConsistent) { codes[SIGHUP] = nil }
        return codes
    }

    /// Must be called first.
    static func install() {
        var now = sigaction()
        sigaction(SIGHUP, nil, &now)
        #if os(Linux)
            let handler = now.__sigaction_handler.sa_handler
        #else
            let handler = now.__sigaction_u.__sa_handler
        #endif
        let isIgnored = unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        // This also creates the state before a handler can need it.
        state.isHangUpIgnored.store(isIgnored, ordering: .sequentiallyConsistent)
        for number in codes.keys { signal(number, endEarly) }
    }

    /// From now on, signals end a run.
    static func runBegins(json: Bool) {
        state.isJSON.store(json, ordering: .sequentiallyConsistent)
        state.isRun.store(true, ordering: .sequentiallyConsistent)
    }

    /// Starts a process group that is killed if a signal ends this process, until ``groupEnded()``.
    ///
    /// - Parameter start: returns the group, or a number below 1 if there is none. Signals wait until it returns.
    static func startingGroup(_ start: () -> pid_t) -> pid_t {
        state.isStartingGroup.store(true, ordering: .sequentiallyConsistent)
        let started = start()
        state.group.store(started, ordering: .sequentiallyConsistent)
        state.isStartingGroup.store(false, ordering: .sequentiallyConsistent)
        let number = state.postponed.load(ordering: .sequentiallyConsistent)
        if number != 0 { end(by: number) }
        return started
    }

    /// Does not return if a signal has ended the group, so that the process ends because of that signal and not because
    /// the group ended.
    static func groupEnded() {
        while state.isEnding.load(ordering: .sequentiallyConsistent) { pause() }
        state.group.store(0, ordering: .sequentiallyConsistent)
    }

    /// Calls only functions that signal-safety(7) lists.
    fileprivate static func end(by number: Int32) {
        if state.isStartingGroup.load(ordering: .sequentiallyConsistent) {
            return state.postponed.store(number, ordering: .sequentiallyConsistent)
        }
        state.isEnding.store(true, ordering: .sequentiallyConsistent)
        let started = state.group.load(ordering: .sequentiallyConsistent)
        if started > 0 { kill(-started, SIGKILL) }
        guard state.isRun.load(ordering: .sequentiallyConsistent) else {
            signal(number, SIG_DFL)
            raise(number)
            return
        }
        print("dailies: stopped before anything was submitted\n", to: STDERR_FILENO)
        if state.isJSON.load(ordering: .sequentiallyConsistent) { print(lastLine(number), to: STDOUT_FILENO) }
        _exit(128 + number)
    }

    /// In the format of ``JSONReporter``.
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

    private static func print(_ text: StaticString, to descriptor: Int32) {
        _ = write(descriptor, text.utf8Start, text.utf8CodeUnitCount)
    }
}

private func endEarly(_ number: Int32) { EarlySignals.end(by: number) }
