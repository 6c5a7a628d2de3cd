import DailiesCore
import DailiesRunner
import DailiesStore
import Dispatch
import Foundation

/// A view of the run at the foot of the terminal, redrawn four times a second; messages scroll past above it.
final class LiveReporter: RunReporter, @unchecked Sendable {
    // Unchecked because of `timer`: Dispatch's sources may be used from any thread, but do not say so.

    private static let redrawMilliseconds = 250
    /// Where the terminal does not tell.
    private static let usualWidth = 80

    private struct State {
        var progress = RunProgress()
        /// Lines on the screen that the next drawing replaces.
        var drawn = 0
        var isOver = false
    }

    private let style: TextStyle
    private let clock = DispatchTimers()
    private let state = Guarded(State())
    private let timer: any DispatchSourceTimer

    init(style: TextStyle) {
        self.style = style
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "dailies.live", qos: .utility))
        timer.schedule(deadline: .now(), repeating: .milliseconds(Self.redrawMilliseconds))
    }

    deinit { timer.cancel() }

    func began(_ overview: RunOverview) {
        state.withLock { $0.progress = RunProgress(overview) }
        timer.setEventHandler { @Sendable [weak self] in self?.redraw() }
        timer.activate()
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        state.withLock { state in
            state.progress.take(event, at: instant)
            guard let words = RunEventWords.line(for: event) else { return }
            // In one piece, so that nothing flickers: the view goes, the message comes, the view comes back.
            Console.errorRaw(erasure(state.drawn) + words + "\n")
            state.drawn = 0
            draw(&state)
        }
    }

    func ended(_ summary: RunSummary) {
        timer.cancel()
        state.withLock { state in
            state.isOver = true
            Console.errorRaw(erasure(state.drawn))
            state.drawn = 0
        }
        for line in SummaryWords.lines(summary) { Console.error(line) }
    }

    private func redraw() { state.withLock { draw(&$0) } }

    private func draw(_ state: inout State) {
        guard !state.isOver else { return }
        let lines = LiveView.lines(state.progress, at: clock.now, width: Self.terminalWidth() - 1, style: style)
        Console.errorRaw(erasure(state.drawn) + lines.map { $0 + "\n" }.joined())
        state.drawn = lines.count
    }

    /// Up to the first line of the view, and everything below it gone.
    private func erasure(_ lines: Int) -> String { lines > 0 ? "\u{1B}[\(lines)A\r\u{1B}[J" : "" }

    private static func terminalWidth() -> Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return usualWidth }
        return Int(size.ws_col)
    }
}
