import DailiesCore
import DailiesStore

/// Whoever watches a run. Called on the runner's queue: it must not block for long.
protocol RunReporter: Sendable {
    func began(_ overview: RunOverview)
    func happened(_ event: RunEvent, at instant: Instant)
    func ended(_ summary: RunSummary)
}

/// What a run has before it.
struct RunOverview: Sendable {
    let batches: [String]
    /// Tasks of these batches that are not finished.
    let open: Int
    let total: Int
    let concurrency: Int
    /// At the provider already.
    let inFlight: Int
    let saved: Int
    let charged: CreditTotal
    /// Of the only batch.
    let budget: Credits?
}

/// What a run leaves behind, from the store.
struct RunSummary: Sendable {
    let code: ExitCode
    let counts: [(word: TaskStateWord, count: Int)]
    let saved: Int
    let uncertain: Int
    let lost: Int
    let unsaved: Int
    let unknownCosts: Int
    let charged: CreditTotal
    let reasons: [String]
    let storePath: String
    /// The command that goes on, as the user would type it.
    let resumeCommand: String
}

extension RunSummary {
    init(_ counts: StatusCounts, code: ExitCode, reasons: [String], storePath: String, resume: String) {
        self.init(
            code: code, counts: TaskStateWord.allCases.map { ($0, counts.states[$0, default: 0]) },
            saved: counts.states[.completed, default: 0] - counts.unsaved,
            uncertain: counts.uncertain + counts.inTheAir,
            lost: counts.lost, unsaved: counts.unsaved, unknownCosts: counts.costUnknown + counts.costAwaited,
            charged: counts.settled, reasons: reasons, storePath: storePath, resumeCommand: resume)
    }
}
