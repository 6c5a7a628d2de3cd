import DailiesCore
import DailiesRunner
import DailiesStore

/// Prints one line per important event, and a line of counts every ten seconds at most.
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

    private let verbosity: Verbosity
    private let clock = DispatchClock()
    private let money: SpendMonitor?
    private let state = Locked(State())

    init(_ verbosity: Verbosity, money: SpendMonitor?) {
        self.verbosity = verbosity
        self.money = money
    }

    func began(_ overview: RunOverview) {
        state.withLock { $0.progress = RunProgress(overview) }
        guard verbosity != .quiet else { return }
        let names = overview.batches.ownNames.map(SafeText.escaped).joined(separator: ", ")
        let open = "\(overview.open) of \(overview.total) clips remaining"
        Console.error("\(names): \(open), up to \(overview.concurrency) in flight")
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        let lines = state.withLock { state -> [String] in
            state.progress.apply(event, at: instant)
            var lines = [
                RunEventFormatter.line(
                    for: event, in: state.progress.batches, isVerbose: verbosity == .verbose)
            ].compactMap { $0 }
            if verbosity == .verbose {
                lines = lines.map { "\(Composition.Calendar.timestamp(instant))  \($0)" }
            } else if verbosity == .usual, instant - (state.lastLine ?? .distantPast) >= Self.interval {
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
            if let sums = money?.read() { state.progress.update(settled: sums.settled, reserved: sums.reserved) }
            return ProgressView.lines(
                state.progress, at: clock.now, width: Self.snapshotWidth, style: TextStyle(isColored: false))
        }
        Console.error(lines.joined(separator: "\n"))
    }

    func ended(_ summary: RunSummary) {
        for line in RunSummaryFormatter.lines(summary, style: TextStyle(isColored: false)) { Console.error(line) }
    }
}
