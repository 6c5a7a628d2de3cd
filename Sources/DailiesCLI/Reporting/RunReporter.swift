import DailiesCore
import DailiesStore

/// Whoever watches a run. Called on the runner's queue: it must not block for long.
protocol RunReporter: Sendable {
    func began(_ overview: RunOverview)
    func happened(_ event: RunEvent, at instant: Instant)
    /// Says how things stand at this moment, since somebody asked.
    func snapshot()
    func ended(_ summary: RunSummary)
}

/// What a run has before it.
struct RunOverview: Sendable {
    let batches: BatchNames
    /// Tasks of these batches that are not finished.
    let open: Int
    let total: Int
    let concurrency: Int
    /// At the provider already.
    let inFlight: Int
    let saved: Int
    let states: [TaskState: Int]
    let charged: CreditTotal
    let reserved: CreditTotal
    /// Of the only batch.
    let budget: Credits?
}

extension RunOverview {
    init(of batches: BatchNames, _ counts: StatusCounts, concurrency: Int, budget: Credits?) {
        self.init(
            batches: batches,
            open: counts.states[.queued, default: 0] + counts.states[.running, default: 0],
            total: counts.states.values.reduce(0, +), concurrency: concurrency, inFlight: counts.inFlight,
            saved: counts.states[.completed, default: 0] - counts.unsaved, states: counts.states,
            charged: counts.settled, reserved: counts.reserved, budget: budget)
    }
}

/// What a run leaves behind, from the store.
struct RunSummary: Sendable {
    let code: ExitCode
    let status: StatusCounts
    let failures: [FailureGroup]
    let reasons: [String]
    /// Of the only batch.
    let budget: Credits?
    /// The command that goes on, as the user would type it.
    let resumeCommand: String
    /// The budget was reached, and nobody knows what the waiting clips may cost.
    let isBudgetNeedUnknown: Bool
    /// What waits for keys that this run does not have, over all batches of its service.
    let keyNeeds: [MissingKey]
    /// The same command, with the word that its key is of the same account.
    let sameAccountCommand: String
    /// Other commands on the same store and provider.
    let hint: SuggestedCommand

    /// All that is left waits for other keys: the same command would do nothing.
    var waitsForKeysAlone: Bool {
        code == .stoppedEarly && reasons.isEmpty && status.waiting == 0
            && status.inFlight <= keyNeeds.reduce(0) { $0 + $1.clips }
    }

    var counts: [(word: TaskState, count: Int)] {
        TaskState.allCases.map { ($0, status.states[$0, default: 0]) }
    }
    var saved: Int { status.states[.completed, default: 0] - status.unsaved }
    var uncertain: Int { status.uncertain + status.inTheAir }
    var lost: Int { status.lost }
    /// At the provider, which goes on with them.
    var atProvider: Int { status.accepted + status.running - status.lost }
    var unsaved: Int { status.unsaved }
    var noAsset: Int { status.noAsset }
    var unknownCosts: Int { status.costUnknown + status.costAwaited }
    var charged: CreditTotal { status.settled }
}
