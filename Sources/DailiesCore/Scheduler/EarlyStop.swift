/// Stops submission early: if the canary clips do not succeed, or the content policy rejects too many clips in a row.
struct EarlyStop: Sendable {
    private var canary: Canary?
    /// Consecutive rejections that end submission; nil: unlimited.
    private let maximumRejections: Int?
    private var rejectionsInARow = 0

    init(canary: CanarySettings?, maximumRejections: Int?) {
        self.canary = canary.map(Canary.init)
        self.maximumRejections = maximumRejections
    }

    /// The number of clips that must finish before others may begin; nil: any clip may begin.
    var awaitedClips: Int? { canary.flatMap { $0.mayBegin ? nil : $0.clips } }

    /// Whether a canary clip counts only once its cost is known.
    var awaitsCost: Bool { canary?.awaitsCost == true }

    mutating func began(_ id: AttemptID) { canary?.began(id) }

    /// The attempt never reached the provider, or waits again.
    mutating func didNotStart(_ id: AttemptID) { canary?.didNotStart(id) }

    /// Records the outcome of an attempt that may be a canary clip.
    ///
    /// - Returns: the decision and the number of canary clips, if this outcome is the last one needed; otherwise nil.
    mutating func ended(
        _ id: AttemptID, _ key: TaskKey, isCompleted: Bool, credits: Credits?
    ) -> (decision: Canary.Decision, clips: Int)? {
        guard canary?.verdict == nil else { return nil }
        canary?.ended(id, key, isCompleted: isCompleted, credits: credits)
        return canary.flatMap { canary in canary.verdict.map { ($0, canary.clips) } }
    }

    /// Counts consecutive policy rejections.
    ///
    /// - Returns: their number if it has just reached the maximum; otherwise nil.
    mutating func recordRejection(_ isRejection: Bool) -> Int? {
        guard let maximumRejections else { return nil }
        rejectionsInARow = isRejection ? rejectionsInARow + 1 : 0
        return isRejection && rejectionsInARow == maximumRejections ? rejectionsInARow : nil
    }
}
