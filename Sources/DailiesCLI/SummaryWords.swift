import DailiesCore

/// The last words of a run: what there is, and what to do next.
enum SummaryWords {
    static func lines(_ summary: RunSummary) -> [String] {
        let counts = summary.counts.filter { $0.count > 0 }.map { "\($0.count) \($0.word.rawValue)" }
        var lines = ["", counts.isEmpty ? "nothing to do" : counts.joined(separator: ", ")]
        lines[1] += "; \(summary.saved) clips saved; \(summary.charged) credits"
        if summary.unknownCosts > 0 { lines[1] += " and \(summary.unknownCosts) of unknown cost" }
        lines += summary.reasons.map { "stopped: \(SafeText.escaped($0))" }
        if summary.uncertain > 0 { lines.append("\(summary.uncertain) uncertain: run `dailies reconcile`") }
        if summary.lost > 0 { lines.append("\(summary.lost) lost at the provider: run `dailies status`") }
        if summary.unsaved > 0 { lines.append("\(summary.unsaved) paid but not saved: run `\(summary.resumeCommand)`") }
        if [.interrupted, .terminated, .stoppedEarly, .budgetReached, .accountRefused].contains(summary.code) {
            lines.append("to go on: \(summary.resumeCommand)")
        }
        return lines
    }
}
