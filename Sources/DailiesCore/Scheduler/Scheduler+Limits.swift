/// What the user changes while a run goes on.
extension Scheduler {
    mutating func change(_ limits: SubmissionLimits) {
        precondition(limits.isUsable, "limits that let nothing run: \(limits)")
        self.limits = limits
        limiter.setCeiling(limits.concurrency)
        pacer.pace = limits.pace
    }

    mutating func hold(_ scope: PauseScope) {
        guard held.insert(scope).inserted else { return }
        effects.append(.tell(.paused(.user(scope), detail: "as asked", until: nil)))
    }

    mutating func release(_ scope: PauseScope) {
        guard held.remove(scope) != nil else { return }
        effects.append(.tell(.resumed))
    }
}
