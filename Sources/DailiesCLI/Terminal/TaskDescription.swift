import DailiesCore
import DailiesStore

/// Descriptions of tasks, escaped for output.
enum TaskDescription {
    /// `uncertain`, `completed and saved`, `failed (http_400)`, …
    static func state(of row: TaskRow) -> String {
        guard let latest = row.latest else {
            if let reason = row.heldBack { return "queued again: \(explanation(of: reason))" }
            guard row.state == .cancelled else { return "queued, not sent" }
            return row.withdrawn == .removed ? "cancelled: no longer in its manifest" : "cancelled before it was sent"
        }
        switch row.state {
        case .queued where latest.remoteID == nil: return "uncertain"
        case .queued, .running:
            if latest.lostAt != nil { return "lost: no longer known to the provider" }
            return row.state == .queued ? "queued at the provider" : "running"
        case .completed where latest.outputPath != nil: return "completed and saved"
        case .completed where latest.failureCode == "unverified":
            return "completed, paid, kept unverified because the clip may be incomplete"
        case .completed: return "completed, paid, not saved"
        case .failed: return "failed (\(SafeText.escaped(latest.failureCode ?? "no code")))"
        case .cancelled: return "cancelled"
        }
    }

    /// The state that the provider reports: `rendering`, `completed for 3.7 credits`, …
    static func result(of known: FoundAttempt) -> String {
        guard let end = known.end else { return known.isRunning ? "rendering" : "queued" }
        return "\(end.rawValue) \(cost(known.charged))"
    }

    static func cost(_ charged: Credits?) -> String {
        switch charged {
        case nil: "at an unknown cost"
        case .some(.zero): "free of charge"
        case .some(let credits): "for \(credits) credits"
        }
    }

    /// Why a budget or a quote cancelled an attempt.
    static func explanation(of reason: CancelReason) -> String {
        switch reason {
        case .budget: "the provider's estimate exceeds the budget"
        case .budgetSpent: "the budget is spent"
        case .quote: "the provider's quote is higher than expected"
        }
    }

    /// How to render tasks that a budget or a quote cancelled.
    static func advice(on reason: CancelReason) -> String {
        switch reason {
        case .budget, .budgetSpent: "raise --budget to render them"
        case .quote: "use --accept-quote to render them"
        }
    }

    /// One line per reason, for tasks that a budget or a quote returned to the queue.
    static func heldBack(_ counts: [CancelReason: Int]) -> [String] {
        CancelReason.allCases.compactMap { reason in
            counts[reason].map { "queued again: \($0), because \(explanation(of: reason)); \(advice(on: reason))" }
        }
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
