import DailiesCore
import DailiesRunner
import DailiesStore

/// Why the next run would submit a task, or would not.
struct Explanation {
    enum Verdict {
        case submitted
        case notSubmitted
        /// The run ends with 65 before its first submit.
        case blocksRun
    }

    /// Suggested next commands.
    struct Commands {
        let retry: String
        let reconcile: String
        /// The API key that is needed to look it up, if it is not available.
        let keyNeed: MissingKey?

        /// - Parameter isAmbiguous: the store has the key in several batches.
        init(_ hint: SuggestedCommand, _ key: TaskKey, in batchName: String, isAmbiguous: Bool, keyNeed: MissingKey?) {
            self.keyNeed = keyNeed
            let batch = isAmbiguous ? [(name: "--batch", value: batchName)] : []
            retry = hint.offline("retry", batch, keys: [key.text])
            reconcile = hint.offline("reconcile")
        }
    }

    let batchName: String
    let key: TaskKey
    let verdict: Verdict
    /// Safe to show; no final period.
    let reason: String
    /// The fields in which the request differs from the stored one.
    var differences: [RequestDifference] = []
    /// A similar task that is no longer in the manifest.
    var nearest: (row: TaskRow, differences: [RequestDifference])?
    /// nil: it is not in the store.
    var row: TaskRow?
    var attempts: [AttemptRow] = []
    var events: [EventRow] = []
    /// The lookup of its saved clip; nil: none was saved.
    var clip: ClipFinder.Finding?

    // MARK: From the store alone

    init(of row: TaskRow, _ commands: Commands) {
        self.init(row, Self.verdict(row, commands))
    }

    private init(_ row: TaskRow, _ verdict: (Verdict, String)) {
        self.init(batchName: row.batchName, key: row.key, verdict: verdict.0, reason: verdict.1)
        self.row = row
    }

    private init(batchName: String, key: TaskKey, verdict: Verdict, reason: String) {
        self.batchName = batchName
        self.key = key
        self.verdict = verdict
        self.reason = reason
    }

    private static func verdict(_ row: TaskRow, _ commands: Commands) -> (Verdict, String) {
        let words = TaskDescription.state(of: row)
        guard let latest = row.latest else {
            if let reason = row.heldBack {
                return (
                    .submitted,
                    "it is waiting for attempt \(row.attempt); its last attempt was cancelled: \(TaskDescription.explanation(of: reason)); "
                        + (reason == .quote ? "use --accept-quote to render it" : "use a higher --budget to render it")
                )
            }
            if row.state == .queued {
                return (
                    .submitted, row.attempt == 1 ? "it has not been sent" : "it is waiting for attempt \(row.attempt)"
                )
            }
            return (.notSubmitted, "it is \(words); run `\(commands.retry)` to queue it again")
        }
        if let need = commands.keyNeed {
            return (.notSubmitted, "it is \(words), and needs the API key \(need.account): \(MissingKey.remedy)")
        }
        switch row.state {
        case .queued where latest.remoteID == nil:
            return (.notSubmitted, "it was sent and its outcome is unknown; run `\(commands.reconcile)`")
        case .queued, .running: return (.notSubmitted, "it is \(words); a run will resume it")
        case .completed where latest.outputPath == nil:
            return (.notSubmitted, "it is \(words); a run will download its clip")
        case .completed: return (.notSubmitted, "it is \(words)")
        case .failed, .cancelled: return (.notSubmitted, "it is \(words); run `\(commands.retry)` to render it again")
        }
    }

    // MARK: Against a manifest

    /// - Parameters:
    ///   - spec: the task in the manifest; nil: not in the manifest.
    ///   - row: the task in the store; nil: not in the store. At least one of the two is non-nil.
    init(_ spec: TaskSpec?, in batchName: String, stored row: TaskRow?, _ commands: Commands) {
        guard let spec else {
            guard let row else { preconditionFailure("a task that is nowhere cannot be explained") }
            let isWaiting = row.state == .queued && row.latest == nil
            self.init(
                row,
                isWaiting
                    ? (.notSubmitted, "it is no longer in the manifest; a run will cancel it")
                    : (.notSubmitted, "it is no longer in the manifest, and is \(TaskDescription.state(of: row))"))
            return
        }
        guard let row else {
            self.init(
                batchName: batchName, key: spec.key, verdict: .submitted,
                reason: "the store has no task with this key in this batch")
            return
        }
        let differences = RequestDifference.between(row.listedRequest, spec.request)
        // A request with its new seed, as `export` writes it, is the same request.
        if differences.isEmpty || RequestDifference.between(row.request, spec.request).isEmpty {
            self.init(
                row,
                row.withdrawn == .removed ? (.submitted, "it is back in its manifest") : Self.verdict(row, commands))
        } else {
            self.init(row, (.blocksRun, Self.change(row)))
            self.differences = differences
        }
    }

    private static func change(_ row: TaskRow) -> String {
        let changed = "its request differs from the stored one"
        guard let latest = row.latest else {
            return
                "\(changed); --accept-changes uses the new one, because attempt \(row.attempt) has not been sent"
        }
        guard row.state != .queued, row.state != .running, !latest.isCostAwaited else {
            return "\(changed), and its attempt has not settled: finish running the unchanged manifest first"
        }
        let next = row.attempt + 1
        return "\(changed); --accept-changes renders and charges it again as attempt \(next)"
    }

    /// `prompt, seed`
    static func fields(_ differences: [RequestDifference]) -> String {
        differences.map { SafeText.escaped($0.field) }.joined(separator: ", ")
    }
}
