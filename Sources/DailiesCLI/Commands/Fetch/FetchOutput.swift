import DailiesCore
import DailiesRunner
import DailiesStore

/// The output of `fetch`, as text or JSON.
struct FetchOutput: RunObserver {
    let hint: SuggestedCommand
    let isJSON: Bool

    // MARK: Before the downloads

    func isNotLost(_ task: TaskRow, wasSaved: Bool) {
        let reason = wasSaved ? "its clip is present" : "it is \(TaskDescription.state(of: task))"
        report("not_lost", task.batchName, task.key, reason)
    }

    func isNotFetched(_ row: SavedClipRow, _ reason: String) {
        report("not_fetched", row.batchName, row.key, "not fetched: \(reason)")
    }

    func isGone(_ row: SavedClipRow, _ reason: String, isAmbiguous: Bool) {
        let batch = isAmbiguous ? [(name: "--batch", value: row.batchName)] : []
        let retry = hint.offline("retry --again", batch, keys: [row.key.text])
        report(
            "gone", row.batchName, row.key, "not fetched: \(reason); to render it again (charged), run `\(retry)`")
    }

    private func report(_ type: String, _ batch: String, _ key: TaskKey, _ reason: String) {
        guard isJSON else {
            return Console.error("\(SafeText.escaped(batch))/\(SafeText.escaped(key.text)): \(reason)")
        }
        JSONLine.write(type, ["batch": batch, "key": key.text, "reason": reason])
    }

    // MARK: During the downloads

    func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus) {
        if isJSON { return JSONReporter.write(event, at: instant, in: status.batches) }
        if let line = RunEventFormatter.line(for: event, in: status.batches, isVerbose: true) { Console.error(line) }
    }

    // MARK: End

    func finish(lost: Int, gone: Int, unsaved: Int, code: ExitCode) {
        if isJSON {
            return JSONLine.write(
                "finished", ["lost": lost, "gone": gone, "unsaved": unsaved, "exit_code": code])
        }
        guard lost > 0 || unsaved > 0 else { return Console.error("nothing to fetch: all selected clips are present") }
        var parts = ["\(TaskDescription.count(lost, "clip")) missing or changed"]
        if gone > 0 { parts.append("\(gone) no longer available") }
        if unsaved > 0 { parts.append("\(unsaved) paid but not saved (run the command again)") }
        if code == .success { parts.append("all saved") }
        Console.error(parts.joined(separator: ", "))
    }
}
