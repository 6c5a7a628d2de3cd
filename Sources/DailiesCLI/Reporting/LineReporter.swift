import DailiesCore
import DailiesRunner
import DailiesStore

/// One line for whatever matters, and a line of counts at most every ten seconds.
final class LineReporter: RunReporter {
    enum Verbosity {
        case quiet
        case usual
        /// Every step of every task.
        case verbose
    }

    private static let interval = Duration.seconds(10)
    private static let snapshotWidth = 100

    private struct State {
        var progress = RunProgress()
        var lastLine: Instant?
    }

    private let loudness: Verbosity
    private let clock = DispatchClock()
    private let money: SpendMonitor?
    private let state = Locked(State())

    init(_ loudness: Verbosity, money: SpendMonitor?) {
        self.loudness = loudness
        self.money = money
    }

    func began(_ overview: RunOverview) {
        state.withLock { $0.progress = RunProgress(overview) }
        guard loudness != .quiet else { return }
        let names = overview.batches.ownNames.map(SafeText.escaped).joined(separator: ", ")
        let open = "\(overview.open) of \(overview.total) clips to go"
        Console.error("\(names): \(open), at most \(overview.concurrency) at a time")
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        let lines = state.withLock { state -> [String] in
            state.progress.take(event, at: instant)
            var lines = [RunEventFormatter.line(
                for: event, in: state.progress.batches, isVerbose: loudness == .verbose)].compactMap { $0 }
            if loudness == .verbose {
                lines = lines.map { "\(Composition.Calendar.timestamp(instant))  \($0)" }
            } else if loudness == .usual, instant - (state.lastLine ?? .distantPast) >= Self.interval {
                state.lastLine = instant
                lines.append(Self.counts(state.progress, at: instant))
            }
            return lines
        }
        for line in lines { Console.error(line) }
    }

    private static func counts(_ progress: RunProgress, at now: Instant) -> String {
        let left = progress.remaining(at: now).map { ", done in \(ETAEstimator.words($0))" } ?? ""
        return "\(progress.completed)/\(progress.total) completed, \(progress.inFlightCount) in flight, "
            + "\(progress.saved) saved, \(progress.failed) failed, \(progress.cancelled) cancelled, "
            + "\(progress.charged) credits\(left)"
    }

    func snapshot() {
        let lines = state.withLock { state -> [String] in
            if let sums = money?.read() { state.progress.know(settled: sums.settled, reserved: sums.reserved) }
            return ProgressView.lines(
                state.progress, at: clock.now, width: Self.snapshotWidth, style: TextStyle(isColoured: false))
        }
        Console.error(lines.joined(separator: "\n"))
    }

    func ended(_ summary: RunSummary) {
        for line in RunSummaryFormatter.lines(summary, style: TextStyle(isColoured: false)) { Console.error(line) }
    }
}
