/// How far a run has come: whether it still submits and queries, and the result so far.
struct RunProgress: Sendable {
    var result = RunResult()
    /// Whether the user requested a stop: nothing new is sent.
    private(set) var isStopping = false
    /// Whether this run submits nothing more, for a reason in ``result``; tasks in flight continue.
    private(set) var isSubmissionOver = false
    /// Whether the account's queries are refused, so that this run can query nothing more.
    private(set) var areQueriesOver = false
    private(set) var isFinished = false

    /// The user requested a stop.
    mutating func stop() {
        isStopping = true
        result.isInterrupted = true
    }

    /// The run submits nothing from the start.
    mutating func submitNothing() { isSubmissionOver = true }

    /// Ends submission for this run; tasks in flight continue.
    mutating func endSubmission(_ reason: String) {
        isSubmissionOver = true
        addReason(reason)
    }

    /// The provider denied an API key access.
    mutating func endSubmission(_ reason: String, for denial: AccessDenial) {
        deny(denial)
        endSubmission(reason)
    }

    /// Records what the provider denied, for the exit code.
    mutating func deny(_ denial: AccessDenial) {
        switch denial {
        case .keyRefused: result.keyRefused = true
        case .noRoute: result.isRouteMissing = true
        case .accessDenied, .modelNotInGroup, .noFunds: result.accountRefused = true
        }
    }

    /// Queries nothing more; everything is kept for the next run.
    mutating func endQueries() {
        areQueriesOver = true
        result.isWorkOutstanding = true
    }

    /// Ends the run early; everything is kept for the next one.
    mutating func giveUp(_ reason: String) {
        endSubmission(reason)
        endQueries()
    }

    /// Some work is left for another run.
    mutating func leaveWork(_ reason: String? = nil) {
        result.isWorkOutstanding = true
        if let reason { addReason(reason) }
    }

    /// A budget prevented a submission.
    mutating func reachBudget(_ reason: String? = nil) {
        result.budgetReached = true
        if let reason { addReason(reason) }
    }

    /// Adds a reason for the user, once.
    mutating func addReason(_ reason: String) {
        if !result.reasons.contains(reason) { result.reasons.append(reason) }
    }

    /// The run has nothing left to do.
    mutating func finish(uncertain: Int, unsaved: Int) {
        isFinished = true
        result.uncertain = uncertain
        result.unsaved = unsaved
    }
}
