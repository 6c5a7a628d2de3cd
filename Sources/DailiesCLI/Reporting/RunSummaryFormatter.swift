import DailiesCore
import DailiesStore

/// The last words of a run: what there is, and what to do next, each with its command.
enum RunSummaryFormatter {
    private static let mostGroups = 8
    private static let longestMessage = 160

    static func lines(_ summary: RunSummary, style: TextStyle) -> [String] {
        var lines = ["", counts(summary, style)]
        if summary.atProvider > 0 {
            let clips = TaskDescription.count(summary.atProvider, "clip")
            lines.append(
                "still at the provider: \(clips), rendered and charged there without this program (up to "
                    + "\(summary.status.reservedAtProvider) credits)")
        }
        lines += summary.reasons.map { style.yellow("stopped: ") + SafeText.escaped($0) }
        lines += TaskDescription.heldBack(summary.status.heldBack).map(style.yellow)
        lines += failures(summary, style)
        if summary.code == .usage {
            // No API answers there, and whatever was sent there is sent again to the one that is named next.
            lines.append("to go on, run the manifest again with the API's address in --base-url")
        } else if summary.uncertain > 0 {
            lines += [
                style.yellow("uncertain: \(summary.uncertain)") + ", sent without an answer; nothing sends them again",
                "  " + summary.hint.online("reconcile"),
            ]
        }
        if summary.lost > 0 {
            lines += [
                style.yellow("lost: \(summary.lost)") + ", the provider does not know them any more",
                "  " + summary.hint.online("reconcile"),
            ]
        }
        if summary.unsaved > 0 {
            lines += [
                style.yellow("paid but not saved: \(summary.unsaved)") + noURL(summary),
                "  " + summary.resumeCommand,
            ]
        }
        if !summary.keyNeeds.isEmpty {
            lines += summary.keyNeeds.map { style.yellow($0.words) } + ["  " + summary.sameAccountCommand]
        }
        let goesOn: [ExitCode] = [.hungUp, .interrupted, .terminated, .stoppedEarly, .budgetReached, .accountRefused]
        if goesOn.contains(summary.code), !summary.waitsForKeysAlone {
            lines += [
                summary.isBudgetNeedUnknown
                    ? "to go on, add --max-credits-per-task CREDITS, since some prices are unknown:" : "to go on:",
                "  " + summary.resumeCommand,
            ]
        }
        return lines
    }

    private static func counts(_ summary: RunSummary, _ style: TextStyle) -> String {
        let counts = summary.counts.filter { $0.count > 0 }.map { word, count in
            let text = "\(count) \(word.rawValue)"
            return switch word {
            case .completed: style.green(text)
            case .failed: style.red(text)
            case .queued, .running, .cancelled: text
            }
        }
        var line = counts.isEmpty ? "nothing to do" : counts.joined(separator: ", ")
        line += "; \(TaskDescription.count(summary.saved, "clip")) saved; \(summary.charged) credits"
        if let budget = summary.budget { line += " of \(budget)" }
        return summary.unknownCosts > 0 ? line + " and \(summary.unknownCosts) of unknown cost" : line
    }

    /// Grouped by reason, one example each, and what brings them back.
    private static func failures(_ summary: RunSummary, _ style: TextStyle) -> [String] {
        let shown = summary.failures.prefix(mostGroups)
        var lines = shown.flatMap { group in
            let code = SafeText.escaped(group.code)
            let message = group.message.map { ": " + DisplayWidth.cut(SafeText.escaped($0), to: longestMessage) } ?? ""
            let example = group.count == 1 ? "" : "such as "
            return [
                style.red("failed: \(group.count) \(code)")
                    + ", \(example)\(SafeText.escaped(group.example.text))\(message)",
                "  " + summary.hint.offline("retry", [("--failure-code", group.code), ("--batch", group.batchName)]),
            ]
        }
        if summary.failures.count > mostGroups {
            lines.append(
                "and \(summary.failures.count - mostGroups) more reasons; see `\(summary.hint.offline("export"))`")
        }
        return lines
    }

    private static func noURL(_ summary: RunSummary) -> String {
        guard summary.noAsset > 0 else { return "" }
        return summary.noAsset == summary.unsaved
            ? ", the provider gives no address for them" : ", \(summary.noAsset) of them without an address"
    }
}
