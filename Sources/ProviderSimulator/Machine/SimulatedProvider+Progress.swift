import DailiesCore

// State changes of tasks over time.
extension SimulatedProvider {
    /// Processes everything due by the given time, without a request: for a final bill.
    package mutating func advance(to time: Instant) {
        while let event = events.min, event.at <= time {
            events.removeMin()
            step(event)
        }
        now = max(now, time)
    }

    private mutating func step(_ event: TimedEvent) {
        let task = tasks[event.ordinal]
        switch task.phase {
        case .queued:
            if hasFreeSlot(task.model) {
                start(task.ordinal, at: event.at)
            } else {
                waiting[task.model, default: []].append(task.ordinal)
            }
        case .running: finish(task, at: event.at)
        // Cancelled before its time came.
        case .completed, .failed, .cancelled: break
        }
    }

    private func hasFreeSlot(_ model: String) -> Bool {
        guard let slots = controls.modelSlots else { return true }
        return runningByModel[model, default: 0] < slots
    }

    private mutating func start(_ ordinal: Int, at time: Instant) {
        tasks[ordinal].phase = .running(since: time)
        running += 1
        runningByModel[tasks[ordinal].model, default: 0] += 1
        events.insert(.init(at: time + tasks[ordinal].runsFor, ordinal: ordinal))
    }

    private mutating func finish(_ task: SimulatedTask, at time: Instant) {
        switch task.outcome {
        case .completes:
            tasks[task.ordinal].phase = .completed(at: time)
            charge(task, task.bill, at: time)
        case .fails: tasks[task.ordinal].phase = .failed(at: time)
        }
        leave(task, wasRunning: true, at: time)
    }

    /// Records a charge; a limited balance may become negative.
    private mutating func charge(_ task: SimulatedTask, _ amount: BilledAmount, at time: Instant) {
        bill.add(
            Bill.Charge(
                taskID: task.id, outTaskID: task.outTaskID, model: task.model, text: amount.text,
                credits: amount.credits, at: time))
        controls.balance = controls.balance.map { $0 - CreditTotal(amount.credits) }
    }

    /// Removes a task that has just ended from all counts, and starts the next one.
    private mutating func leave(_ task: SimulatedTask, wasRunning: Bool, at time: Instant) {
        inFlight -= 1
        held -= CreditTotal(task.estimate.credits)
        guard wasRunning else { return }
        running -= 1
        runningByModel[task.model, default: 0] -= 1
        fillSlots(of: task.model, at: time)
    }

    mutating func fillSlots(of model: String, at time: Instant) {
        while hasFreeSlot(model), let next = waiting[model]?.popFirst() {
            if tasks[next].phase == .queued { start(next, at: time) }
        }
    }
}

// State changes by requests, which the journal repeats.
extension SimulatedProvider {
    /// Applies a change and records it for the journal.
    mutating func commit(_ change: JournalEntry) {
        apply(change)
        if recordsChanges { changes.append(line(for: change)) }
    }

    mutating func apply(_ change: JournalEntry) {
        switch change {
        case .accept(let task): accept(task)
        case .cancel(let ordinal, let charge, let isStated): cancel(ordinal, charge, isStated: isStated)
        case .control(let order): apply(order)
        }
    }

    private mutating func accept(_ task: SimulatedTask) {
        precondition(task.ordinal == tasks.count, "task \(task.ordinal) comes after \(tasks.count) others")
        tasks.append(task)
        ordinalByID[task.id] = task.ordinal
        if let key = task.outTaskID {
            ordinalByKey[OwnedKey(owner: task.owner, key: key)] = task.ordinal
            bill.rendersByKey[key, default: 0] += 1
        }
        bill.accepted += 1
        inFlight += 1
        bill.maximumInFlight = max(bill.maximumInFlight, inFlight)
        held += CreditTotal(task.estimate.credits)
        spend(task.estimate.credits)
        events.insert(.init(at: task.submittedAt + task.queuedFor, ordinal: task.ordinal))
        advance(to: now)
    }

    private mutating func cancel(_ ordinal: Int, _ amount: BilledAmount?, isStated: Bool) {
        let task = tasks[ordinal]
        precondition(!task.phase.isFinal, "task \(ordinal) was cancelled after its end")
        if let amount { charge(task, amount, at: now) }
        tasks[ordinal].statesCancelCharge = isStated
        tasks[ordinal].phase = .cancelled(at: now, charge: amount)
        leave(task, wasRunning: task.phase != .queued, at: now)
        advance(to: now)
    }
}
