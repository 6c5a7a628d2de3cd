import DailiesCore
import DailiesRunner
import DailiesStore

/// Why a task would be submitted by the next run, or would not be.
struct Explanation {
    enum Verdict {
        case submitted
        case notSubmitted
        /// The run ends with 65 before its first submit.
        case blocksRun
    }

    /// What to type next.
    struct Commands {
        let retry: String
        let reconcile: String
        /// The API key that only can ask for it, where it is not at hand.
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
    /// A sentence without its end, safe to show.
    let reason: String
    /// The fields that make the request another one than the stored.
    var differences: [RequestDifference] = []
    /// A task that left the manifest and is nearly this one.
    var nearest: (row: TaskRow, differences: [RequestDifference])?
    /// nil: not in the store.
    var row: TaskRow?
    var attempts: [AttemptRow] = []
    var events: [EventRow] = []
    /// How its saved clip was found; nil: none was saved.
    var clip: ClipFinder.Finding?

    // MARK: From the store alone

    init(of row: TaskRow, _ commands: Commands) {
        self.init(row, Self.standing(row, commands))
    }

    private init(_ row: TaskRow, _ standing: (Verdict, String)) {
        self.init(batchName: row.batchName, key: row.key, verdict: standing.0, reason: standing.1)
        self.row = row
    }

    private init(batchName: String, key: TaskKey, verdict: Verdict, reason: String) {
        self.batchName = batchName
        self.key = key
        self.verdict = verdict
        self.reason = reason
    }

    private static func standing(_ row: TaskRow, _ commands: Commands) -> (Verdict, String) {
        let words = TaskDescription.standing(row)
        guard let latest = row.latest else {
            if let reason = row.heldBack {
                return (
                    .submitted,
                    "it waits for its attempt \(row.attempt), since its last was cancelled: \(TaskDescription.because(reason)); "
                        + (reason == .quote ? "--accept-quote renders it" : "a higher --budget renders it")
                )
            }
            if row.state == .queued {
                return (.submitted, row.attempt == 1 ? "it was never sent" : "it waits for its attempt \(row.attempt)")
            }
            return (.notSubmitted, "it is \(words); `\(commands.retry)` brings it back")
        }
        if let need = commands.keyNeed {
            return (.notSubmitted, "it is \(words), and needs the API key \(need.account): \(MissingKey.remedy)")
        }
        switch row.state {
        case .queued where latest.remoteID == nil:
            return (.notSubmitted, "it was sent and its fate is unknown; `\(commands.reconcile)` asks for it")
        case .queued, .running: return (.notSubmitted, "it is \(words); a run goes on with it")
        case .completed where latest.outputPath == nil:
            return (.notSubmitted, "it is \(words); a run fetches its clip")
        case .completed: return (.notSubmitted, "it is \(words)")
        case .failed, .cancelled: return (.notSubmitted, "it is \(words); `\(commands.retry)` renders it again")
        }
    }

    // MARK: Against a manifest

    /// - Parameters:
    ///   - spec: the task as the manifest has it; nil: it is not in there.
    ///   - row: the task as the store has it; nil: it is not in there. One of the two is given.
    init(_ spec: TaskSpec?, in batchName: String, stored row: TaskRow?, _ commands: Commands) {
        guard let spec else {
            guard let row else { preconditionFailure("a task that is nowhere cannot be explained") }
            let isWaiting = row.state == .queued && row.latest == nil
            self.init(
                row,
                isWaiting
                    ? (.notSubmitted, "it is not in the manifest any more; a run cancels it")
                    : (.notSubmitted, "it is not in the manifest any more, and \(TaskDescription.standing(row))"))
            return
        }
        guard let row else {
            self.init(
                batchName: batchName, key: spec.key, verdict: .submitted,
                reason: "the store has no task of this key in this batch")
            return
        }
        let differences = RequestDifference.between(row.listedRequest, spec.request)
        // With the seed that it was given since, as `export` writes it, it is the same one.
        if differences.isEmpty || RequestDifference.between(row.request, spec.request).isEmpty {
            self.init(
                row,
                row.withdrawn == .removed ? (.submitted, "it is in its manifest again") : Self.standing(row, commands))
        } else {
            self.init(row, (.blocksRun, Self.change(row)))
            self.differences = differences
        }
    }

    private static func change(_ row: TaskRow) -> String {
        let changed = "its request is not the stored one"
        guard let latest = row.latest else {
            return
                "\(changed); with --accept-changes it takes the new one, since its attempt \(row.attempt) was not sent yet"
        }
        guard row.state != .queued, row.state != .running, !latest.isCostAwaited else {
            return "\(changed), and its attempt is not settled: run the unchanged manifest to its end first"
        }
        let next = row.attempt + 1
        return "\(changed); with --accept-changes it is rendered and charged again, as attempt \(next)"
    }

    /// `prompt, seed`
    static func fields(_ differences: [RequestDifference]) -> String {
        differences.map { SafeText.escaped($0.field) }.joined(separator: ", ")
    }
}
