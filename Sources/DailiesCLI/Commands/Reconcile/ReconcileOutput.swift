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
                + TaskDescription.known(known)
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
        JSONLine.write("task") { writer in
            writer.member("batch", finding.row.batchName)
            writer.member("key", finding.row.key.text)
            writer.member("attempt", finding.row.attempt)
            writer.member("was", finding.wasLost ? "lost" : "uncertain")
            writer.member("sent_at", time: finding.evidence.sentAt)
            writer.member("last_sent_at", time: finding.evidence.lastSentAt)
            writer.member("repeats", finding.evidence.repeats)
            writer.member("submission_key", optional: finding.row.latest?.submissionKey.text)
            writer.member("key_fingerprint", optional: finding.row.latest?.account.text)
            writer.member("reply", finding.evidence.fault)
            writer.member("asked", optional: finding.asked)
            writer.member("verdict", verdict)
            writer.member("reason", optional: reason)
            writer.member("task_id", optional: known?.remote.text ?? finding.row.latest?.remoteID?.text)
            writer.member("state", optional: known.map { $0.end?.rawValue ?? ($0.isRunning ? "running" : "queued") })
            writer.member("credits", credits: known?.charged)
        }
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
    func write(_ unpriced: AttemptWithoutCost, _ answer: CommandSession.Answer?, credits: Credits?) {
        if isJSON { return writeJSON(unpriced, answer, credits) }
        let name = SafeText.escaped("\(unpriced.batchName)/\(unpriced.key)")
        Console.out("\(name), attempt \(unpriced.attempt.number): \(Self.message(answer, credits))")
    }

    private static func message(_ answer: CommandSession.Answer?, _ credits: Credits?) -> String {
        let message = answer?.message.map(SafeText.escaped)
        switch answer?.outcome {
        case .costLearned, .alreadyOver, .found:
            return credits.map { "cost recorded: \($0) credits" } ?? "its cost is still unknown"
        case .costUnknown:
            return message.map { "its cost is still unknown: \($0)" } ?? "the provider still does not report its cost"
        case .keyRefused, .accountRefused: return "its cost is still unknown: refused (\(message ?? ""))"
        case .noAnswer: return "its cost is still unknown: no answer (\(message ?? ""))"
        case nil: return "queued for the active run"
        default: return "its cost is still unknown" + (message.map { ": \($0)" } ?? "")
        }
    }

    private func writeJSON(_ unpriced: AttemptWithoutCost, _ answer: CommandSession.Answer?, _ credits: Credits?) {
        JSONLine.write("cost") { writer in
            writer.member("batch", unpriced.batchName)
            writer.member("key", unpriced.key.text)
            writer.member("attempt", unpriced.attempt.number)
            writer.member("task_id", unpriced.remote.text)
            writer.member("verdict", credits == nil ? "cost_unknown" : "cost_learned")
            writer.member("credits", credits: credits)
        }
    }

    // MARK: Summary

    func finish(
        _ tally: ReconcileTally, left: (uncertain: Int, lost: Int), _ needs: [MissingKey], code: ExitCode
    ) {
        if isJSON {
            JSONLine.write("finished") { writer in
                writer.member("asked", tally.asked)
                writer.member("found", tally.found)
                writer.member("adopted", tally.adopted)
                writer.member("assumed_lost", tally.assumedLost)
                writer.member("uncertain", left.uncertain)
                writer.member("lost", left.lost)
                writer.member("costs_asked", tally.costs.asked)
                writer.member("costs_learned", tally.costs.stated)
                writer.member("needs_key", output: StatusOutput.json(needs))
                writer.member("exit_code", Int(code.rawValue))
            }
            return
        }
        if tally.costs.asked > 0 {
            Console.out(
                "\(TaskDescription.count(tally.costs.asked, "unknown cost")): \(tally.costs.stated) now reported and recorded"
            )
        }
        defer { for need in needs { Console.out(need.words) } }
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
