import DailiesCore
import DailiesRunner
import DailiesStore

/// An explanation as text and as JSON.
enum ExplainOutput {
    static func text(_ explanation: Explanation) -> String {
        let name = "\(SafeText.escaped(explanation.batchName))/\(SafeText.escaped(explanation.key.text))"
        var lines = ["\(name): \(text(for: explanation.verdict)): \(explanation.reason)"]
        if !explanation.differences.isEmpty {
            lines.append("decided by: \(Explanation.fields(explanation.differences))")
            lines.append(table(explanation.differences))
        }
        if let nearest = explanation.nearest {
            lines.append(
                "similar task, no longer in the manifest: \(SafeText.escaped(nearest.row.key.text)), "
                    + TaskDescription.state(of: nearest.row))
            lines.append("differences: \(Explanation.fields(nearest.differences))")
            lines.append(table(nearest.differences))
        }
        if let row = explanation.row {
            lines.append("")
            lines += details(row, explanation.attempts, explanation.clip)
            lines.append("history")
            lines += explanation.events.map { "  " + EventFormatter.line($0) }
        }
        return lines.joined(separator: "\n")
    }

    private static func text(for verdict: Explanation.Verdict) -> String {
        switch verdict {
        case .submitted: "the next run would submit it"
        case .notSubmitted: "the next run would not submit it"
        case .blocksRun: "a run would stop before its first submit (exit 65)"
        }
    }

    private static func table(_ differences: [RequestDifference]) -> String {
        var table = TextTable(["  field", "stored", "manifest"], rightAligned: [])
        for difference in differences {
            let shown = difference.shown
            table.add(["  " + SafeText.escaped(difference.field), shown.stored, shown.asked])
        }
        return table.text
    }

    private static func details(
        _ row: TaskRow, _ attempts: [AttemptRow], _ clip: ClipFinder.Finding?
    ) -> [String] {
        var lines = ["state       \(TaskDescription.state(of: row))"]
        lines.append("model       \(SafeText.escaped(row.model.text))")
        lines.append("prompt      " + prompt(row.prompt))
        if row.latest != nil || row.credits != nil {
            lines.append("credits     \(row.credits.map { "\($0)" } ?? "unknown")")
        }
        if let path = row.latest?.outputPath {
            let words = clip.flatMap { ClipCheck.description(of: $0, savedAs: path) }
            lines.append("clip        \(words ?? SafeText.escaped(clip?.path ?? path))")
        }
        for attempt in attempts {
            var parts = [
                "submission key \(attempt.submissionKey)", attempt.dialect.rawValue, "API key \(attempt.account)",
            ]
            if let remote = attempt.remoteID { parts.append("task id \(SafeText.escaped(remote.text))") }
            if attempt.notAcceptedAt != nil { parts.append("never reached the provider") }
            lines.append("attempt \(attempt.number)   \(parts.joined(separator: ", "))")
        }
        return lines
    }

    /// The whole prompt with its line breaks; terminal control characters are escaped.
    private static func prompt(_ text: String) -> String {
        let lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false).map {
            SafeText.escaped(String($0))
        }
        return "\"" + lines.joined(separator: "\n            ") + "\""
    }

    // MARK: JSON

    static func json(_ explanation: Explanation) -> JSONObject {
        let nearest = explanation.nearest.map { nearest -> JSONObject in
            [
                "key": nearest.row.key.text, "state": nearest.row.state.rawValue,
                "differs_in": nearest.differences.map(json),
            ]
        }
        return [
            "batch": explanation.batchName,
            "key": explanation.key.text,
            "verdict": jsonName(for: explanation.verdict),
            "reason": explanation.reason,
            "decided_by": explanation.differences.map(json),
            "nearest": nearest,
            "task": explanation.row.map { ExportRow.json($0, explanation.clip) },
            "attempts": explanation.attempts.map(json),
            "events": explanation.events.map(EventFormatter.json),
        ]
    }

    private static func jsonName(for verdict: Explanation.Verdict) -> String {
        switch verdict {
        case .submitted: "would_submit"
        case .notSubmitted: "would_not_submit"
        case .blocksRun: "would_stop_the_run"
        }
    }

    private static func json(_ difference: RequestDifference) -> JSONObject {
        ["field": difference.field, "stored": difference.stored, "manifest": difference.asked]
    }

    private static func json(_ attempt: AttemptRow) -> JSONObject {
        [
            "attempt": attempt.number,
            "state": attempt.state.rawValue,
            "submission_key": attempt.submissionKey.text,
            "dialect": attempt.dialect.rawValue,
            "key_fingerprint": attempt.account.text,
            "task_id": attempt.remoteID?.text,
            "submitted_at": attempt.submittedAt,
            "not_accepted_at": attempt.notAcceptedAt,
            "settled_at": attempt.settledAt,
            "superseded_at": attempt.supersededAt,
            "reserved": attempt.reserved,
            "credits": attempt.credits,
            "output_path": attempt.outputPath,
            "failure_code": attempt.failureCode,
            "failure_message": attempt.failureMessage,
        ]
    }
}
