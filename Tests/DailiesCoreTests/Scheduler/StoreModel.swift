import DailiesCore

/// An in-memory store that refuses what the real one refuses: every step requires a starting state.
struct StoreModel {
    enum Stage: Hashable {
        case submitting
        case uncertain
        case accepted(RemoteTaskID, isRunning: Bool)
        case completed(RemoteTaskID)
        case failed
        case cancelled
        case notAccepted
    }

    struct Attempt {
        var stage: Stage
        let submission: Submission
        var submittedAt: Instant
        var sentAt: Instant
        var reserved: Credits?
        var estimate: Credits?
        var charge: Credits?
        var isCostAwaited = false
        var asset: AssetLocation?
        var path: String?
        var hasNoAsset = false
        var keptPath: String?
        var lostAt: Instant?
        var remoteID: RemoteTaskID?
        var isReplayed = false
        var isTransferred = false
        var repeats = 0
        var isConflict = false
        var cancelReason: CancelReason?
    }

    struct Entry {
        var task: WaitingTask
        var isWaiting: Bool
    }

    var entries: [TaskID: Entry] = [:]
    var attempts: [AttemptID: Attempt] = [:]
    /// Seeds that replace those of requests.
    var seeds: [TaskID: Int64] = [:]
    var cap: Credits?
    var mode = BudgetMode.cautious
    var trust: [KeyFingerprint: KeySupport] = [:]
    /// Outcomes of users' commands.
    private(set) var commands: [CommandID: CommandOutcome] = [:]
    private(set) var problems: [String] = []

    mutating func add(_ task: WaitingTask) { entries[task.id] = Entry(task: task, isWaiting: true) }

    /// The other attempt that owns the task of an acceptance; nil: none.
    func owner(refusing change: Mutation) -> TaskOwner? {
        guard case .accepted(let id, let acceptance) = change.step, let account = attempts[id]?.submission.account,
            let owner = attempts.first(where: {
                $0.key != id && $0.value.remoteID == acceptance.remoteID && $0.value.submission.account == account
            })?.key
        else { return nil }
        return TaskOwner(batch: "batch", key: entries[owner.task]?.task.key ?? TaskKey(""), attempt: owner)
    }

    mutating func apply(_ change: Mutation) {
        let before = problems.count
        step(change.step, at: change.at)
        if problems.count > before { problems[before] += " by \(change.step)" }
    }

    private mutating func step(_ step: Mutation.Kind, at: Instant) {
        switch step {
        case .intent(let intent): open(intent, at)
        case .repeated(let id):
            move(id) {
                $0.stage == .uncertain
            } to: {
                $0.repeats += 1
                $0.sentAt = at
            }
        case .notAccepted(let id, _):
            move(id) {
                $0.stage == .submitting || $0.stage == .uncertain
            } to: {
                $0.stage = .notAccepted
                $0.reserved = nil
            }
            entries[id.task]?.isWaiting = true
        case .uncertain(let id, let fault):
            move(id) {
                $0.stage == .submitting || $0.stage == .uncertain
            } to: {
                $0.stage = .uncertain
                $0.isConflict = $0.isConflict || fault.code == ProviderError.anotherSubmission
            }
        case .accepted(let id, let acceptance): accept(id, acceptance)
        case .running(let id):
            move(id) {
                if case .accepted(_, isRunning: false) = $0.stage { true } else { false }
            } to: {
                if case .accepted(let remote, _) = $0.stage { $0.stage = .accepted(remote, isRunning: true) }
            }
        case .settled(let id, let settlement): settle(id, settlement)
        case .costLearned(let id, let amounts):
            move(id) {
                $0.isSettled && $0.charge == nil && !amounts.isEmpty
            } to: {
                $0.charge = amounts.first?.credits
                $0.reserved = nil
                $0.isCostAwaited = false
            }
        case .costUnknown(let id):
            move(id) {
                $0.isCostAwaited
            } to: {
                $0.isCostAwaited = false
            }
        case .assetFound(let id, let asset):
            move(id) {
                $0.isUnsaved
            } to: {
                $0.asset = asset
                $0.hasNoAsset = false
            }
        case .noAsset(let id):
            move(id) {
                $0.isUnsaved
            } to: {
                $0.hasNoAsset = true
            }
        case .unverified(let id, let path):
            move(id) {
                $0.isUnsaved
            } to: {
                $0.keptPath = path
            }
        case .saved(let id, let clip):
            move(id) {
                $0.isUnsaved
            } to: {
                $0.path = clip.path
                $0.asset = nil
                $0.hasNoAsset = false
            }
        case .clipGone(let id):
            move(id) {
                $0.path != nil
            } to: {
                $0.path = nil
            }
        case .lost(let id, _):
            move(id) {
                $0.isWithProvider || $0.isUnsaved
            } to: {
                $0.lostAt = $0.lostAt ?? at
            }
        case .found(let id):
            move(id) {
                $0.lostAt != nil
            } to: {
                $0.lostAt = nil
            }
        case .unresolved(let id):
            move(id) {
                $0.isWithProvider
            } to: { _ in
            }
        case .withdrawn(let task, _): entries[task]?.isWaiting = false
        case .retried(let task): retry(task)
        case .withdrawnByCommand(let command, let id):
            let waits = entries[id.task].map { $0.isWaiting && $0.task.attempt == id.number } ?? false
            if waits { entries[id.task]?.isWaiting = false }
            end(command, waits ? .withdrawn : .alreadyOver)
        case .retriedByCommand(let command, let id, _, _):
            let stage = attempts[id]?.stage
            let isLatest = entries[id.task].map { !$0.isWaiting && $0.task.attempt == id.number } ?? false
            let mayFollow = isLatest && (stage == .failed || stage == .cancelled)
            if mayFollow { retry(id.task) }
            end(command, mayFollow ? .requeued : .refused)
        case .reseeded(let task, let seed, _):
            if entries[task]?.isWaiting == true {
                seeds[task] = seed
            } else {
                problems.append("task \(task) does not wait")
            }
        case .cancelWanted(let id, let reason):
            move(id) {
                if case .accepted(_, isRunning: false) = $0.stage { $0.cancelReason == nil } else { false }
            } to: {
                $0.cancelReason = reason
            }
        case .reservationRaised(let id, let reserved):
            move(id) {
                $0.isWithProvider && ($0.reserved ?? .zero) < reserved
            } to: {
                $0.reserved = reserved
            }
        case .waitsAgain(let id):
            if attempts[id]?.cancelReason == nil || attempts[id]?.stage != .cancelled
                || attempts[id]?.isCostAwaited == true
            {
                problems.append("attempt \(id) was not cancelled by a guard")
            }
            retry(id.task)
        case .commandEnded(let command, let outcome, _): end(command, outcome)
        case .keyTrust(let record): trust[record.account] = record.trust
        case .note: break
        }
    }

    private mutating func end(_ command: CommandID, _ outcome: CommandOutcome) {
        if let earlier = commands.updateValue(outcome, forKey: command) {
            problems.append("command \(command) ended as \(earlier) and again as \(outcome)")
        }
    }

    private mutating func move(_ id: AttemptID, _ fits: (Attempt) -> Bool, to change: (inout Attempt) -> Void) {
        guard var attempt = attempts[id], fits(attempt) else {
            let stage = attempts[id].map { "\($0.stage)" } ?? "nothing"
            problems.append("the store refuses attempt \(id), which is \(stage),")
            return
        }
        change(&attempt)
        attempts[id] = attempt
    }

    private mutating func open(_ intent: Intent, _ at: Instant) {
        let id = intent.submission.attempt
        guard let entry = entries[id.task], entry.isWaiting, entry.task.attempt == id.number,
            attempts[id].map({ $0.stage == .notAccepted }) ?? true
        else {
            problems.append("the store refuses the intent of \(id)")
            return
        }
        entries[id.task]?.isWaiting = false
        attempts[id] = Attempt(
            stage: .submitting, submission: intent.submission, submittedAt: at, sentAt: at, reserved: intent.reserved)
    }

    private mutating func accept(_ id: AttemptID, _ acceptance: Acceptance) {
        move(id) {
            $0.stage == .submitting || $0.stage == .uncertain
        } to: {
            $0.stage = .accepted(acceptance.remoteID, isRunning: acceptance.isRunning)
            $0.remoteID = acceptance.remoteID
            $0.reserved = acceptance.reserved
            $0.estimate = acceptance.estimate?.credits
            $0.isReplayed = acceptance.source == .replayed
        }
    }

    private mutating func settle(_ id: AttemptID, _ settlement: Settlement) {
        move(id) {
            $0.stage == .submitting || $0.stage == .uncertain || $0.isWithProvider
        } to: {
            switch settlement.end {
            case .completed:
                if case .accepted(let remote, _) = $0.stage { $0.stage = .completed(remote) }
            case .failed: $0.stage = .failed
            case .cancelled: $0.stage = .cancelled
            }
            $0.charge = settlement.charges.first?.credits
            $0.isCostAwaited = settlement.isCostAwaited && $0.charge == nil
            if $0.charge != nil { $0.reserved = nil }
            $0.asset = settlement.asset
            $0.lostAt = nil
        }
    }

    private mutating func retry(_ id: TaskID) {
        guard let entry = entries[id], !entry.isWaiting,
            let attempt = attempts[AttemptID(task: id, number: entry.task.attempt)],
            attempt.stage == .failed || attempt.stage == .cancelled
        else {
            problems.append("the store refuses another attempt of task \(id)")
            return
        }
        let old = entry.task
        let task = WaitingTask(
            id: old.id, batch: old.batch, key: old.key, attempt: old.attempt + 1, shape: old.shape,
            request: old.request, priority: old.priority, output: old.output, tagBudgets: old.tagBudgets)
        entries[id] = Entry(task: task, isWaiting: true)
    }

    // MARK: Reading

    func page(_ queue: TaskQueueID, after place: WaitingTask.Cursor?, limit: Int) -> [WaitingTask] {
        let waiting = entries.values.filter { entry in
            entry.isWaiting && entry.task.batch == queue.batch && entry.task.shape.model == queue.model
                && (place.map { $0 < entry.task.place } ?? true)
        }
        return Array(waiting.map(\.task).sorted { $0.place < $1.place }.prefix(limit))
    }

    var queues: [TaskQueueID] {
        let waiting = entries.values.filter(\.isWaiting)
        return Set(waiting.map { TaskQueueID(batch: $0.task.batch, model: $0.task.shape.model) }).sorted()
    }

    var open: [OpenAttempt] {
        attempts.sorted { $0.key < $1.key }.compactMap { id, attempt in
            guard let entry = entries[id.task], let progress = attempt.progress else { return nil }
            return OpenAttempt(
                attempt: id, batch: entry.task.batch, key: entry.task.key, submission: attempt.submission,
                shape: entry.task.shape, progress: progress, submittedAt: attempt.submittedAt, sentAt: attempt.sentAt,
                reserved: attempt.reserved, estimate: attempt.estimate, cancelReason: attempt.cancelReason,
                isReplayed: attempt.isReplayed,
                lostAt: attempt.lostAt, output: entry.task.output, tagBudgets: entry.task.tagBudgets,
                isConflict: attempt.isConflict, isTransferred: attempt.isTransferred)
        }
    }

    func openPage(after place: OpenAttempt.Cursor?, limit: Int) -> [OpenAttempt] {
        let order = { (place: OpenAttempt.Cursor) in (place.batch, place.attempt) }
        return Array(
            open.sorted { order($0.place) < order($1.place) }
                .filter { open in place.map { order($0) < order(open.place) } ?? true }.prefix(limit))
    }

    func position(_ batch: BatchID) -> BudgetUsage {
        var position = BudgetUsage(cap: cap, settled: .zero, reserved: .zero, mode: mode)
        for (id, attempt) in attempts where entries[id.task]?.task.batch == batch {
            position.settled += CreditTotal(attempt.charge ?? .zero)
            position.reserved += CreditTotal(attempt.reserved ?? .zero)
        }
        return position
    }

    var batches: Set<BatchID> { Set(entries.values.map(\.task.batch)) }
}

extension StoreModel.Attempt {
    var isWithProvider: Bool { if case .accepted = stage { true } else { false } }
    var isUnsaved: Bool { if case .completed = stage { path == nil } else { false } }
    var isSettled: Bool {
        switch stage {
        case .completed, .failed, .cancelled: true
        case .submitting, .uncertain, .accepted, .notAccepted: false
        }
    }

    /// The state that a new run must know; nil when nothing is left to do.
    var progress: OpenAttempt.Progress? {
        switch stage {
        case .submitting: .sent(isMarkedUncertain: false)
        case .uncertain: .sent(isMarkedUncertain: true)
        case .accepted(let remote, let isRunning): .accepted(remote, isRunning: isRunning)
        case .completed(let remote):
            path == nil
                ? .completed(remote, asset: asset, cost: cost, hasNoAsset: hasNoAsset)
                : cost == .known ? nil : .missingCost(remote, .completed, cost)
        case .failed, .cancelled:
            cost == .known ? nil : remoteID.map { .missingCost($0, stage == .failed ? .failed : .cancelled, cost) }
        case .notAccepted: nil
        }
    }

    var cost: OpenAttempt.Cost { charge != nil ? .known : isCostAwaited ? .awaited : .unknown }
}
