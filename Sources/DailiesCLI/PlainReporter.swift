import DailiesCore
import DailiesStore

/// One line for whatever matters, and a line of counts at most every ten seconds.
final class PlainReporter: RunReporter {
    private static let interval = Duration.seconds(10)

    private struct State {
        var progress = RunProgress()
        var lastLine: Instant?
    }

    private let isQuiet: Bool
    private let state = Guarded(State())

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func began(_ overview: RunOverview) {
        state.withLock { $0.progress = RunProgress(overview) }
        guard !isQuiet else { return }
        let names = overview.batches.map(SafeText.escaped).joined(separator: ", ")
        let open = "\(overview.open) of \(overview.total) clips to go"
        Console.error("\(names): \(open), at most \(overview.concurrency) at a time")
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        let line = state.withLock { state -> String? in
            state.progress.take(event, at: instant)
            if let words = RunEventWords.line(for: event) { return words }
            guard !isQuiet, instant - (state.lastLine ?? .distantPast) >= Self.interval else { return nil }
            state.lastLine = instant
            return Self.counts(state.progress)
        }
        if let line { Console.error(line) }
    }

    private static func counts(_ progress: RunProgress) -> String {
        "\(progress.finished)/\(progress.total) done, \(progress.inFlightCount) in flight, \(progress.saved) saved, "
            + "\(progress.failed) failed, \(progress.charged) credits"
    }

    func ended(_ summary: RunSummary) {
        for line in SummaryWords.lines(summary) { Console.error(line) }
    }
}
