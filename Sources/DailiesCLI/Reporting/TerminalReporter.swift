import DailiesCore
import DailiesRunner
import DailiesStore
import Dispatch
import Foundation

/// A view of the run at the foot of the terminal, redrawn four times a second; messages scroll past above it.
final class TerminalReporter: RunReporter, @unchecked Sendable {
    // Unchecked because of `timer`: Dispatch's sources may be used from any thread, but do not say so.

    private static let redrawMilliseconds = 250
    /// Drawings between two looks at the store's sums.
    private static let drawingsPerLook = 4

    private struct State {
        var progress = RunProgress()
        var painter = TerminalRenderer()
        var drawings = 0
        var isOver = false
    }

    private let style: TextStyle
    private let isVerbose: Bool
    private let money: SpendMonitor?
    private let clock = DispatchClock()
    private let state = Locked(State())
    private let timer: any DispatchSourceTimer

    init(style: TextStyle, isVerbose: Bool, money: SpendMonitor?) {
        self.style = style
        self.isVerbose = isVerbose
        self.money = money
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
            if Self.standsInTheView(event), !isVerbose { return draw(&state) }
            guard let words = RunEventFormatter.line(for: event, in: state.progress.batches, isVerbose: isVerbose) else { return }
            draw(&state, above: words)
        }
    }

    /// The last failures, and all of them in the last words, by reason; what is waited for, as long as it is.
    private static func standsInTheView(_ event: RunEvent) -> Bool {
        switch event {
        case .failed, .paused, .resumed: true
        case .submitted, .accepted, .running, .completed, .cancelled, .waitsAgain, .withdrawn, .retried, .saved,
            .downloadFailed, .uncertain, .lost, .unresolved, .warning:
            false
        }
    }

    func snapshot() {
        state.withLock { state in
            let lines = ProgressView.lines(
                state.progress, at: clock.now, width: TerminalRenderer.size().width - 1, style: style)
            draw(&state, above: lines.joined(separator: "\n"))
        }
    }

    func ended(_ summary: RunSummary) {
        timer.cancel()
        state.withLock { state in
            state.isOver = true
            Console.errorRaw(state.painter.clear(width: TerminalRenderer.size().width))
        }
        for line in RunSummaryFormatter.lines(summary, style: style) { Console.error(line) }
    }

    private func redraw() {
        state.withLock { state in
            if state.drawings % Self.drawingsPerLook == 0, let sums = money?.read() {
                state.progress.know(settled: sums.settled, reserved: sums.reserved)
            }
            state.drawings += 1
            draw(&state)
        }
    }

    private func draw(_ state: inout State, above: String? = nil) {
        guard !state.isOver else { return }
        let size = TerminalRenderer.size()
        // One column is left free: a full line would wrap on some terminals.
        let lines = ProgressView.lines(
            state.progress, at: clock.now, width: size.width - 1, height: size.height, style: style)
        let text = state.painter.paint(lines, above: above, width: size.width)
        if !text.isEmpty { Console.errorRaw(text) }
    }
}
