import DailiesCore
import DailiesStore

/// Where a task stands, in words that are safe to show.
enum TaskDescription {
    /// `uncertain`, `completed and saved`, `failed (http_400)`, …
    static func standing(_ row: TaskRow) -> String {
        guard let latest = row.latest else {
            if let reason = row.heldBack { return "queued, waits again: \(because(reason))" }
            guard row.state == .cancelled else { return "queued, not sent" }
            return row.withdrawn == .removed ? "cancelled: no longer in its manifest" : "cancelled before it was sent"
        }
        switch row.state {
        case .queued where latest.remoteID == nil: return "uncertain"
        case .queued, .running:
            if latest.lostAt != nil { return "lost: the provider does not know it any more" }
            return row.state == .queued ? "queued at the provider" : "running"
        case .completed where latest.outputPath != nil: return "completed and saved"
        case .completed where latest.failureCode == "unverified":
            return "completed, paid, kept without knowing whether its clip is whole"
        case .completed: return "completed, paid, not saved"
        case .failed: return "failed (\(SafeText.escaped(latest.failureCode ?? "no code")))"
        case .cancelled: return "cancelled"
        }
    }

    /// What the provider says of a task: `rendering`, `completed for 3.7 credits`, …
    static func known(_ known: TaskReconciler.Known) -> String {
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

    /// Why a guard cancelled an attempt.
    static func because(_ reason: CancelReason) -> String {
        switch reason {
        case .budget: "the budget does not hold what the provider estimates"
        case .budgetSpent: "the budget is spent"
        case .quote: "the provider asks more than was expected"
        }
    }

    /// What brings tasks on that a guard cancelled.
    static func advice(on reason: CancelReason) -> String {
        switch reason {
        case .budget, .budgetSpent: "a higher --budget renders them"
        case .quote: "--accept-quote renders them"
        }
    }

    /// A line for each reason for which tasks wait again.
    static func heldBack(_ counts: [CancelReason: Int]) -> [String] {
        CancelReason.allCases.compactMap { reason in
            counts[reason].map { "waits again: \($0), since \(because(reason)); \(advice(on: reason))" }
        }
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
