import DailiesCore
import DailiesRunner
import DailiesStore
import ExactJSON

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
                    + TaskDescription.standing(nearest.row))
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
        var lines = ["state       \(TaskDescription.standing(row))"]
        lines.append("model       \(SafeText.escaped(row.model.text))")
        lines.append("prompt      " + prompt(row.prompt))
        if row.latest != nil || row.credits != nil {
            lines.append("credits     \(row.credits.map { "\($0)" } ?? "unknown")")
        }
        if let path = row.latest?.outputPath {
            let words = clip.flatMap { ClipCheck.words(for: $0, savedAs: path) }
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

    static func json(_ explanation: Explanation) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("batch", explanation.batchName)
            writer.member("key", explanation.key.text)
            writer.member("verdict", jsonName(for: explanation.verdict))
            writer.member("reason", explanation.reason)
            writer.name("decided_by")
            write(explanation.differences, to: &writer)
            if let nearest = explanation.nearest {
                writer.name("nearest")
                writer.object { writer in
                    writer.member("key", nearest.row.key.text)
                    writer.member("state", nearest.row.state.rawValue)
                    writer.name("differs_in")
                    write(nearest.differences, to: &writer)
                }
            } else {
                writer.nullMember("nearest")
            }
            writer.name("task")
            if let row = explanation.row { ExportRow.write(row, explanation.clip, to: &writer) } else { writer.null() }
            writer.name("attempts")
            writer.array { array in
                for attempt in explanation.attempts { array.object { write(attempt, to: &$0) } }
            }
            writer.name("events")
            writer.array { array in
                for event in explanation.events { array.object { EventFormatter.write(event, to: &$0) } }
            }
        }
        return writer.text
    }

    private static func jsonName(for verdict: Explanation.Verdict) -> String {
        switch verdict {
        case .submitted: "would_submit"
        case .notSubmitted: "would_not_submit"
        case .blocksRun: "would_stop_the_run"
        }
    }

    private static func write(_ differences: [RequestDifference], to writer: inout JSONWriter) {
        writer.array { array in
            for difference in differences {
                array.object { writer in
                    writer.member("field", difference.field)
                    for (name, value) in [("stored", difference.stored), ("manifest", difference.asked)] {
                        if let value { writer.member(name, value) } else { writer.nullMember(name) }
                    }
                }
            }
        }
    }

    private static func write(_ attempt: AttemptRow, to writer: inout JSONWriter) {
        writer.member("attempt", attempt.number)
        writer.member("state", attempt.state.rawValue)
        writer.member("submission_key", attempt.submissionKey.text)
        writer.member("dialect", attempt.dialect.rawValue)
        writer.member("key_fingerprint", attempt.account.text)
        writer.member("task_id", optional: attempt.remoteID?.text)
        writer.member("submitted_at", time: attempt.submittedAt)
        writer.member("not_accepted_at", time: attempt.notAcceptedAt)
        writer.member("settled_at", time: attempt.settledAt)
        writer.member("superseded_at", time: attempt.supersededAt)
        writer.member("reserved", credits: attempt.reserved)
        writer.member("credits", credits: attempt.credits)
        writer.member("output_path", optional: attempt.outputPath)
        writer.member("failure_code", optional: attempt.failureCode)
        writer.member("failure_message", optional: attempt.failureMessage)
    }
}
