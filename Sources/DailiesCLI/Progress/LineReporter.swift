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

    private let verbosity: Verbosity
    private let clock = DispatchClock()
    private let lastLine = Locked<Instant?>(nil)

    init(_ verbosity: Verbosity) { self.verbosity = verbosity }

    func began(_ status: RunStatus) {
        guard verbosity != .quiet else { return }
        let names = status.batches.ownNames.map(SafeText.escaped).joined(separator: ", ")
        let open = "\(status.total - status.finished) of \(status.total) clips remaining"
        Console.error("\(names): \(open), up to \(status.concurrency) in flight")
    }

    func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus) {
        if let line = RunEventFormatter.line(for: event, in: status.batches, isVerbose: verbosity == .verbose) {
            Console.error(verbosity == .verbose ? "\(Composition.Calendar.timestamp(instant))  \(line)" : line)
        }
        guard verbosity == .usual, isDue(instant) else { return }
        Console.error(Self.counts(status, at: instant))
    }

    private func isDue(_ instant: Instant) -> Bool {
        lastLine.withLock { last in
            guard instant - (last ?? .distantPast) >= Self.interval else { return false }
            last = instant
            return true
        }
    }

    private static func counts(_ status: RunStatus, at now: Instant) -> String {
        let left = status.remaining(at: now).map { ", done in \(ETAEstimator.description(of: $0))" } ?? ""
        return "\(status.completed)/\(status.total) completed, \(status.inFlightCount) in flight, "
            + "\(status.saved) saved, \(status.failed) failed, \(status.cancelled) cancelled, "
            + "\(status.charged) credits\(left)"
    }

    func snapshot(_ status: RunStatus) {
        let lines = ProgressView.lines(
            status, at: clock.now, width: Self.snapshotWidth, style: TextStyle(isColored: false))
        Console.error(lines.joined(separator: "\n"))
    }

    func ended(_ summary: RunSummary) {
        for line in RunSummaryFormatter.lines(summary, style: TextStyle(isColored: false)) { Console.error(line) }
    }
}
