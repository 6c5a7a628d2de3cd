import DailiesCore
import DailiesStore

/// The summary of a run: its results, and the commands to run next.
enum RunSummaryFormatter {
    private static let maximumGroups = 8
    /// In columns.
    private static let messageWidth = 160

    static func lines(_ summary: RunSummary, style: TextStyle) -> [String] {
        var lines = ["", counts(summary, style)]
        if summary.atProvider > 0 {
            let clips = TaskDescription.count(summary.atProvider, "clip")
            lines.append(
                "still at the provider: \(clips); rendering and charges continue without this program (up to "
                    + "\(summary.status.reservedAtProvider) credits)")
        }
        lines += summary.reasons.map { style.yellow("stopped: ") + SafeText.escaped($0) }
        lines += TaskDescription.heldBack(summary.status.heldBack).map(style.yellow)
        lines += failures(summary, style)
        if summary.code == .usage {
            // The base URL has no API, so that everything sent there is resubmitted to the correct one.
            lines.append("to continue, run the manifest again with the correct --base-url")
        } else if summary.uncertain > 0 {
            lines += [
                style.yellow("uncertain: \(summary.uncertain)") + ", sent, no response; they will not be resubmitted",
                "  " + summary.hint.online("reconcile"),
            ]
        }
        if summary.lost > 0 {
            lines += [
                style.yellow("lost: \(summary.lost)") + ", no longer known to the provider",
                "  " + summary.hint.online("reconcile"),
            ]
        }
        if summary.unsaved > 0 {
            lines += [
                style.yellow("paid but not saved: \(summary.unsaved)") + noURL(summary),
                "  " + summary.saveCommand,
            ]
        }
        if !summary.keyNeeds.isEmpty {
            lines += summary.keyNeeds.map { style.yellow($0.description) } + ["  " + summary.sameAccountCommand]
        }
        let resumable: [ExitCode] = [
            .hungUp, .interrupted, .terminated, .stoppedEarly, .budgetReached, .accountRefused,
        ]
        if resumable.contains(summary.code), !summary.waitsForKeysAlone {
            lines += [
                summary.isBudgetNeedUnknown
                    ? "to continue, add --max-credits-per-task CREDITS, because some prices are unknown:"
                    : "to continue:",
                "  " + summary.resumeCommand,
            ]
        }
        return lines
    }

    private static func counts(_ summary: RunSummary, _ style: TextStyle) -> String {
        let counts = summary.counts.filter { $0.count > 0 }.map { state, count in
            let text = "\(count) \(state.rawValue)"
            return switch state {
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

    /// Failures grouped by code, each with an example and the command that retries them.
    private static func failures(_ summary: RunSummary, _ style: TextStyle) -> [String] {
        let shown = summary.failures.prefix(maximumGroups)
        var lines = shown.flatMap { group in
            let code = SafeText.escaped(group.code)
            let message = group.message.map { ": " + DisplayWidth.cut(SafeText.escaped($0), to: messageWidth) } ?? ""
            let example = group.count == 1 ? "" : "for example "
            return [
                style.red("failed: \(group.count) \(code)")
                    + ", \(example)\(SafeText.escaped(group.example.text))\(message)",
                "  " + summary.hint.offline("retry", [("--failure-code", group.code), ("--batch", group.batchName)]),
            ]
        }
        if summary.failures.count > maximumGroups {
            lines.append(
                "and \(summary.failures.count - maximumGroups) more failure codes; see "
                    + "`\(summary.hint.offline("export"))`")
        }
        return lines
    }

    private static func noURL(_ summary: RunSummary) -> String {
        guard summary.noAsset > 0 else { return "" }
        return summary.noAsset == summary.unsaved
            ? ", the provider has no URL for them" : ", \(summary.noAsset) of them without a URL"
    }
}
