import DailiesCore
import DailiesStore
import ExactJSON

/// What came of a `cancel`, counted.
struct CancelTally {
    var withdrawn = 0
    var cancelled = 0
    var over = 0
    var completed = 0
    var rendering = 0
    var goingOn = 0
    var uncertain = 0
    var failed = 0
    var told = 0
    /// A runner is at work: it saves what is completed.
    var isTold = false
    var codes: Set<ExitCode> = [.success]

    mutating func count(_ outcome: CancelOutcome) {
        switch outcome {
        case .withdrawn: withdrawn += 1
        case .ended(.cancelled, _): cancelled += 1
        case .ended(.failed, _), .alreadyOver: over += 1
        case .ended(.completed, _):
            completed += 1
            if !isTold { codes.insert(.unsaved) }
        case .renders:
            rendering += 1
            codes.insert(.stoppedEarly)
        case .goesOn:
            goingOn += 1
            codes.insert(.stoppedEarly)
        case .uncertain, .lost:
            uncertain += 1
            codes.insert(.uncertain)
        case .failed:
            failed += 1
            codes.insert(.stoppedEarly)
        case .told:
            told += 1
            codes.insert(.stoppedEarly)
        }
    }
}

/// A `cancel` for people and for programs. Tasks that were never sent are counted, not listed: there may be millions.
struct CancelOutput {
    let hint: SuggestedCommand
    let isJSON: Bool
    /// A runner is at work and was told.
    var isTold = false

    func write(_ row: TaskRow, _ outcome: CancelOutcome) {
        if isJSON { return writeJSON(row, outcome) }
        if let words = words(for: outcome, row) { Console.out("\(row.shownName): \(words)") }
    }

    private func words(for outcome: CancelOutcome, _ row: TaskRow) -> String? {
        switch outcome {
        case .withdrawn: nil
        case .ended(.cancelled, let charged): "cancelled at the provider \(TaskDescription.cost(charged))"
        case .ended(.failed, let charged): "not cancelled: it had already failed, \(TaskDescription.cost(charged))"
        case .ended(.completed, let charged) where isTold:
            "not cancelled: it had already completed, \(TaskDescription.cost(charged)); the active run will save it"
        case .ended(.completed, let charged):
            "not cancelled: it had already completed, \(TaskDescription.cost(charged)); run `\(hint.online("resume"))` to download it"
        case .alreadyOver: "nothing to cancel: \(TaskDescription.standing(row))"
        case .renders: "skipped: already rendering; cancelling may be partly charged (use --even-if-charged)"
        case .goesOn(let isRunning) where isTold:
            "cancellation requested; the provider still reports \(isRunning ? "running" : "queued"), the active run will record the outcome"
        case .goesOn(let isRunning):
            "cancellation requested; the provider still reports \(isRunning ? "running" : "queued"), the next run will record the outcome"
        case .uncertain(let reason):
            "still uncertain: \(reason); run `\(hint.online("reconcile"))`"
        case .lost(let reason): "not cancelled: the provider does not know it (\(reason))"
        case .failed(let reason): "not cancelled: \(reason)"
        case .told: "queued for the active run"
        }
    }

    private func writeJSON(_ row: TaskRow, _ outcome: CancelOutcome) {
        JSONLine.write("task") { writer in
            writer.member("batch", row.batchName)
            writer.member("key", row.key.text)
            writer.member("attempt", row.attempt)
            writer.member("task_id", optional: row.latest?.remoteID?.text)
            writer.member("outcome", Self.word(for: outcome))
            switch outcome {
            case .ended(_, let charged): writer.member("credits", credits: charged)
            case .uncertain(let reason), .lost(let reason), .failed(let reason): writer.member("reason", reason)
            case .withdrawn, .alreadyOver, .renders, .goesOn, .told: break
            }
        }
    }

    private static func word(for outcome: CancelOutcome) -> String {
        switch outcome {
        case .withdrawn: "withdrawn"
        case .ended(let end, _): end.rawValue
        case .alreadyOver: "already_over"
        case .renders: "renders"
        case .goesOn: "asked"
        case .uncertain: "uncertain"
        case .lost: "lost"
        case .failed: "not_cancelled"
        case .told: "told"
        }
    }

    func finish(_ tally: CancelTally, code: ExitCode) {
        if isJSON {
            return JSONLine.write("finished") { writer in
                writer.member("withdrawn", tally.withdrawn)
                writer.member("cancelled", tally.cancelled)
                writer.member("completed", tally.completed)
                writer.member("already_over", tally.over)
                writer.member("renders", tally.rendering)
                writer.member("asked", tally.goingOn)
                writer.member("uncertain", tally.uncertain)
                writer.member("not_cancelled", tally.failed)
                writer.member("told", tally.told)
                writer.member("exit_code", Int(code.rawValue))
            }
        }
        let parts = [
            (tally.withdrawn, "cancelled before being sent"), (tally.cancelled, "cancelled at the provider"),
            (tally.completed, "already completed"), (tally.over, "already finished"),
            (tally.rendering, "skipped while rendering"), (tally.goingOn, "cancellation requested"),
            (tally.uncertain, "uncertain"), (tally.failed, "not cancelled"), (tally.told, "queued for the active run"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        Console.out(parts.isEmpty ? "nothing to cancel" : parts.joined(separator: ", "))
    }
}
