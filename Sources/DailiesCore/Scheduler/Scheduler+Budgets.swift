/// Tasks that a budget does not allow now or in this run.
extension Scheduler {
    /// Whether tasks in flight may still release reservations.
    private var mayFreeCredits: Bool { tally.active > tally.idleUnresolved }

    /// Reconsiders tasks deferred for a tag's budget.
    mutating func resumeDeferred() {
        if budgets.resumesTags(mayFreeCredits: mayFreeCredits) { queues.resumeDeferred() }
    }

    /// Checks a task against the budgets. One that may not begin is deferred or left in the store.
    ///
    /// - Returns: its reservation if it may begin; otherwise the result.
    mutating func admit(_ task: WaitingTask) -> (isAllowed: Bool, reserving: Credits?, otherwise: StartResult) {
        let (admission, warning) = budgets.admit(task, mayFreeCredits: mayFreeCredits)
        if let warning { emit(.warning(warning)) }
        switch admission {
        case .allowed(let bound): return (true, bound, .done)
        case .stopped(let detail):
            queues.remove(task)
            run.reachBudget(detail)
        case .tagWaits: return (false, nil, queues.postpone(task) ? .done : .queueWaits)
        case .batchWaits: return (false, nil, .batchWaits)
        case .reached(let scope, let detail):
            passOver(task, under: scope) { $0.batch == task.batch }
            guard let detail else { break }
            run.addReason(detail)
            emit(.paused(.budget(task.batch), detail: detail, until: nil))
        case .priceUnknown(let scope):
            passOver(task, under: scope) { $0.model == task.shape.model && $0.batch == task.batch }
            run.addReason(
                "no price is known for \(task.shape.model), so the budget cannot cover it; set a limit with "
                    + "--max-credits-per-task")
        }
        return (false, nil, .done)
    }

    /// Leaves a task that a budget does not allow in the store. A batch's budget blocks the batch's queues; a tag's
    /// budget blocks only tasks with that tag.
    private mutating func passOver(
        _ task: WaitingTask, under scope: Budgets.Scope?, blocking matches: (TaskQueueID) -> Bool
    ) {
        run.reachBudget()
        if case .tag = scope { queues.remove(task) } else { queues.block(where: matches) }
    }
}
