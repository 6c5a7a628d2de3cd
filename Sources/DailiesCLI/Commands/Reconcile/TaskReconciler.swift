import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore

/// Asks the provider where a task stands, and makes what it says durable before anything is built on it.
///
/// Works on a store that nobody else runs on. Every answer is booked by the same steps as in a run, so that a crash
/// between two of them leaves what a crash of a run would leave.
struct TaskReconciler: Sendable {
    /// What is known of a task that the provider has, after it was booked.
    struct Known: Sendable {
        let remote: RemoteTaskID
        let isRunning: Bool
        /// nil: it goes on.
        let end: Settlement.End?
        let charged: Credits?
        /// Its estimate does not fit under the budget.
        var isOverBudget = false
    }

    enum Answer: Sendable {
        case known(Known)
        case notFound(ProviderError)
        /// The provider names a task that cannot be this one.
        case another(String)
        /// It cannot be asked for with these settings: what is needed instead.
        case outOfReach(String)
        case stopped(ProviderError, AccessDenial)
        case fault(ProviderError)
    }

    let store: Store
    let provider: RetryingProvider
    let batches: [BatchID: StoredBatch]
    /// A user wants the tasks cancelled: they do not wait again for a guard.
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

    /// Asks for a task that was sent: by its submission key while it has no name at the provider, else by that name.
    func lookUp(_ row: TaskRow) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        if let need = need(of: row, latest) { return .outOfReach(need) }
        if let remote = latest.remoteID {
            return try await answer(await ask(.remote(remote), latest), row, latest, known: remote)
        }
        try await markUncertain(row, latest)
        return try await answer(await ask(.key(latest.submissionKey), latest), row, latest, known: nil)
    }

    private func ask(_ subject: TaskQuery.Subject, _ latest: LatestAttempt) async -> QueryResult {
        await provider.ask(TaskQuery(subject, account: latest.account)).checked(for: latest.submissionKey)
    }

    /// Asks for the task that the user says is this one.
    func lookUp(_ row: TaskRow, as remote: RemoteTaskID) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        if let need = need(of: row, latest) { return .outOfReach(need) }
        try await markUncertain(row, latest)
        let answer = await ask(.remote(remote), latest)
        guard case .found(let report) = answer else {
            return try await self.answer(answer, row, latest, known: nil)
        }
        if let another = another(report, than: remote, latest.submissionKey) { return another }
        return try await accept(row, latest, report, remote, .adopted)
    }

    /// What has to be given before this task can be asked for; nil: nothing.
    private func need(of row: TaskRow, _ latest: LatestAttempt) -> String? {
        guard let batch = batches[row.batch] else { return "its batch is not in the store" }
        guard batch.provider == provider.name, batch.baseURL == provider.baseURL else {
            let options = ShellWord.line(["--provider", batch.provider, "--base-url", batch.baseURL])
            return
                "it belongs to \(SafeText.escaped(batch.provider)) at \(SafeText.escaped(batch.baseURL)); use \(options)"
        }
        guard provider.holds(latest.account) else {
            return "it needs the API key \(latest.account), which sent it: use that key with --api-key-file; if another "
                + "key of the same account replaced it, run `dailies reconcile --same-account` to transfer the task"
        }
        return nil
    }

    /// In the air when the last run ended, and nobody runs now: its fate is unknown.
    private func markUncertain(_ row: TaskRow, _ latest: LatestAttempt) async throws {
        guard latest.remoteID == nil, latest.outcomeUnknownAt == nil else { return }
        let fault = ProviderError(kind: .broken, message: "the run ended while the submit was in flight")
        try await record([.uncertain(row.attemptID, fault)])
    }

    /// A reply that cannot be about this task.
    private func another(_ report: RemoteTask, than remote: RemoteTaskID?, _ key: SubmissionKey) -> Answer? {
        report.mismatch(with: remote, key).map { .another("the provider answers with \(SafeText.escaped($0))") }
    }

    // MARK: Booking

    private func answer(
        _ answer: QueryResult, _ row: TaskRow, _ latest: LatestAttempt, known: RemoteTaskID?
    ) async throws -> Answer {
        switch answer {
        case .notFound(let fault): return .notFound(fault)
        case .stopped(let fault, let stop): return .stopped(fault, stop)
        case .fault(let fault): return .fault(fault)
        case .found(let report):
            if let another = another(report, than: known, latest.submissionKey) { return another }
            if let known { return .known(try await follow(row, latest, report, known)) }
            guard let remote = report.remoteID else {
                return .fault(ProviderError(kind: .unreadable, message: "the reply has no task id"))
            }
            return try await accept(row, latest, report, remote, .query)
        }
    }

    /// An uncertain attempt that was found, by its key or by the user's word, unless what was found is another attempt's.
    private func accept(
        _ row: TaskRow, _ latest: LatestAttempt, _ report: RemoteTask, _ remote: RemoteTaskID,
        _ source: Acceptance.Source
    ) async throws -> Answer {
        // Only a run knows whether estimates may be trusted.
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
        // What is known of it is this reply alone: one that is over may have run.
        do {
            try await record(steps)
        } catch let error as StoreError {
            guard case .taskIDTaken(let owner) = error.kind else { throw error }
            return .another("the task \(SafeText.escaped(remote.text)) belongs to \(SafeText.escaped("\(owner)"))")
        }
        var known = try await book(
            report, remote, of: row.attemptID, latest, wasRunning: acceptance.isRunning,
            cancelledFor: isOverBudget ? .budget : nil)
        known.isOverBudget = isOverBudget
        return .known(known)
    }

    /// The budget of its batch, and those of its tags.
    private func budgets(of row: TaskRow) throws -> [BudgetUsage] {
        let ofTags = try store.tagBudgets(row.batch).filter { row.tags.contains($0.tag) }
        return [try store.budgetPosition(row.batch)] + ofTags.map(\.position)
    }

    /// News of a task that the provider was known to have.
    private func follow(
        _ row: TaskRow, _ latest: LatestAttempt, _ report: RemoteTask, _ remote: RemoteTaskID
    ) async throws -> Known {
        if latest.lostAt != nil { try await record([.found(row.attemptID)]) }
        return try await book(
            report, remote, of: row.attemptID, latest, wasRunning: row.state == .running,
            cancelledFor: isForUser ? nil : latest.cancelReason)
    }

    /// Books what a reply says, by the same rules as a run.
    ///
    /// - Parameter reason: a guard wants it cancelled, and no user does.
    private func book(
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
        // From running it does not go back to queued.
        let isRunning = wasRunning || report.phase != .queued
        if isRunning, !wasRunning { try await record([.running(attempt)]) }
        return Known(remote: remote, isRunning: isRunning, end: nil, charged: nil)
    }

    /// Asks once more for one that is said to be cancelled and whose cost was not stated.
    ///
    /// - Returns: nil without an answer: it stays open, and whoever asks next is told again.
    private func confirmation(_ remote: RemoteTaskID, _ latest: LatestAttempt) async -> RemoteTask? {
        guard case .found(let again) = await ask(.remote(remote), latest),
            again.mismatch(with: remote, latest.submissionKey) == nil
        else { return nil }
        return again
    }

    // MARK: Costs that nobody stated

    enum CostAnswer: Sendable {
        /// Booked.
        case stated(Credits)
        case notStated
        /// Nothing was learned, and why.
        case noAnswer(String, isOutage: Bool)
    }

    /// Asks for the cost of one that is over and that the store lists without it, and books what is stated.
    func askForCost(of unpriced: AttemptWithoutCost) async throws -> CostAnswer {
        guard let batch = batches[unpriced.batch], batch.provider == provider.name, batch.baseURL == provider.baseURL,
            provider.holds(unpriced.account)
        else { return .noAnswer("not reachable with these settings", isOutage: false) }
        let question = TaskQuery(.remote(unpriced.remote), account: unpriced.account)
        switch await provider.ask(question).checked(for: unpriced.submissionKey) {
        case .found(let report):
            if let another = report.mismatch(with: unpriced.remote, unpriced.submissionKey) {
                return .noAnswer("the provider answers with \(SafeText.escaped(another))", isOutage: false)
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

    /// Asks for a task to be cancelled, and books the state that comes back.
    ///
    /// - Parameter known: over budget, unless a user wants it cancelled.
    func cancel(_ row: TaskRow, _ known: Known) async throws -> Answer {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) was never sent") }
        switch await provider.cancel(known.remote, account: latest.account).checked(for: latest.submissionKey) {
        case .notFound(let fault): return .notFound(fault)
        case .stopped(let fault, let stop): return .stopped(fault, stop)
        case .fault(let fault): return .fault(fault)
        case .found(let report):
            if let another = another(report, than: known.remote, latest.submissionKey) { return another }
            return .known(
                try await book(
                    report, known.remote, of: row.attemptID, latest, wasRunning: known.isRunning,
                    cancelledFor: isForUser ? nil : .budget))
        }
    }
}

extension TaskRow {
    /// The attempt that is its latest, or will be its next.
    var attemptID: AttemptID { AttemptID(task: id, number: attempt) }

    /// In the provider's hands, or maybe so.
    var isOpen: Bool { latest != nil && (state == .queued || state == .running) }
}
