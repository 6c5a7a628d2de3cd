import DailiesCore
import DailiesStore
import Foundation

/// One line for whatever matters, and a line of counts at most every ten seconds.
final class PlainReporter: RunReporter {
    private static let interval = Duration.seconds(10)

    private struct State {
        var total = 0
        var finished = 0
        var failed = 0
        var saved = 0
        var inFlight = 0
        var charged = CreditTotal.zero
        var lastLine: Instant?
    }

    private let isQuiet: Bool
    private let state = Guarded(State())

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func began(_ overview: RunOverview) {
        state.withLock {
            $0.total = overview.total
            $0.finished = overview.total - overview.open
        }
        guard !isQuiet else { return }
        let names = overview.batches.map(SafeText.escaped).joined(separator: ", ")
        let open = "\(overview.open) of \(overview.total) clips to go"
        Console.error("\(names): \(open), at most \(overview.concurrency) at a time")
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        let line = state.withLock { state -> String? in
            Self.count(event, in: &state)
            if let words = Self.words(for: event) { return words }
            guard !isQuiet, instant - (state.lastLine ?? .distantPast) >= Self.interval else { return nil }
            state.lastLine = instant
            return "\(state.finished)/\(state.total) done, \(state.inFlight) in flight, \(state.saved) saved, "
                + "\(state.failed) failed, \(state.charged) credits"
        }
        if let line { Console.error(line) }
    }

    private static func count(_ event: RunEvent, in state: inout State) {
        switch event {
        case .submitted: break
        case .accepted: state.inFlight += 1
        case .completed(_, let charged):
            state.inFlight -= 1
            state.finished += 1
            if let charged { state.charged += CreditTotal(charged) }
        case .failed(_, _, _, let charged):
            state.finished += 1
            state.failed += 1
            if let charged { state.charged += CreditTotal(charged) }
        case .cancelled(_, let charged):
            state.finished += 1
            if let charged { state.charged += CreditTotal(charged) }
        case .saved: state.saved += 1
        case .running, .notSaved, .uncertain, .lost, .unresolved, .paused, .resumed, .warning: break
        }
    }

    /// What is said at once; nil for the daily course of things.
    private static func words(for event: RunEvent) -> String? {
        switch event {
        case .submitted, .accepted, .running, .completed, .saved: nil
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

    func ended(_ summary: RunSummary) {
        for line in SummaryWords.lines(summary) { Console.error(line) }
    }
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
        }
    }
}

/// The last words of a run: what there is, and what to do next.
enum SummaryWords {
    static func lines(_ summary: RunSummary) -> [String] {
        let counts = summary.counts.filter { $0.count > 0 }.map { "\($0.count) \($0.word.rawValue)" }
        var lines = ["", counts.isEmpty ? "nothing to do" : counts.joined(separator: ", ")]
        lines[1] += "; \(summary.saved) clips saved; \(summary.charged) credits"
        if summary.unknownCosts > 0 { lines[1] += " and \(summary.unknownCosts) of unknown cost" }
        lines += summary.reasons.map { "stopped: \(SafeText.escaped($0))" }
        if summary.uncertain > 0 { lines.append("\(summary.uncertain) uncertain: run `dailies reconcile`") }
        if summary.lost > 0 { lines.append("\(summary.lost) lost at the provider: run `dailies status`") }
        if summary.unsaved > 0 { lines.append("\(summary.unsaved) paid but not saved: run `\(summary.resumeCommand)`") }
        if [.interrupted, .terminated, .stoppedEarly, .budgetReached, .accountRefused].contains(summary.code) {
            lines.append("to go on: \(summary.resumeCommand)")
        }
        return lines
    }
}
