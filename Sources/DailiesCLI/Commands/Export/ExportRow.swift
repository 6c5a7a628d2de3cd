import DailiesCore
import DailiesRunner
import DailiesStore
import ExactJSON

/// One task as a row of `export`.
enum ExportRow {
    static func json(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> String {
        var writer = JSONWriter()
        write(row, clip, to: &writer)
        return writer.text
    }

    /// - Parameter clip: nil if no clip was saved.
    static func write(_ row: TaskRow, _ clip: ClipFinder.Finding?, to writer: inout JSONWriter) {
        let latest = row.latest
        writer.object { writer in
            writer.member("batch", row.batchName)
            writer.member("key", row.key.text)
            writer.member("state", row.state.rawValue)
            writer.member("is_uncertain", row.isOpen && latest?.remoteID == nil)
            writer.member("is_lost", latest?.lostAt != nil)
            writer.member("model", row.model.text)
            writer.member("prompt", row.prompt)
            writer.member("tags", tags: row.tags)
            writer.member("priority", row.priority)
            writer.member("attempt", row.attempt)
            writer.member("submission_key", optional: latest?.submissionKey.text)
            writer.member("task_id", optional: latest?.remoteID?.text)
            writer.member("estimated_credits", credits: latest?.estimated)
            writer.member("credits", credits: row.credits)
            writer.member("submitted_at", time: latest?.submittedAt)
            writer.member("completed_at", time: latest?.completedAt)
            writer.member("settled_at", time: row.settledAt)
            writer.member("output_path", optional: clip?.path ?? latest?.outputPath)
            writer.member("output_state", optional: clip?.word)
            writer.member("output_sha256", optional: latest?.outputSHA256)
            writer.member("output_bytes", optional: latest?.outputBytes)
            writer.member("failure_code", optional: row.failureCode)
            writer.member("failure_message", optional: latest?.failureMessage)
            writer.name("request")
            writer.raw(row.request.text)
        }
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
