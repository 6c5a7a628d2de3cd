import DailiesCore

/// What is said of an event at once; nil for the daily course of things.
enum RunEventWords {
    static func line(for event: RunEvent) -> String? {
        switch event {
        case .submitted, .accepted, .running, .completed, .saved, .withdrawn, .retried: nil
        case .failed(let key, let code, let message, _):
            "failed: \(shown(key)): \(SafeText.escaped(code ?? "no code")): \(SafeText.escaped(message ?? ""))"
        case .cancelled(let key, _): "cancelled: \(shown(key))"
        case .notSaved(let key, let reason): "not saved: \(shown(key)): \(SafeText.escaped(reason))"
        case .uncertain(let key, let reason): "uncertain: \(shown(key)): \(SafeText.escaped(reason))"
        case .lost(let key): "lost: \(shown(key)): the provider has not known it for ten minutes"
        case .unresolved(let key): "slow: \(shown(key)): past its poll window; asked for once a minute from now on"
        case .paused(let reason, let detail, let until): PauseWords.line(reason, detail: detail, until: until)
        case .resumed: "going on"
        case .warning(let text): "warning: \(SafeText.escaped(text))"
        }
    }

    private static func shown(_ key: TaskKey) -> String { SafeText.escaped(key.text) }
}

/// Pauses in words: what is waited for, and until when.
enum PauseWords {
    static func line(_ reason: PauseReason, detail: String, until: Instant?) -> String {
        let end = until.map { " until \(Composition.Calendar.timestamp($0))" } ?? ""
        return "waiting\(end): \(words(for: reason)): \(SafeText.escaped(detail))"
    }

    static func words(for reason: PauseReason) -> String {
        switch reason {
        case .outage: "the provider does not answer"
        case .rateLimit: "the provider's rate limit"
        case .concurrencyLimit(let limit): "at most \(limit) in flight from now on"
        case .noFunds: "the wallet is empty; what is in flight goes on"
        case .modelUnavailable(let model): "\(SafeText.escaped(model.text)) cannot be reached with this key"
        case .uncertainTasks: "too many uncertain tasks; run `dailies reconcile`"
        case .unsavedClips: "downloads must catch up"
        case .budget: "budget"
        case .user(.everything): "paused by `dailies pause`; `dailies unpause` goes on"
        case .user(.batch): "a batch is paused by `dailies pause`; `dailies unpause --batch` goes on"
        case .user(.model(let model)):
            "\(SafeText.escaped(model.text)) is paused by `dailies pause`; `dailies unpause --model` goes on"
        }
    }
}
