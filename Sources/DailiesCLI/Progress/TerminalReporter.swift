import DailiesCore
import DailiesRunner
import DailiesStore
import Dispatch
import Foundation

/// Draws the progress at the bottom of the terminal four times a second. Messages scroll past above it.
final class TerminalReporter: RunReporter, @unchecked Sendable {
    // Unchecked because of `timer`: Dispatch sources are thread-safe but not Sendable.

    private static let redrawMilliseconds = 250
    /// Redraws between two reads of the store's sums.
    private static let redrawsPerRead = 4

    private struct State {
        var progress = RunProgress()
        var renderer = TerminalRenderer()
        var redraws = 0
        var hasEnded = false
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
            state.progress.apply(event, at: instant)
            if Self.isInView(event), !isVerbose { return draw(&state) }
            guard let line = RunEventFormatter.line(for: event, in: state.progress.batches, isVerbose: isVerbose) else {
                return
            }
            draw(&state, above: line)
        }
    }

    /// Whether the view shows the event: the last failures (the summary lists all of them) and the current pauses.
    private static func isInView(_ event: RunEvent) -> Bool {
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
            state.hasEnded = true
            Console.errorRaw(state.renderer.clear(width: TerminalRenderer.size().width))
        }
        for line in RunSummaryFormatter.lines(summary, style: style) { Console.error(line) }
    }

    private func redraw() {
        state.withLock { state in
            if state.redraws % Self.redrawsPerRead == 0, let sums = money?.read() {
                state.progress.update(settled: sums.settled, reserved: sums.reserved)
            }
            state.redraws += 1
            draw(&state)
        }
    }

    private func draw(_ state: inout State, above: String? = nil) {
        guard !state.hasEnded else { return }
        let size = TerminalRenderer.size()
        // One column stays empty, because a full line would wrap on some terminals.
        let lines = ProgressView.lines(
            state.progress, at: clock.now, width: size.width - 1, height: size.height, style: style)
        let text = state.renderer.paint(lines, above: above, width: size.width)
        if !text.isEmpty { Console.errorRaw(text) }
    }
}
