import Testing

@testable import DailiesCore

/// Short constructors for replies and faults.
extension RemoteTask {
    static func queued(_ remote: String = "r1", echo: String? = nil, estimate: Int64? = nil) -> RemoteTask {
        RemoteTask(
            phase: .queued, remoteID: RemoteTaskID(remote), submissionKey: echo.map { SubmissionKey($0) },
            estimate: estimate.map { Amount.of($0, from: "estimated_credits") })
    }
    static func running(_ remote: String = "r1") -> RemoteTask {
        RemoteTask(phase: .running, remoteID: RemoteTaskID(remote))
    }
    static func completed(_ remote: String = "r1", cost: Int64? = 1, url: String? = "http://a/1") -> RemoteTask {
        RemoteTask(
            phase: .completed, remoteID: RemoteTaskID(remote),
            charges: cost.map { [Amount.of($0, from: "credits_used")] } ?? [],
            asset: url.map { AssetLocation(url: $0) })
    }
    static func failed(_ remote: String = "r1", code: String = "internal", cost: Int64? = nil) -> RemoteTask {
        RemoteTask(
            phase: .failed, remoteID: RemoteTaskID(remote),
            charges: cost.map { [Amount.of($0, from: "credits_used")] } ?? [], failureCode: code)
    }
    static func cancelled(_ remote: String = "r1") -> RemoteTask {
        RemoteTask(phase: .cancelled, remoteID: RemoteTaskID(remote))
    }
}

extension RemoteTask {
    /// The report of a render that the provider accepted this many seconds before its reply.
    func made(_ seconds: Int, before reply: Instant) -> RemoteTask {
        var report = self
        report.submittedAt = reply - .seconds(seconds)
        report.repliedAt = reply
        return report
    }
}

extension Amount {
    /// Creates an amount of whole credits.
    static func of(_ whole: Int64, from source: String) -> Amount {
        Amount(credits: Credits(nano: whole * 1_000_000_000), text: "\(whole)", source: source, isRounded: false)
    }
}

extension ProviderError {
    static let refusedConnection = ProviderError(kind: .unreachable, message: "connection refused")
    static let timeout = ProviderError(kind: .timedOut, message: "no answer in time")
    static let notFound = ProviderError(kind: .status, status: 404, code: "task_not_found", message: "no such task")
    static func status(_ status: Int, _ code: String? = nil, retryAfter: Duration? = nil) -> ProviderError {
        ProviderError(kind: .status, status: status, code: code, message: "status \(status)", retryAfter: retryAfter)
    }
}

extension SubmitResult {
    static let timedOut = SubmitResult.unknown(.timeout, isFreeByContract: false)
    static let freeServerError = SubmitResult.unknown(.status(503, "api_error"), isFreeByContract: true)
    static let noFunds = SubmitResult.stopped(.status(402, "insufficient_balance"), .noFunds)
}

extension SchedulerHarness {
    /// A run over this many tasks, with the first pages read.
    static func with(
        _ count: Int64, settings: SchedulerSettings = SchedulerSettings(), trust: KeySupport = .honored,
        cap: Int64? = nil, accounts: APIKeyRouting = APIKeyRouting(byPrefix: ["": account])
    ) -> SchedulerHarness {
        var store = StoreModel()
        for id in 1...max(count, 1) where count > 0 { store.add(task(id)) }
        store.trust[account] = trust
        store.cap = cap.map { Credits(nano: $0 * 1_000_000_000) }
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start(accounts: accounts)
        return rig
    }

    /// A run whose first task was just reported as completed.
    static func completed(
        _ report: RemoteTask, settings: SchedulerSettings = SchedulerSettings(), tasks: Int64 = 1, cap: Int64? = nil
    ) -> SchedulerHarness {
        let rig = with(tasks, settings: settings, cap: cap)
        rig.land(.accepted(.queued("r1")), 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(report), 1, .poll)
        return rig
    }

    static func settings(_ change: (inout SchedulerSettings) -> Void) -> SchedulerSettings {
        var settings = SchedulerSettings()
        change(&settings)
        return settings
    }

    /// An attempt left open by an earlier run.
    static func leftBehind(
        _ stage: StoreModel.Stage, id: Int64 = 1, submittedAt: Instant = Instant(milliseconds: 1_000_000),
        account: KeyFingerprint = account, dialect: Dialect = .flat, reserved: Int64? = 2,
        change: (inout StoreModel.Attempt) -> Void = { _ in }
    ) -> StoreModel {
        var store = StoreModel()
        store.addLeftBehind(
            stage, id: id, submittedAt: submittedAt, account: account, dialect: dialect, reserved: reserved,
            change: change)
        return store
    }

    func stage(_ id: Int64, attempt: Int = 1) -> StoreModel.Stage? {
        store.attempts[AttemptID(task: TaskID(id), number: attempt)]?.stage
    }

    func attempt(_ id: Int64, number: Int = 1) -> StoreModel.Attempt? {
        store.attempts[AttemptID(task: TaskID(id), number: number)]
    }

    /// Seconds since the start of the harness's clock at which a task was queried.
    func askedAfter(_ purpose: QueryPurpose, since start: Instant) -> [Double] {
        asked.filter { $0.purpose == purpose }.map { ($0.at - start).inSeconds }
    }

    func expectSound(_ location: SourceLocation = #_sourceLocation) {
        #expect(problems.isEmpty, "\(problems.prefix(3).joined(separator: "\n"))", sourceLocation: location)
    }
}

extension StoreModel {
    mutating func addLeftBehind(
        _ stage: StoreModel.Stage, id: Int64, submittedAt: Instant = Instant(milliseconds: 1_000_000),
        account: KeyFingerprint = SchedulerHarness.account, dialect: Dialect = .flat, reserved: Int64? = 2,
        change: (inout StoreModel.Attempt) -> Void = { _ in }
    ) {
        let task = SchedulerHarness.task(id)
        let attempt = AttemptID(task: task.id, number: 1)
        entries[task.id] = Entry(task: task, isWaiting: false)
        var left = Attempt(
            stage: stage, submission: SchedulerHarness.submission(attempt, account: account, dialect: dialect),
            submittedAt: submittedAt, sentAt: submittedAt, reserved: reserved.map { Credits(nano: $0 * 1_000_000_000) })
        change(&left)
        attempts[attempt] = left
    }
}
