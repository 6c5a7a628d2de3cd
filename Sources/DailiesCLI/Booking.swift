import DailiesCore
import DailiesStore

/// What a reply changes in the store, by the same rules as in a run.
enum Booking {
    /// The end that a reply states; nil while the task goes on, or where the word is unknown.
    ///
    /// A failed render is not billed, nor is one cancelled before it ran; of any other, silence says nothing.
    ///
    /// - Parameter wasRunning: as far as it was known before the reply.
    static func settlement(of report: RemoteReport, wasRunning: Bool) -> Settlement? {
        switch report.phase {
        case .queued, .running, .unknown: return nil
        case .completed:
            return Settlement(
                end: .completed, charges: report.charges, isCostAwaited: report.charges.isEmpty,
                completedAt: report.completedAt, asset: report.asset, deliveredSeconds: report.deliveredSeconds)
        case .failed:
            return Settlement(
                end: .failed, charges: report.charges.isEmpty ? [.notBilled] : report.charges,
                completedAt: report.completedAt, failureCode: report.failureCode ?? "render_failed",
                failureMessage: report.failureMessage)
        case .cancelled:
            let isFree = report.charges.isEmpty && !wasRunning
            return Settlement(
                end: .cancelled, charges: isFree ? [.notBilled] : report.charges, completedAt: report.completedAt,
                failureCode: report.failureCode ?? "cancelled", failureMessage: report.failureMessage)
        }
    }

    /// An uncertain attempt that the provider turns out to have. A word that nobody knows counts as running.
    static func acceptance(
        of report: RemoteReport, as remote: RemoteTaskID, source: Acceptance.Source, reserved: Credits?
    ) -> Acceptance {
        Acceptance(
            remoteID: remote, isRunning: report.phase != .queued, estimate: report.estimate, reserved: reserved,
            source: source)
    }

    /// The estimate with a tenth on top, as far as it fits under every budget that holds for the task.
    static func reservation(
        after estimate: Amount?, holding old: Credits?, under budgets: [BudgetPosition]
    ) -> (reserved: Credits?, isOver: Bool) {
        guard let estimate else { return (old, false) }
        let wanted = estimate.credits.times(hundredths: 110)
        let fits = budgets.allSatisfy { BudgetGuard(position: $0).allows(changing: old, to: wanted) }
        return fits ? (wanted, false) : (old, true)
    }
}
