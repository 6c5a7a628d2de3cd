import DailiesCore

/// What is said of an event.
enum RunEventFormatter {
    /// - Parameter isVerbose: the daily course of things too.
    /// - Returns: nil where nothing is said.
    static func line(for event: RunEvent, in batches: BatchNames, isVerbose: Bool = false) -> String? {
        switch event {
        case .submitted, .accepted, .running, .completed, .saved, .withdrawn, .retried:
            isVerbose ? course(of: event, in: batches) : nil
        case .failed(let key, let code, let message, _):
            "failed: \(shown(key, batches)): \(SafeText.escaped(code ?? "no code")): \(SafeText.escaped(message ?? ""))"
        case .cancelled(let key, _): "cancelled: \(shown(key, batches))"
        case .waitsAgain(let key, let reason, let charged):
            "waits again: \(shown(key, batches)), cancelled \(TaskDescription.cost(charged)): \(TaskDescription.because(reason))"
        case .downloadFailed(let key, let reason): "not saved: \(shown(key, batches)): \(SafeText.escaped(reason))"
        case .uncertain(let key, let reason): "uncertain: \(shown(key, batches)): \(SafeText.escaped(reason))"
        case .lost(let key): "lost: \(shown(key, batches)): the provider has not known it for ten minutes"
        case .unresolved(let key): "slow: \(shown(key, batches)): past its poll window; asked for once a minute from now on"
        case .paused(let reason, let detail, let until): PauseFormatter.line(reason, detail: detail, until: until)
        case .resumed: "going on"
        case .warning(let text): "warning: \(SafeText.escaped(text))"
        }
    }

    private static func course(of event: RunEvent, in batches: BatchNames) -> String? {
        switch event {
        case .submitted(let key, let model): "submitted: \(shown(key, batches)) to \(SafeText.escaped(model.text))"
        case .accepted(let key, let remote, let estimate):
            "accepted: \(shown(key, batches)) as \(SafeText.escaped(remote.text))"
                + (estimate.map { ", estimated at \($0) credits" } ?? "")
        case .running(let key): "renders: \(shown(key, batches))"
        case .completed(let key, let charged): "completed: \(shown(key, batches)) \(TaskDescription.cost(charged))"
        case .saved(let key, let path): "saved: \(shown(key, batches)) as \(SafeText.escaped(path))"
        case .withdrawn(let key): "cancelled before it was sent: \(shown(key, batches))"
        case .retried(let key): "waits again: \(shown(key, batches))"
        case .failed, .cancelled, .waitsAgain, .downloadFailed, .uncertain, .lost, .unresolved, .paused, .resumed,
            .warning:
            nil
        }
    }

    private static func shown(_ task: TaskName, _ batches: BatchNames) -> String {
        SafeText.escaped(batches.text(task))
    }
}

/// Pauses in words: what is waited for, and until when.
enum PauseFormatter {
    /// - Parameter now: says how long it still takes; nil: says the time of its end.
    static func line(_ reason: PauseReason, detail: String, until: Instant?, now: Instant? = nil) -> String {
        let end: String =
            switch (until, now) {
            case (nil, _): ""
            case (let until?, let now?): ", asking again in \(ProgressView.age(max(until - now, .zero)))"
            case (let until?, nil): ", asking again at \(Composition.Calendar.timestamp(until))"
            }
        return "waiting: \(words(for: reason))\(end)" + told(detail, of: reason)
    }

    /// What the provider said; of a user's pause there is nothing more to say.
    private static func told(_ detail: String, of reason: PauseReason) -> String {
        if case .user = reason { return "" }
        return detail.isEmpty ? "" : ": \(SafeText.escaped(detail))"
    }

    static func words(for reason: PauseReason) -> String {
        switch reason {
        case .outage: "the provider does not answer"
        case .rateLimit: "the provider's rate limit"
        case .concurrencyLimit(let limit): "at most \(limit) in flight from now on"
        case .noFunds: "the wallet is empty; what is in flight goes on"
        case .modelForbidden(let model): "\(SafeText.escaped(model.text)) cannot be reached with this key"
        case .modelUnavailable(let model): "\(SafeText.escaped(model.text)) cannot be rendered now"
        case .uncertainTasks: "too many uncertain tasks; run `dailies reconcile`"
        case .unsavedClips: "downloads must catch up"
        case .budget: "budget"
        case .user(.everything): "paused by `dailies pause`; `dailies unpause` goes on"
        case .user(.batch): "a batch is paused by `dailies pause`; `dailies unpause` goes on"
        case .user(.model(let model)):
            "\(SafeText.escaped(model.text)) is paused by `dailies pause`; `dailies unpause` goes on"
        case .canary(let clips): "\(clips) canary clips go first"
        case .policyRejections: "nothing more is submitted"
        }
    }
}
