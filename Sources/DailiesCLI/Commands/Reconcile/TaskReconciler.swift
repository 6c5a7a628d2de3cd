import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore

/// Queries the provider for the state of a task, and records the answer before using it.
///
/// Needs exclusive use of the store. Answers are recorded with the same mutations as in a run, so a crash between two
/// of them leaves the same state as a crash of a run.
struct TaskReconciler: Sendable {
    /// The recorded state of a task that the provider knows.
    struct Known: Sendable {
        let remote: RemoteTaskID
        let isRunning: Bool
        /// nil: it has not ended.
        let end: Settlement.End?
        let charged: Credits?
        /// Its estimate exceeds the budget.
        var isOverBudget = false
    }

    enum Answer: Sendable {
        case known(Known)
        case notFound(ProviderError)
        /// The provider's reply is about a different task; the text describes it.
        case mismatch(String)
        /// It cannot be looked up with these settings; the text names what is needed.
        case missingSetting(String)
        case stopped(ProviderError, AccessDenial)
        case fault(ProviderError)
    }

    let store: Store
    let provider: RetryingProvider
    let batches: [BatchID: StoredBatch]
    /// The user cancels the tasks, so they are not queued again as after a guard's cancel.
    private let isForUser: Bool
    private let timers = DispatchClock()

    init(_ store: Store, _ provider: RetryingProvider, cancelsForUser: Bool = false) throws {
        isForUser = cancelsForUser
        self.store = store
        self.provider = provider
        batches = Dictionary(uniqueKeysWithValues: try store.batches().map { ($0.id, $0) })
    }

    func record(_ steps: [Mutation.Kind]) async throws {
        let at = timers.now
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            store.write(steps.map { Mutation(at: at, $0) }) { result in
                continuation.resume(with: result.mapError { $0 })
            }
        }
    }

    // MARK: Looking up

    /// Looks up a sent task by its provider task id, or by its submission key if it has none.
    func lookUp(_ row: TaskRow) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        if let need = missingSetting(for: row, latest) { return .missingSetting(need) }
        if let remote = latest.remoteID {
            return try await answer(await ask(.remote(remote), latest), row, latest, known: remote)
        }
        try await markUncertain(row, latest)
        return try await answer(await ask(.key(latest.submissionKey), latest), row, latest, known: nil)
    }

    private func ask(_ subject: TaskQuery.Subject, _ latest: LatestAttempt) async -> QueryResult {
        await provider.ask(TaskQuery(subject, account: latest.account)).checked(for: latest.submissionKey)
    }

    /// Looks up the provider task that the user named for this task.
    func lookUp(_ row: TaskRow, as remote: RemoteTaskID) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        if let need = missingSetting(for: row, latest) { return .missingSetting(need) }
        try await markUncertain(row, latest)
        let answer = await ask(.remote(remote), latest)
        guard case .found(let report) = answer else {
            return try await self.answer(answer, row, latest, known: nil)
        }
        if let mismatch = mismatch(report, than: remote, latest.submissionKey) { return mismatch }
        return try await accept(row, latest, report, remote, .adopted)
    }

    /// The setting that is missing to look up this task; nil: none.
    private func missingSetting(for row: TaskRow, _ latest: LatestAttempt) -> String? {
        guard let batch = batches[row.batch] else { return "its batch is not in the store" }
        guard batch.provider == provider.name, batch.baseURL == provider.baseURL else {
            let options = ShellWord.line(["--provider", batch.provider, "--base-url", batch.baseURL])
            return
                "it belongs to \(SafeText.escaped(batch.provider)) at \(SafeText.escaped(batch.baseURL)); use \(options)"
        }
        guard provider.holds(latest.account) else {
            return
                "it needs the API key \(latest.account), which sent it: use that key with --api-key-file; if another "
                + "key of the same account replaced it, run `dailies reconcile --same-account` to transfer the task"
        }
        return nil
    }

    /// A submit that was in flight when the last run ended has an unknown outcome.
    private func markUncertain(_ row: TaskRow, _ latest: LatestAttempt) async throws {
        guard latest.remoteID == nil, latest.outcomeUnknownAt == nil else { return }
        let fault = ProviderError(kind: .broken, message: "the run ended while the submit was in flight")
        try await record([.uncertain(row.attemptID, fault)])
    }

    /// Non-nil if the reply is about a different task.
    private func mismatch(_ report: RemoteTask, than remote: RemoteTaskID?, _ key: SubmissionKey) -> Answer? {
        report.mismatch(with: remote, key).map { .mismatch("the provider answers with \(SafeText.escaped($0))") }
    }

    // MARK: Recording

    private func answer(
        _ answer: QueryResult, _ row: TaskRow, _ latest: LatestAttempt, known: RemoteTaskID?
    ) async throws -> Answer {
        switch answer {
        case .notFound(let fault): return .notFound(fault)
        case .stopped(let fault, let stop): return .stopped(fault, stop)
        case .fault(let fault): return .fault(fault)
        case .found(let report):
            if let mismatch = mismatch(report, than: known, latest.submissionKey) { return mismatch }
            if let known { return .known(try await follow(row, latest, report, known)) }
            guard let remote = report.remoteID else {
                return .fault(ProviderError(kind: .unreadable, message: "the reply has no task id"))
            }
            return try await accept(row, latest, report, remote, .query)
        }
    }

    /// Accepts an uncertain attempt that was found, unless the task id belongs to another attempt.
    private func accept(
        _ row: TaskRow, _ latest: LatestAttempt, _ report: RemoteTask, _ remote: RemoteTaskID,
        _ source: Acceptance.Source
    ) async throws -> Answer {
        // Only a run knows whether estimates can be trusted.
        let reserved = Reservation.after(
            estimate: report.estimate?.credits, holding: latest.reserved, isTrusted: false)
        let isHeld = try budgets(of: row).map(Budget.init(position:)).allSatisfy { budget in
            reserved.map { budget.allows(changing: latest.reserved, to: $0) } ?? true
        }
        let acceptance = Acceptance(of: report, as: remote, reserved: reserved, source: source)
        var steps: [Mutation.Kind] = [.accepted(row.attemptID, acceptance)]
        let isOverBudget = !isHeld && !acceptance.isRunning && !isForUser
        if isOverBudget { steps.append(.cancelWanted(row.attemptID, .budget)) }
        if source == .query, let batch = batches[row.batch] {
            steps.append(
                .keyTrust(
                    KeySupportRecord(
                        baseURL: batch.baseURL, account: latest.account, dialect: latest.dialect, trust: .honoured,
                        evidence: "query_found")))
        }
        // Only this reply is known: a task that has ended may have been running.
        do {
            try await record(steps)
        } catch let error as StoreError {
            guard case .taskIDTaken(let owner) = error.kind else { throw error }
            return .mismatch("the task \(SafeText.escaped(remote.text)) belongs to \(SafeText.escaped("\(owner)"))")
        }
        var known = try await recordState(
            report, remote, of: row.attemptID, latest, wasRunning: acceptance.isRunning,
            cancelledFor: isOverBudget ? .budget : nil)
        known.isOverBudget = isOverBudget
        return .known(known)
    }

    /// The budgets of its batch and of its tags.
    private func budgets(of row: TaskRow) throws -> [BudgetUsage] {
        let ofTags = try store.tagBudgets(row.batch).filter { row.tags.contains($0.tag) }
        return [try store.budgetPosition(row.batch)] + ofTags.map(\.position)
    }

    /// Records a reply about a task with a known task id.
    private func follow(
        _ row: TaskRow, _ latest: LatestAttempt, _ report: RemoteTask, _ remote: RemoteTaskID
    ) async throws -> Known {
        if latest.lostAt != nil { try await record([.found(row.attemptID)]) }
        return try await recordState(
            report, remote, of: row.attemptID, latest, wasRunning: row.state == .running,
            cancelledFor: isForUser ? nil : latest.cancelReason)
    }

    /// Records a reply by the same rules as a run.
    ///
    /// - Parameter reason: the guard that requested the cancel; nil if there is none or the user requested it.
    private func recordState(
        _ report: RemoteTask, _ remote: RemoteTaskID, of attempt: AttemptID, _ latest: LatestAttempt,
        wasRunning: Bool, cancelledFor reason: CancelReason?
    ) async throws -> Known {
        let isSilent = report.isCancelledWithoutCost
        let report = isSilent ? await confirmation(remote, latest) : report
        guard let report else { return Known(remote: remote, isRunning: wasRunning, end: nil, charged: nil) }
        if let settlement = Settlement(of: report, wasRunning: wasRunning, isConfirmed: isSilent) {
            try await record(settlement.steps(for: attempt, cancelledFor: reason))
            return Known(
                remote: remote, isRunning: wasRunning, end: settlement.end,
                charged: settlement.charges.first?.credits)
        }
        // A running task never becomes queued again.
        let isRunning = wasRunning || report.phase != .queued
        if isRunning, !wasRunning { try await record([.running(attempt)]) }
        return Known(remote: remote, isRunning: isRunning, end: nil, charged: nil)
    }

    /// Queries again if a task is reported as cancelled without its cost.
    ///
    /// - Returns: nil without an answer; the task stays open until the next query.
    private func confirmation(_ remote: RemoteTaskID, _ latest: LatestAttempt) async -> RemoteTask? {
        guard case .found(let again) = await ask(.remote(remote), latest),
            again.mismatch(with: remote, latest.submissionKey) == nil
        else { return nil }
        return again
    }

    // MARK: Unknown costs

    enum CostAnswer: Sendable {
        /// The cost was reported and recorded.
        case stated(Credits)
        case notStated
        /// The query failed, with the reason.
        case noAnswer(String, isOutage: Bool)
    }

    /// Queries the cost of an ended attempt that has none in the store, and records it if reported.
    func queryCost(of unpriced: AttemptWithoutCost) async throws -> CostAnswer {
        guard let batch = batches[unpriced.batch], batch.provider == provider.name, batch.baseURL == provider.baseURL,
            provider.holds(unpriced.account)
        else { return .noAnswer("not reachable with these settings", isOutage: false) }
        let question = TaskQuery(.remote(unpriced.remote), account: unpriced.account)
        switch await provider.ask(question).checked(for: unpriced.submissionKey) {
        case .found(let report):
            if let mismatch = report.mismatch(with: unpriced.remote, unpriced.submissionKey) {
                return .noAnswer("the provider answers with \(SafeText.escaped(mismatch))", isOutage: false)
            }
            guard let charge = report.charges.first else { return .notStated }
            try await record([.costLearned(unpriced.attempt, report.charges)])
            return .stated(charge.credits)
        case .notFound(let fault): return .noAnswer("not found (\(fault.shown))", isOutage: false)
        case .stopped(let fault, _): return .noAnswer("refused (\(fault.shown))", isOutage: true)
        case .fault(let fault): return .noAnswer("no answer (\(fault.shown))", isOutage: fault.showsOutage)
        }
    }

    // MARK: Cancelling

    /// Requests cancellation of a task, and records the returned state.
    ///
    /// - Parameter known: a task that is over budget, or that the user cancels.
    func cancel(_ row: TaskRow, _ known: Known) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        switch await provider.cancel(known.remote, account: latest.account).checked(for: latest.submissionKey) {
        case .notFound(let fault): return .notFound(fault)
        case .stopped(let fault, let stop): return .stopped(fault, stop)
        case .fault(let fault): return .fault(fault)
        case .found(let report):
            if let mismatch = mismatch(report, than: known.remote, latest.submissionKey) { return mismatch }
            return .known(
                try await recordState(
                    report, known.remote, of: row.attemptID, latest, wasRunning: known.isRunning,
                    cancelledFor: isForUser ? nil : .budget))
        }
    }
}

extension TaskRow {
    /// The latest attempt, or the next one if none has been sent.
    var attemptID: AttemptID { AttemptID(task: id, number: attempt) }

    /// Sent and not ended: at the provider, or uncertain.
    var isOpen: Bool { latest != nil && (state == .queued || state == .running) }
}
