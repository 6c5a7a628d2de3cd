import DailiesCore

@testable import DailiesStore
@testable import ProviderSimulator

/// What the user does between runs.
extension World {
    /// Settles uncertain tasks by the truth, like a user who looks them up in the provider's console: adopts the task that
    /// is there, and gives up one that is not there. The next run carries the commands out. Only where the program cannot
    /// settle them: keys are not known to be honored, or this one may be forgotten, or its age is unknown, or another API
    /// key sent it.
    func settleByHand() throws {
        guard let inspector else { return }
        let uncertain = try inspector.attempts().filter { attempt in
            guard attempt.isOpen, attempt.isUncertain else { return false }
            let age = clientNow - attempt.sentAt
            let memory = scenario.settings.keyMemory ?? SchedulerSettings.usualKeyMemory
            return try attempt.isTransferred || age < .zero || age >= memory || !inspector.keyIsHonored(of: attempt)
                || inspector.isConflict(attempt.id)
        }
        guard !uncertain.isEmpty else { return }
        for attempt in uncertain {
            let task = machine.tasks.first { $0.outTaskID == attempt.key.text }
            let action: UserCommand.Action =
                task.map { .adopt(RemoteTaskID($0.id)) } ?? .assumeLost(afterLookup: userChoices.happens(0.5))
            note("tell \(action) of \(attempt.id)")
            try beside { store in _ = try store.enqueue([NewCommand(action, of: attempt.id)], at: clientNow) }
            coverage.settledByHand += 1
        }
        try check()
    }
}
