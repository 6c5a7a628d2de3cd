/// What a provider's reply makes of an attempt: the rules of money that a run, `cancel` and `reconcile` share.
extension Settlement {
    /// The end that a reply states; nil while the task goes on, where the word is unknown, and where a cancelled task
    /// has to be asked for once more (``RemoteTask/isCancelledWithoutCost``).
    ///
    /// A failed render is not billed, nor is one that was cancelled before it ran. Of any other, silence about money says
    /// nothing: the cost of a clip is asked for again (``isCostAwaited``), that of a cancelled one stays unknown.
    ///
    /// - Parameters:
    ///   - wasRunning: as far as it was known before the reply.
    ///   - isReplayed: a render that existed before it was submitted here.
    ///   - isConfirmed: an earlier reply said that it is cancelled, and this one answers the question that followed.
    public init?(of report: RemoteTask, wasRunning: Bool, isReplayed: Bool = false, isConfirmed: Bool) {
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

    /// What makes it durable.
    ///
    /// - Parameter reason: a guard wanted the attempt cancelled, and no user did: then its task waits again.
    public func steps(for attempt: AttemptID, cancelledFor reason: CancelReason?) -> [Mutation.Kind] {
        [.settled(attempt, self)] + (end == .cancelled && reason != nil ? [.waitsAgain(attempt)] : [])
    }
}

extension Acceptance {
    /// The provider has it. A word for its phase that nobody knows counts as running: cancelling may cost.
    public init(of report: RemoteTask, as remote: RemoteTaskID, reserved: Credits?, source: Source) {
        self.init(
            remoteID: remote, isRunning: report.phase != .queued, estimate: report.estimate, reserved: reserved,
            source: source)
    }
}

/// What is held against the budgets for a task.
public enum Reservation {
    /// On top of an estimate, since bills may lie above it.
    private static let marginHundredths: Int64 = 110

    /// The estimate with a tenth on top, since bills may lie above it, where that is more than what was held before.
    /// Whether the budgets hold it is another question: what the provider has may be billed all the same, so that its
    /// room is not given to others.
    ///
    /// - Parameter isTrusted: the model's estimates have held for long enough to lower a reservation
    ///   (``PriceBook/trustsEstimates(of:)``). An estimate of zero never does.
    public static func after(estimate: Credits?, holding old: Credits?, isTrusted: Bool) -> Credits? {
        guard let wanted = estimate?.times(hundredths: marginHundredths) else { return old }
        guard let old else { return wanted }
        return isTrusted && wanted > .zero ? wanted : max(old, wanted)
    }
}
