import DailiesCore
import DailiesStore

/// The outcome of cancelling one task.
enum CancelOutcome {
    /// Never sent.
    case withdrawn
    /// The provider ended it as cancelled or otherwise; recorded.
    case ended(Settlement.End, charged: Credits?)
    /// It had ended before the request.
    case alreadyFinished
    /// It is rendering, and --even-if-charged was not given.
    case rendering
    /// The provider accepted the cancel but has not ended the task yet.
    case requested(isRunning: Bool)
    /// Sent with a still unknown outcome, with the reason.
    case uncertain(String)
    /// The provider does not know its task id.
    case lost(String)
    case failed(String)
    /// Queued for the active run, which has not carried it out yet.
    case queued

    init(_ outcome: CommandOutcome, message: String?, _ row: TaskRow, charged: Credits?) {
        let message = SafeText.escaped(message ?? "")
        switch outcome {
        case .withdrawn: self = .withdrawn
        case .cancelled: self = .ended(.cancelled, charged: charged)
        case .completed: self = .ended(.completed, charged: charged)
        case .failed: self = .ended(.failed, charged: charged)
        case .alreadyRunning: self = .rendering
        case .requested: self = .requested(isRunning: row.state == .running)
        case .uncertain: self = .uncertain(message)
        case .lost: self = .lost(message)
        case .notCancelled: self = .failed(message)
        case .noAnswer: self = .failed("the provider is not responding (\(message)); try again later")
        case .keyRefused, .accountRefused: self = .failed("the provider refused the request: \(message)")
        case .alreadyOver, .requeued, .refused, .applied, .revoked, .found, .adopted, .overBudget, .notFound,
            .otherTask,
            .assumedLost, .costLearned, .costUnknown, .notLookedUp:
            self = .alreadyFinished
        }
    }
}

/// One `cancel`.
struct CancelOperation {
    static let states: [TaskState] = [.queued, .running]
    /// Maximum tasks queried concurrently.
    private static let width = 16

    let session: CommandSession
    let evenIfCharged: Bool
    private let hint: SuggestedCommand
    private let isJSON: Bool
    private var tally = CancelTally()
    /// Tasks at the provider that are left alone, because the API key is missing.
    private(set) var untouched = 0

    init(session: CommandSession, evenIfCharged: Bool, hint: SuggestedCommand, isJSON: Bool) {
        self.session = session
        self.evenIfCharged = evenIfCharged
        self.hint = hint
        self.isJSON = isJSON
    }

    private var text: CancelOutput { CancelOutput(hint: hint, isJSON: isJSON, hasActiveRun: session.hasActiveRun) }

    /// The number of selected tasks that have not ended, and how many of them were sent.
    func count(_ selection: TaskSelection) throws -> (total: Int, sent: Int) {
        var pages = try selection.pages(of: session.store, states: Self.states)
        var (total, sent) = (0, 0)
        while let page = try pages.next() {
            for row in page where Self.states.contains(row.state) {
                total += 1
                sent += row.isOpen ? 1 : 0
            }
        }
        return (total, sent)
    }

    mutating func cancel(_ selection: TaskSelection) async throws {
        var pages = try selection.pages(of: session.store, states: Self.states)
        while let page = try pages.next() {
            let rows = page.filter { Self.states.contains($0.state) }
            for row in page where !Self.states.contains(row.state) { report(row, .alreadyFinished) }
            // Unsent tasks need no query, and a few queries at a time are enough.
            try await cancel(rows.filter { !$0.isOpen })
            let open = rows.filter(\.isOpen)
            for start in stride(from: 0, to: open.count, by: Self.width) {
                try await cancel(Array(open[start..<min(start + Self.width, open.count)]))
            }
        }
    }

    private mutating func cancel(_ rows: [TaskRow]) async throws {
        if rows.isEmpty { return }
        let requests = rows.map { row in
            CommandSession.Request(
                .cancel(evenIfCharged: evenIfCharged), of: row.attemptID, in: row.batch,
                account: row.isOpen ? row.latest?.account : nil)
        }
        for (row, answer) in zip(rows, try await session.answers(to: requests)) {
            switch answer {
            case .queued: report(row, .queued)
            case .missing where session.missingKey != nil: untouched += 1
            case .missing(let need): report(row, row.latest?.remoteID == nil ? .uncertain(need) : .failed(need))
            // Unsent tasks may be many, and nothing else about them has changed.
            case .ended(.withdrawn, _): report(row, .withdrawn)
            case .ended(let outcome, let message):
                if outcome == .keyRefused { tally.codes.insert(.keyRefused) }
                if outcome == .accountRefused { tally.codes.insert(.accountRefused) }
                let now = try session.store.task(row.id) ?? row
                let attempt = try session.store.attempts(of: row.id).first { $0.number == row.attempt }
                report(now, CancelOutcome(outcome, message: message, now, charged: attempt?.credits))
            }
        }
    }

    private mutating func report(_ row: TaskRow, _ outcome: CancelOutcome) {
        tally.count(outcome, hasActiveRun: session.hasActiveRun)
        text.write(row, outcome)
    }

    func finish() -> ExitCode {
        let code = ExitCode.precedence.first(where: tally.codes.contains) ?? .success
        text.finish(tally, code: code)
        return code
    }
}
