import DailiesCore
import DailiesRunner
import DailiesStore

/// Draws the progress at the bottom of the terminal four times a second. Messages scroll past above it.
final class TerminalReporter: RunReporter {
    private struct State {
        var renderer = TerminalRenderer()
        var hasEnded = false
    }

    let refreshInterval: Duration? = .milliseconds(250)
    private let style: TextStyle
    private let isVerbose: Bool
    private let clock = DispatchClock()
    private let state = Locked(State())

    init(style: TextStyle, isVerbose: Bool) {
        self.style = style
        self.isVerbose = isVerbose
    }

    func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus) {
        if Self.isInView(event), !isVerbose { return draw(status) }
        guard let line = RunEventFormatter.line(for: event, in: status.batches, isVerbose: isVerbose) else { return }
        draw(status, above: line)
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

    func refreshed(_ status: RunStatus) { draw(status) }

    func snapshot(_ status: RunStatus) {
        let lines = ProgressView.lines(
            status, at: clock.now, width: TerminalRenderer.size().width - 1, style: style)
        draw(status, above: lines.joined(separator: "\n"))
    }

    func ended(_ summary: RunSummary) {
        state.withLock { state in
            state.hasEnded = true
            Console.errorRaw(state.renderer.clear(width: TerminalRenderer.size().width))
        }
        for line in RunSummaryFormatter.lines(summary, style: style) { Console.error(line) }
    }

    private func draw(_ status: RunStatus, above: String? = nil) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            let size = TerminalRenderer.size()
            // One column stays empty, because a full line would wrap on some terminals.
            let lines = ProgressView.lines(
                status, at: clock.now, width: size.width - 1, height: size.height, style: style)
            let text = state.renderer.paint(lines, above: above, width: size.width)
            if !text.isEmpty { Console.errorRaw(text) }
        }
    }
}
