import DailiesCore
import DailiesStore

/// Counts of reconcile results.
struct ReconcileTally {
    var asked = 0
    var found = 0
    var adopted = 0
    var assumedLost = 0
    var codes: Set<ExitCode> = [.success]
    /// Results of unknown costs.
    var costs = CostBackfill.Tally()

    mutating func count(_ finding: ResolutionFinding) {
        asked += 1
        switch finding.verdict {
        case .found, .overBudget: found += 1
        case .refused(_, let known): found += known == nil ? 0 : 1
        case .adopted: adopted += 1
        case .assumedLost: assumedLost += 1
        case .notFound, .forgotten, .notAsked: break
        }
    }
}

/// Evidence and verdicts as text and as JSON.
struct ReconcileOutput {
    let hint: SuggestedCommand
    let isJSON: Bool

    func write(_ finding: ResolutionFinding, batches: Int) {
        if isJSON {
            writeJSON(finding)
        } else {
            Console.out(lines(finding, batches: batches).joined(separator: "\n") + "\n")
        }
    }

    // MARK: Text

    private func lines(_ finding: ResolutionFinding, batches: Int) -> [String] {
        let row = finding.row
        guard let latest = row.latest else { return [] }
        var lines = ["\(row.shownName), attempt \(row.attempt): \(finding.wasLost ? "lost" : "uncertain")"]
        let sent = Composition.Calendar.timestamp(finding.evidence.sentAt)
        let repeats = finding.evidence.repeats
        lines.append(
            "  sent:     \(sent) with submission key \(latest.submissionKey), API key \(latest.account)"
                + (repeats > 0
                    ? "; resubmitted \(TaskDescription.count(repeats, "time")), the last at "
                        + Composition.Calendar.timestamp(finding.evidence.lastSentAt) : ""))
        if let remote = latest.remoteID { lines.append("  task id:  \(SafeText.escaped(remote.text))") }
        lines.append("  \(finding.wasLost ? "reason:   " : "reply:    ")\(SafeText.escaped(finding.evidence.fault))")
        if let asked = finding.asked { lines.append("  lookup:   \(asked)") }
        lines.append("  verdict:  \(verdict(finding))")
        lines += advice(finding, batches > 1 ? [("--batch", row.batchName)] : [])
        return lines
    }

    private func verdict(_ finding: ResolutionFinding) -> String {
        switch finding.verdict {
        case .found(let known): "found; recorded as \(SafeText.escaped(known.remote.text))"
        case .adopted(let known): "adopted; recorded as \(SafeText.escaped(known.remote.text))"
        case .overBudget(let known):
            "found, but its estimate exceeds the budget; cancellation requested while it is free: "
                + TaskDescription.result(of: known)
        case .assumedLost: "assumed lost: failed, cost unknown; it may have been billed"
        case .notFound where finding.wasLost: "still lost: it may be rendered and billed; it will not be resubmitted"
        case .notFound(true):
            "still uncertain; this provider honors submission keys, so a run may resubmit the same request "
                + "without paying twice"
        case .forgotten:
            "still uncertain: this provider honors submission keys but may have forgotten this one; it may be "
                + "rendering and billed, and will not be resubmitted unless you request it"
        case .notFound(false):
            "still uncertain: it may be rendering and billed; it will not be resubmitted unless you request it"
        case .notAsked(let reason): "still \(finding.wasLost ? "lost" : "uncertain"): \(reason)"
        case .refused(let reason, let known):
            known == nil
                ? "refused: \(reason); still \(finding.wasLost ? "lost" : "uncertain")"
                : "not assumed lost: \(reason); recorded as \(SafeText.escaped(known?.remote.text ?? ""))"
        }
    }

    /// Suggested next commands.
    private func advice(_ finding: ResolutionFinding, _ batch: [(name: String, value: String)]) -> [String] {
        let key = finding.row.key.text
        func next(_ what: String, _ command: String) -> String { "  \(what): \(command)" }
        func resolve(_ option: String, _ value: String) -> String {
            hint.online("reconcile", batch + [(option, value)])
        }
        let retry = next("to render it again", hint.offline("retry", batch, keys: [key]))
        switch finding.verdict {
        case .overBudget(let known) where known.end == .cancelled:
            return [next("to render it, use a higher --budget", hint.online("resume"))]
        case .found(let known), .adopted(let known), .overBudget(let known), .refused(_, .some(let known)):
            switch known.end {
            case nil: return [next("to resume", hint.online("resume"))]
            case .completed: return [next("to download its clip", hint.online("resume"))]
            case .failed, .cancelled: return [retry]
            }
        case .assumedLost: return [retry]
        case .notFound(true): return [next("to resume", hint.online("resume"))]
        case .notFound(false), .forgotten:
            let giveUp = next("to give up", resolve("--assume-lost", key))
            return finding.wasLost
                ? [giveUp] : [next("if you know its task id", resolve("--adopt", key + "=TASK_ID")), giveUp]
        case .notAsked, .refused: return []
        }
    }

    // MARK: JSON

    private func writeJSON(_ finding: ResolutionFinding) {
        let (verdict, known, reason) = parts(finding)
        let (row, evidence) = (finding.row, finding.evidence)
        JSONLine.write(
            "task",
            [
                "batch": row.batchName,
                "key": row.key.text,
                "attempt": row.attempt,
                "was": finding.wasLost ? "lost" : "uncertain",
                "sent_at": evidence.sentAt,
                "last_sent_at": evidence.lastSentAt,
                "repeats": evidence.repeats,
                "submission_key": row.latest?.submissionKey.text,
                "key_fingerprint": row.latest?.account.text,
                "reply": evidence.fault,
                "asked": finding.asked,
                "verdict": verdict,
                "reason": reason,
                "task_id": known?.remote.text ?? row.latest?.remoteID?.text,
                "state": known.map { $0.end?.rawValue ?? ($0.isRunning ? "running" : "queued") },
                "credits": known?.charged,
            ])
    }

    private func parts(_ finding: ResolutionFinding) -> (verdict: String, known: FoundAttempt?, reason: String?) {
        let still = finding.wasLost ? "still_lost" : "still_uncertain"
        return switch finding.verdict {
        case .found(let known): ("found", known, nil)
        case .adopted(let known): ("adopted", known, nil)
        case .overBudget(let known): ("over_budget", known, nil)
        case .assumedLost: ("assumed_lost", nil, nil)
        case .notFound, .forgotten: (still, nil, nil)
        case .notAsked(let reason): (still, nil, reason)
        case .refused(let reason, let known): ("refused", known, reason)
        }
    }

    // MARK: Costs

    /// The result of a query for an unknown cost.
    ///
    /// - Parameter credits: the cost as recorded; nil: unknown.
    func write(_ unpriced: AttemptWithoutCost, _ answer: CommandSession.Answer, credits: Credits?) {
        if isJSON { return writeJSON(unpriced, credits) }
        let name = SafeText.escaped("\(unpriced.batchName)/\(unpriced.key)")
        Console.out("\(name), attempt \(unpriced.attempt.number): \(Self.message(answer, credits))")
    }

    private static func message(_ answer: CommandSession.Answer, _ credits: Credits?) -> String {
        switch answer {
        case .ended(let outcome, let message): self.message(outcome, message.map(SafeText.escaped), credits)
        case .missing: "its cost is still unknown: not reachable with these settings"
        case .queued: "queued for the active run"
        }
    }

    private static func message(_ outcome: CommandOutcome, _ message: String?, _ credits: Credits?) -> String {
        switch outcome {
        case .costLearned, .alreadyOver, .found:
            credits.map { "cost recorded: \($0) credits" } ?? "its cost is still unknown"
        case .costUnknown:
            message.map { "its cost is still unknown: \($0)" } ?? "the provider still does not report its cost"
        case .keyRefused, .accountRefused: "its cost is still unknown: refused (\(message ?? ""))"
        case .noAnswer: "its cost is still unknown: no answer (\(message ?? ""))"
        default: "its cost is still unknown" + (message.map { ": \($0)" } ?? "")
        }
    }

    private func writeJSON(_ unpriced: AttemptWithoutCost, _ credits: Credits?) {
        JSONLine.write(
            "cost",
            [
                "batch": unpriced.batchName, "key": unpriced.key.text, "attempt": unpriced.attempt.number,
                "task_id": unpriced.remote.text, "verdict": credits == nil ? "cost_unknown" : "cost_learned",
                "credits": credits,
            ])
    }

    // MARK: Summary

    func finish(
        _ tally: ReconcileTally, left: (uncertain: Int, lost: Int), _ needs: [MissingKey], code: ExitCode
    ) {
        if isJSON {
            return JSONLine.write(
                "finished",
                [
                    "asked": tally.asked, "found": tally.found, "adopted": tally.adopted,
                    "assumed_lost": tally.assumedLost, "uncertain": left.uncertain, "lost": left.lost,
                    "costs_asked": tally.costs.asked, "costs_learned": tally.costs.stated,
                    "needs_key": StatusOutput.json(needs), "exit_code": code,
                ])
        }
        if tally.costs.asked > 0 {
            Console.out(
                "\(TaskDescription.count(tally.costs.asked, "unknown cost")): \(tally.costs.stated) now reported and recorded"
            )
        }
        defer { for need in needs { Console.out(need.description) } }
        if tally.asked == 0 { return Console.out("no uncertain or lost tasks") }
        let parts = [(tally.found, "found"), (tally.adopted, "adopted"), (tally.assumedLost, "assumed lost")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let rest = [(left.uncertain, "uncertain"), (left.lost, "lost")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        Console.out(
            "\(TaskDescription.count(tally.asked, "task")): "
                + (parts.isEmpty ? "none resolved" : parts.joined(separator: ", "))
                + (rest.isEmpty ? "; none unresolved" : "; unresolved: " + rest.joined(separator: ", ")))
    }
}
