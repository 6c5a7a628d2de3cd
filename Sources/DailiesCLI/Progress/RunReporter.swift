import DailiesCore
import DailiesRunner
import DailiesStore

/// Reports a run from its beginning to its summary.
protocol RunReporter: RunObserver {
    func ended(_ summary: RunSummary)
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
    var saved: Int { status.saved }
    var uncertain: Int { status.uncertain + status.submitting }
    var lost: Int { status.lost }
    /// Tasks that the provider continues to render.
    var atProvider: Int { status.accepted + status.running - status.lost }
    var unsaved: Int { status.unsaved }
    var noAsset: Int { status.noAsset }
    var unknownCosts: Int { status.costUnknown + status.costAwaited }
    var charged: CreditTotal { status.settled }
}
