/// What a provider's reply makes of an attempt: the rules of money that a run, `cancel` and `reconcile` share.
extension Settlement {
    /// The end that a reply states; nil while the task goes on, or where the word is unknown.
    ///
    /// A failed render is not billed, nor is one that was cancelled before it ran. Of any other, silence about money says
    /// nothing: the cost is asked for again (``isCostAwaited``) and stays unknown if it is not stated then.
    ///
    /// - Parameters:
    ///   - wasRunning: as far as it was known before the reply.
    ///   - isReplayed: a render that existed before it was submitted here.
    public init?(of report: RemoteReport, wasRunning: Bool, isReplayed: Bool = false) {
        let end: End
        switch report.phase {
        case .queued, .running, .unknown: return nil
        case .completed: end = .completed
        case .failed: end = .failed
        case .cancelled: end = .cancelled
        }
        let isFree = end == .failed || (end == .cancelled && !wasRunning)
        let charges = report.charges.isEmpty && isFree ? [.notBilled] : report.charges
        let isCompleted = end == .completed
        self.init(
            end: end, charges: charges, isCostAwaited: charges.isEmpty, isReplayed: isReplayed,
            completedAt: report.completedAt, asset: isCompleted ? report.asset : nil,
            deliveredSeconds: isCompleted ? report.deliveredSeconds : nil,
            failureCode: isCompleted ? nil : report.failureCode ?? (end == .failed ? "render_failed" : "cancelled"),
            failureMessage: isCompleted ? nil : report.failureMessage)
    }

    /// Questions for a cost that the reply to the end does not state: one for a partial charge, `completion` for a clip.
    func costQuestions(completion: Int) -> Int { end == .completed ? completion : 1 }
}

extension Acceptance {
    /// The provider has it. A word for its phase that nobody knows counts as running: cancelling may cost.
    public init(of report: RemoteReport, as remote: RemoteTaskID, reserved: Credits?, source: Source) {
        self.init(
            remoteID: remote, isRunning: report.phase != .queued, estimate: report.estimate, reserved: reserved,
            source: source)
    }
}

/// What is held against the budgets for a task.
public enum Reservation {
    /// On top of an estimate, since bills may lie above it.
    private static let marginHundredths: Int64 = 110

    /// The estimate with a tenth on top, as far as all budgets hold that; what was held before, where there is none.
    ///
    /// - Parameter allows: whether the budgets hold this amount instead of the old one.
    /// - Returns: `isOver` where the estimate does not fit; then the old reservation stays.
    public static func after(
        estimate: Amount?, holding old: Credits?, where allows: (Credits) -> Bool
    ) -> (reserved: Credits?, isOver: Bool) {
        guard let wanted = estimate?.credits.times(hundredths: marginHundredths) else { return (old, false) }
        return allows(wanted) ? (wanted, false) : (old, true)
    }
}
