/// Changes by the user during a run.
extension Scheduler {
    mutating func change(_ limits: SubmissionLimits) {
        precondition(limits.isUsable, "limits that let nothing run: \(limits)")
        self.limits = limits
        limiter.setCeiling(limits.concurrency)
        pacer.pace = limits.pace
    }

    mutating func pause(_ scope: PauseScope) {
        guard pauses.pause(scope) else { return }
        effects.append(.tell(.paused(.user(scope), detail: "requested by the user", until: nil)))
    }

    mutating func unpause(_ scope: PauseScope) {
        guard pauses.unpause(scope) else { return }
        effects.append(.tell(.resumed))
    }
}
