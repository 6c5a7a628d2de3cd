import DailiesCore
import DailiesStore

/// Reports the progress of a run. Called on the runner's queue, so it must not block for long.
protocol RunReporter: Sendable {
    func began(_ overview: RunOverview)
    func happened(_ event: RunEvent, at instant: Instant)
    /// Reports the current progress on request.
    func snapshot()
    func ended(_ summary: RunSummary)
}

/// The state of the batches at the start of a run.
struct RunOverview: Sendable {
    let batches: BatchNames
    /// Unfinished tasks.
    let open: Int
    let total: Int
    let concurrency: Int
    let inFlight: Int
    let saved: Int
    let states: [TaskState: Int]
    let charged: CreditTotal
    let reserved: CreditTotal
    /// nil if the batch has no budget or there are several batches.
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

/// The state of the batches at the end of a run, from the store.
struct RunSummary: Sendable {
    let code: ExitCode
    let status: StatusCounts
    let failures: [FailureGroup]
    let reasons: [String]
    /// nil if the batch has no budget or there are several batches.
    let budget: Credits?
    /// The command that continues the run, as the user would type it.
    let resumeCommand: String
    /// The command that downloads clips that are paid and not saved.
    let saveCommand: String
    /// The budget was reached, and the maximum cost of the waiting tasks is unknown.
    let isBudgetNeedUnknown: Bool
    /// API keys that this run lacks, for all batches of its service.
    let keyNeeds: [MissingKey]
    /// `resumeCommand` with `--same-account`.
    let sameAccountCommand: String
    /// Builds other commands with the same store and provider.
    let hint: SuggestedCommand

    /// All remaining tasks need other API keys, so that running the same command again would do nothing.
    var waitsForKeysAlone: Bool {
        code == .stoppedEarly && reasons.isEmpty && status.waiting == 0
            && status.inFlight <= keyNeeds.reduce(0) { $0 + $1.clips }
    }

    var counts: [(state: TaskState, count: Int)] {
        TaskState.allCases.map { ($0, status.states[$0, default: 0]) }
    }
    var saved: Int { status.states[.completed, default: 0] - status.unsaved }
    var uncertain: Int { status.uncertain + status.submitting }
    var lost: Int { status.lost }
    /// Tasks that the provider continues to render.
    var atProvider: Int { status.accepted + status.running - status.lost }
    var unsaved: Int { status.unsaved }
    var noAsset: Int { status.noAsset }
    var unknownCosts: Int { status.costUnknown + status.costAwaited }
    var charged: CreditTotal { status.settled }
}
