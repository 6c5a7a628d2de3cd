import DailiesCore
import DailiesStore
import ExactJSON

/// What `fetch` says, for people and for programs.
struct FetchOutput: RunReporter {
    let hint: SuggestedCommand
    let isJSON: Bool
    private let batches = Locked(BatchNames())

    init(hint: SuggestedCommand, isJSON: Bool) {
        self.hint = hint
        self.isJSON = isJSON
    }

    // MARK: What was found out before

    func isNotLost(_ task: TaskRow, wasSaved: Bool) {
        let words = wasSaved ? "its clip is in place" : "it is \(TaskDescription.standing(task))"
        say("not_lost", task.batchName, task.key, words)
    }

    func isNotAsked(_ row: SavedClipRow, _ reason: String) {
        say("not_fetched", row.batchName, row.key, "not fetched: \(reason)")
    }

    func isGone(_ row: SavedClipRow, _ reason: String, isAmbiguous: Bool) {
        let batch = isAmbiguous ? [(name: "--batch", value: row.batchName)] : []
        let retry = hint.offline("retry --again", batch, keys: [row.key.text])
        say(
            "gone", row.batchName, row.key, "not fetched: \(reason); `\(retry)` renders and charges it again")
    }

    private func say(_ type: String, _ batch: String, _ key: TaskKey, _ words: String) {
        guard isJSON else {
            return Console.error("\(SafeText.escaped(batch))/\(SafeText.escaped(key.text)): \(words)")
        }
        JSONLine.write(type) { writer in
            writer.member("batch", batch)
            writer.member("key", key.text)
            writer.member("reason", words)
        }
    }

    // MARK: While it is fetched

    func began(_ overview: RunOverview) { batches.withLock { $0 = overview.batches } }

    func happened(_ event: RunEvent, at instant: Instant) {
        let batches = batches.withLock { $0 }
        if isJSON { return JSONReporter.write(event, at: instant, in: batches) }
        if let line = RunEventFormatter.line(for: event, in: batches, isVerbose: true) { Console.error(line) }
    }

    func snapshot() {}

    func ended(_ summary: RunSummary) {}

    // MARK: The end

    func finish(lost: Int, gone: Int, unsaved: Int, code: ExitCode) {
        if isJSON {
            return JSONLine.write("finished") { writer in
                writer.member("lost", lost)
                writer.member("gone", gone)
                writer.member("unsaved", unsaved)
                writer.member("exit_code", Int(code.rawValue))
            }
        }
        guard lost > 0 || unsaved > 0 else { return Console.error("every saved clip that was asked about is in place") }
        var parts = ["\(TaskDescription.count(lost, "clip")) had vanished"]
        if gone > 0 { parts.append("\(gone) cannot be had any more") }
        if unsaved > 0 { parts.append("\(unsaved) paid and not saved; run it again") }
        if code == .success { parts.append("all are saved") }
        Console.error(parts.joined(separator: ", "))
    }
}
