import DailiesCore
import DailiesRunner
import DailiesStore

/// One task as a row of `export`.
enum ExportRow {
    /// - Parameter clip: nil if no clip was saved.
    static func json(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> JSONObject {
        let latest = row.latest
        return [
            "batch": row.batchName,
            "key": row.key.text,
            "state": row.state.rawValue,
            "is_uncertain": row.isOpen && latest?.remoteID == nil,
            "is_lost": latest?.lostAt != nil,
            "model": row.model.text,
            "prompt": row.prompt,
            "tags": JSONObject(row.tags),
            "priority": row.priority,
            "attempt": row.attempt,
            "submission_key": latest?.submissionKey.text,
            "task_id": latest?.remoteID?.text,
            "estimated_credits": latest?.estimated,
            "credits": row.credits,
            "submitted_at": latest?.submittedAt,
            "completed_at": latest?.completedAt,
            "settled_at": row.settledAt,
            "output_path": clip?.path ?? latest?.outputPath,
            "output_state": clip?.word,
            "output_sha256": latest?.outputSHA256,
            "output_bytes": latest?.outputBytes,
            "failure_code": row.failureCode,
            "failure_message": latest?.failureMessage,
            "request": row.request,
        ]
    }

    private static let csvColumns = [
        "batch", "key", "state", "model", "prompt", "attempt", "task_id", "estimated_credits", "credits",
        "submitted_at", "completed_at", "settled_at", "output_path", "output_state", "output_sha256",
        "failure_code", "failure_message",
    ]

    /// - Parameter tagNames: one column each, named as in a CSV manifest.
    static func csvHeader(_ tagNames: [String]) -> String {
        (csvColumns + tagNames.map { "tags." + $0 }).map { CSVCell.text($0) }.joined(separator: ",")
    }

    static func csv(_ row: TaskRow, _ clip: ClipFinder.Finding?, tagNames: [String]) -> String {
        let latest = row.latest
        func text(_ text: String?) -> String { CSVCell.text(text ?? "") }
        func time(_ instant: Instant?) -> String { instant.map(Composition.Calendar.timestamp) ?? "" }
        let tags = Dictionary(
            row.tags.map { (ByteKey($0.name), $0.value) }, uniquingKeysWith: { first, _ in first })
        let cells = [
            text(row.batchName), text(row.key.text), row.state.rawValue, text(row.model.text), text(row.prompt),
            "\(row.attempt)", text(latest?.remoteID?.text), CSVCell.number(latest?.estimated),
            CSVCell.number(row.credits), time(latest?.submittedAt), time(latest?.completedAt),
            time(row.settledAt), text(clip?.path ?? latest?.outputPath), clip?.word ?? "", latest?.outputSHA256 ?? "",
            text(row.failureCode), text(latest?.failureMessage),
        ]
        return (cells + tagNames.map { text(tags[ByteKey($0)]) }).joined(separator: ",")
    }
}
