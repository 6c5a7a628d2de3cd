import DailiesCore
import DailiesStore

/// Counts of cancel outcomes.
struct CancelTally {
    var withdrawn = 0
    var cancelled = 0
    var finished = 0
    var completed = 0
    var rendering = 0
    var requested = 0
    var uncertain = 0
    var failed = 0
    var queued = 0
    var codes: Set<ExitCode> = [.success]

    /// - Parameter hasActiveRun: whether a run is active; it saves completed clips.
    mutating func count(_ outcome: CancelOutcome, hasActiveRun: Bool) {
        switch outcome {
        case .withdrawn: withdrawn += 1
        case .ended(.cancelled, _): cancelled += 1
        case .ended(.failed, _), .alreadyFinished: finished += 1
        case .ended(.completed, _):
            completed += 1
            if !hasActiveRun { codes.insert(.unsaved) }
        case .rendering:
            rendering += 1
            codes.insert(.stoppedEarly)
        case .requested:
            requested += 1
            codes.insert(.stoppedEarly)
        case .uncertain, .lost:
            uncertain += 1
            codes.insert(.uncertain)
        case .failed:
            failed += 1
            codes.insert(.stoppedEarly)
        case .queued:
            queued += 1
            codes.insert(.stoppedEarly)
        }
    }
}

/// Cancel results as text and as JSON. Unsent tasks are counted, not listed: there may be millions.
struct CancelOutput {
    let hint: SuggestedCommand
    let isJSON: Bool
    /// Whether another process runs on the store and carries out the commands.
    let hasActiveRun: Bool

    func write(_ row: TaskRow, _ outcome: CancelOutcome) {
        if isJSON { return writeJSON(row, outcome) }
        if let message = message(for: outcome, row) { Console.out("\(row.shownName): \(message)") }
    }

    private func message(for outcome: CancelOutcome, _ row: TaskRow) -> String? {
        switch outcome {
        case .withdrawn: nil
        case .ended(.cancelled, let charged): "cancelled at the provider \(TaskDescription.cost(charged))"
        case .ended(.failed, let charged): "not cancelled: it had already failed, \(TaskDescription.cost(charged))"
        case .ended(.completed, let charged) where hasActiveRun:
            "not cancelled: it had already completed, \(TaskDescription.cost(charged)); the active run will save it"
        case .ended(.completed, let charged):
            "not cancelled: it had already completed, \(TaskDescription.cost(charged)); run `\(hint.online("resume"))` to download it"
        case .alreadyFinished: "nothing to cancel: \(TaskDescription.state(of: row))"
        case .rendering: "skipped: already rendering; cancelling may be partly charged (use --even-if-charged)"
        case .requested(let isRunning) where hasActiveRun:
            "cancellation requested; the provider still reports \(isRunning ? "running" : "queued"), the active run will record the outcome"
        case .requested(let isRunning):
            "cancellation requested; the provider still reports \(isRunning ? "running" : "queued"), the next run will record the outcome"
        case .uncertain(let reason):
            "still uncertain: \(reason); run `\(hint.online("reconcile"))`"
        case .lost(let reason): "not cancelled: the provider does not know it (\(reason))"
        case .failed(let reason): "not cancelled: \(reason)"
        case .queued: "queued for the active run"
        }
    }

    private func writeJSON(_ row: TaskRow, _ outcome: CancelOutcome) {
        let task: JSONObject = [
            "batch": row.batchName, "key": row.key.text, "attempt": row.attempt,
            "task_id": row.latest?.remoteID?.text, "outcome": Self.jsonName(for: outcome),
        ]
        let result: JSONObject =
            switch outcome {
            case .ended(_, let charged): ["credits": charged]
            case .uncertain(let reason), .lost(let reason), .failed(let reason): ["reason": reason]
            case .withdrawn, .alreadyFinished, .rendering, .requested, .queued: [:]
            }
        JSONLine.write("task", task + result)
    }

    private static func jsonName(for outcome: CancelOutcome) -> String {
        switch outcome {
        case .withdrawn: "withdrawn"
        case .ended(let end, _): end.rawValue
        case .alreadyFinished: "already_over"
        case .rendering: "renders"
        case .requested: "asked"
        case .uncertain: "uncertain"
        case .lost: "lost"
        case .failed: "not_cancelled"
        case .queued: "told"
        }
    }

    func finish(_ tally: CancelTally, code: ExitCode) {
        if isJSON {
            return JSONLine.write(
                "finished",
                [
                    "withdrawn": tally.withdrawn, "cancelled": tally.cancelled, "completed": tally.completed,
                    "already_over": tally.finished, "renders": tally.rendering, "asked": tally.requested,
                    "uncertain": tally.uncertain, "not_cancelled": tally.failed, "told": tally.queued,
                    "exit_code": code,
                ])
        }
        let parts = [
            (tally.withdrawn, "cancelled before being sent"), (tally.cancelled, "cancelled at the provider"),
            (tally.completed, "already completed"), (tally.finished, "already finished"),
            (tally.rendering, "skipped while rendering"), (tally.requested, "cancellation requested"),
            (tally.uncertain, "uncertain"), (tally.failed, "not cancelled"),
            (tally.queued, "queued for the active run"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        Console.out(parts.isEmpty ? "nothing to cancel" : parts.joined(separator: ", "))
    }
}
