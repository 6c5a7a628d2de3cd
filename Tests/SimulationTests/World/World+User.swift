import DailiesCore

@testable import DailiesStore
@testable import ProviderSimulator

/// What the user does between runs.
extension World {
    /// Settles uncertain tasks by the truth, as somebody would who looks them up in the provider's console: adopts what
    /// is there, writes off what is not. Only where the program cannot settle them: keys are not known to be honoured, or
    /// this one may be forgotten, or nobody knows how old it is, or another API key sent it.
    func settleByHand() throws {
        guard let inspector else { return }
        let uncertain = try inspector.attempts().filter { attempt in
            guard attempt.isOpen, attempt.isUncertain else { return false }
            let age = clientNow - attempt.sentAt
            let memory = scenario.settings.keyMemory ?? SchedulerSettings.usualKeyMemory
            return try attempt.isHandedOver || age < .zero || age >= memory || !inspector.keyIsHonoured(of: attempt)
                || inspector.isConflict(attempt.id)
        }
        guard !uncertain.isEmpty else { return }
        let store = try Store.open(disk.store, for: .running)
        for attempt in uncertain {
            let at = clientNow
            if let task = machine.tasks.first(where: { $0.outTaskID == attempt.key.text }) {
                note("adopt \(attempt.id)")
                let acceptance = Acceptance(
                    remoteID: RemoteTaskID(task.id), isRunning: false, estimate: nil, reserved: attempt.reserved,
                    source: .adopted)
                try store.writeAndWait([Mutation(at: at, .accepted(attempt.id, acceptance))])
            } else {
                note("write off \(attempt.id)")
                let settlement = Settlement.assumedLost(because: "the console does not show it")
                try store.writeAndWait([Mutation(at: at, .settled(attempt.id, settlement))])
            }
            coverage.settledByHand += 1
        }
        try store.close()
        try check()
    }
}
