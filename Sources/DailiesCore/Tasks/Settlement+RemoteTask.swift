/// Derives the end of an attempt from a report. A run, `cancel` and `reconcile` share these money rules.
extension Settlement {
    /// The end that a report states; nil while the task continues, if the state is unknown, and if a cancelled task
    /// must be queried again (``RemoteTask/isCancelledWithoutCost``).
    ///
    /// Failed renders, and those cancelled before they ran, are not billed. For others a missing cost is unknown: that
    /// of a clip is queried again (``isCostAwaited``), that of a cancelled task stays unknown.
    ///
    /// - Parameters:
    ///   - wasRunning: whether the task was known to be rendering before the report.
    ///   - isReplayed: whether the render existed before it was submitted here.
    ///   - isConfirmed: whether an earlier reply reported the cancellation, and this one answers the query that
    ///     followed.
    package init?(of report: RemoteTask, wasRunning: Bool, isReplayed: Bool = false, isConfirmed: Bool) {
        let end: End
        switch report.phase {
        case .queued, .running, .unknown: return nil
        case .completed: end = .completed
        case .failed: end = .failed
        case .cancelled:
            if report.isCancelledWithoutCost, !isConfirmed { return nil }
            end = .cancelled
        }
        let isFree = end == .failed || (end == .cancelled && !wasRunning)
        let charges = report.charges.isEmpty && isFree ? [.notBilled] : report.charges
        let isCompleted = end == .completed
        self.init(
            end: end, charges: charges, isCostAwaited: isCompleted && charges.isEmpty, isReplayed: isReplayed,
            completedAt: report.completedAt, asset: isCompleted ? report.asset : nil,
            deliveredSeconds: isCompleted ? report.deliveredSeconds : nil,
            failureCode: isCompleted ? nil : report.failureCode ?? (end == .failed ? "render_failed" : "cancelled"),
            failureMessage: isCompleted ? nil : report.failureMessage)
    }

    /// The mutations that record it.
    ///
    /// - Parameter reason: set if only a guard, not a user, wanted the attempt cancelled: its task then waits again.
    package func steps(for attempt: AttemptID, cancelledFor reason: CancelReason?) -> [Mutation.Kind] {
        [.settled(attempt, self)] + (end == .cancelled && reason != nil ? [.waitsAgain(attempt)] : [])
    }
}

extension Settlement {
    /// The failure code of a task with an unknown outcome that the user gave up: failed, at an unknown cost.
    package static let assumedLost = "assumed_lost"

    /// The settlement of a render that the user gave up as lost. It may have been billed, so its cost stays unknown.
    package static func assumedLost(reason: String) -> Settlement {
        Settlement(end: .failed, charges: [], failureCode: assumedLost, failureMessage: reason)
    }
}

extension Acceptance {
    /// Creates an acceptance. An unknown phase counts as running, since cancelling may cost.
    package init(of report: RemoteTask, as remote: RemoteTaskID, reserved: Credits?, source: Source) {
        self.init(
            remoteID: remote, isRunning: report.phase != .queued, estimate: report.estimate, reserved: reserved,
            source: source)
    }
}

/// Computes reservations.
package enum Reservation {
    /// The margin on an estimate, since bills may exceed it.
    private static let marginHundredths: Int64 = 110

    /// The reservation after an estimate: the estimate plus a tenth, since bills may exceed it, if that is more than
    /// the old reservation. Budgets are not checked: an accepted task may be billed anyway, so its credits must not be
    /// given to others.
    ///
    /// - Parameter isTrusted: whether the model's estimates have been reliable enough to lower a reservation
    ///   (``PriceBook/trustsEstimates(of:)``). An estimate of zero never lowers it.
    package static func after(estimate: Credits?, holding old: Credits?, isTrusted: Bool) -> Credits? {
        guard let wanted = estimate?.times(hundredths: marginHundredths) else { return old }
        guard let old else { return wanted }
        return isTrusted && wanted > .zero ? wanted : max(old, wanted)
    }
}
