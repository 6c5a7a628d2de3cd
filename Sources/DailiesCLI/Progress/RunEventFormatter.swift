import DailiesCore
import DailiesRunner

/// Formats the events of a run as lines.
enum RunEventFormatter {
    /// - Parameter isVerbose: also formats the normal steps of a task.
    /// - Returns: nil if the event is not shown.
    static func line(for event: RunEvent, in batches: BatchNames, isVerbose: Bool = false) -> String? {
        switch event {
        case .submitted, .accepted, .running, .completed, .saved, .withdrawn, .retried:
            isVerbose ? verboseLine(for: event, in: batches) : nil
        case .failed(let key, let code, let message, _):
            "failed: \(shown(key, batches)): \(SafeText.escaped(code ?? "no code")): \(SafeText.escaped(message ?? ""))"
        case .cancelled(let key, _): "cancelled: \(shown(key, batches))"
        case .waitsAgain(let key, let reason, let charged):
            "queued again: \(shown(key, batches)), cancelled \(TaskDescription.cost(charged)): "
                + TaskDescription.explanation(of: reason)
        case .downloadFailed(let key, let reason): "not saved: \(shown(key, batches)): \(SafeText.escaped(reason))"
        case .uncertain(let key, let reason): "uncertain: \(shown(key, batches)): \(SafeText.escaped(reason))"
        case .lost(let key): "lost: \(shown(key, batches)): unknown to the provider for ten minutes"
        case .unresolved(let key): "slow: \(shown(key, batches)): taking longer than expected; now polled once a minute"
        case .paused(let reason, let detail, let until): PauseFormatter.line(reason, detail: detail, until: until)
        case .resumed: "resumed"
        case .warning(let text): "warning: \(SafeText.escaped(text))"
        }
    }

    private static func verboseLine(for event: RunEvent, in batches: BatchNames) -> String? {
        switch event {
        case .submitted(let key, let model): "submitted: \(shown(key, batches)) to \(SafeText.escaped(model.text))"
        case .accepted(let key, let remote, let estimate):
            "accepted: \(shown(key, batches)) as \(SafeText.escaped(remote.text))"
                + (estimate.map { ", estimated at \($0) credits" } ?? "")
        case .running(let key): "running: \(shown(key, batches))"
        case .completed(let key, let charged): "completed: \(shown(key, batches)) \(TaskDescription.cost(charged))"
        case .saved(let key, let path): "saved: \(shown(key, batches)) as \(SafeText.escaped(path))"
        case .withdrawn(let key): "cancelled before it was sent: \(shown(key, batches))"
        case .retried(let key): "queued again: \(shown(key, batches))"
        case .failed, .cancelled, .waitsAgain, .downloadFailed, .uncertain, .lost, .unresolved, .paused, .resumed,
            .warning:
            nil
        }
    }

    private static func shown(_ task: TaskName, _ batches: BatchNames) -> String {
        SafeText.escaped(batches.text(task))
    }
}

/// Formats pauses: the reason, and when the run retries.
enum PauseFormatter {
    /// - Parameter now: prints the remaining time; nil prints the time of the retry.
    static func line(_ reason: PauseReason, detail: String, until: Instant?, now: Instant? = nil) -> String {
        let end: String =
            switch (until, now) {
            case (nil, _): ""
            case (let until?, let now?): ", retrying in \(ProgressView.age(max(until - now, .zero)))"
            case (let until?, nil): ", retrying at \(Composition.Calendar.timestamp(until))"
            }
        return "waiting: \(description(of: reason))\(end)" + suffix(detail, of: reason)
    }

    /// The detail, usually from the provider. A pause by the user needs none.
    private static func suffix(_ detail: String, of reason: PauseReason) -> String {
        if case .user = reason { return "" }
        return detail.isEmpty ? "" : ": \(SafeText.escaped(detail))"
    }

    static func description(of reason: PauseReason) -> String {
        switch reason {
        case .outage: "the provider is not responding"
        case .rateLimit: "the provider's rate limit"
        case .concurrencyLimit(let limit): "the limit is now \(limit) in flight"
        case .noFunds: "out of credits; tasks in flight continue"
        case .modelForbidden(let model): "this API key has no access to \(SafeText.escaped(model.text))"
        case .modelUnavailable(let model): "\(SafeText.escaped(model.text)) is unavailable"
        case .uncertainTasks: "too many uncertain tasks; run `dailies reconcile`"
        case .unsavedClips: "downloads are behind"
        case .budget: "budget"
        case .user(.everything): "paused by `dailies pause`; run `dailies unpause` to resume"
        case .user(.batch): "a batch is paused by `dailies pause`; run `dailies unpause` to resume"
        case .user(.model(let model)):
            "\(SafeText.escaped(model.text)) is paused by `dailies pause`; run `dailies unpause` to resume"
        case .canary(let clips): "\(clips) canary clips are rendering first"
        case .policyRejections: "submission has stopped"
        }
    }
}
