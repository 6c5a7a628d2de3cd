import DailiesCore
import DailiesStore

/// The result of reconciling one uncertain or lost task.
struct ResolutionFinding {
    enum Verdict {
        /// The provider has it; recorded.
        case found(FoundAttempt)
        case adopted(FoundAttempt)
        /// Found over budget, and cancelled while that is free.
        case overBudget(FoundAttempt)
        case assumedLost
        /// Not known to the provider. If it honors submission keys, a run may resubmit the same request.
        case notFound(areKeysHonored: Bool)
        /// Not known to the provider, which honors submission keys but may have forgotten this one.
        case forgotten
        /// The lookup gave no result, with the reason.
        case notAsked(String)
        /// The user's resolution was not carried out, with the reason.
        case refused(String, known: FoundAttempt?)
    }

    let row: TaskRow
    let evidence: ResolutionEvidence
    /// The lookup and its answer; nil if there was no lookup.
    let asked: String?
    let verdict: Verdict

    var wasLost: Bool { row.latest?.remoteID != nil }
}

/// The recorded history of a submit.
struct ResolutionEvidence {
    let sentAt: Instant
    let lastSentAt: Instant
    /// Resubmits of the same request after the first submit.
    let repeats: Int
    /// The reply or error that made the task uncertain or lost; unescaped text.
    let fault: String

    /// - Parameter events: the events of the task, oldest first.
    init(_ latest: LatestAttempt, attempt: Int, events: [EventRow]) {
        let intent = events.lastIndex { $0.kind == "intent" && $0.attempt == attempt }
        let since = events[(intent ?? events.startIndex)...].filter { $0.attempt == attempt }
        sentAt = latest.submittedAt
        lastSentAt = latest.sentAt
        repeats = since.filter { $0.kind == "repeated" }.count
        let cause = since.first { $0.kind == (latest.remoteID == nil ? "uncertain" : "lost") }
        if let cause {
            fault = [cause.code, cause.message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        } else {
            fault = "no reply was recorded: the run ended while the submit was in flight"
        }
    }
}

/// The state of an attempt that the provider knows, as recorded.
struct FoundAttempt {
    let remote: RemoteTaskID
    let isRunning: Bool
    /// nil: it has not ended.
    let end: Settlement.End?
    let charged: Credits?

    /// - Returns: nil if the provider does not have it.
    init?(_ row: AttemptRow) {
        guard let remote = row.remoteID else { return nil }
        self.remote = remote
        isRunning = row.state == .running
        end = Settlement.End(rawValue: row.state.rawValue)
        charged = row.credits
    }
}

/// Reconciles uncertain and lost tasks.
struct Reconciler {
    /// Maximum tasks looked up concurrently.
    static let pageSize = 16

    let session: CommandSession
    /// How long the provider remembers submission keys, by the local clock.
    let keyMemory: Duration
    /// Whether tasks are given up without a lookup.
    let isOffline: Bool
    private(set) var codes: Set<ExitCode> = []

    init(session: CommandSession, keyMemory: Duration, isOffline: Bool) {
        self.session = session
        self.keyMemory = keyMemory
        self.isOffline = isOffline
    }

    /// - Returns: the findings in the order of `rows`.
    mutating func reconcile(
        _ rows: [TaskRow], by resolutions: ManualResolution
    ) async throws -> [ResolutionFinding] {
        let evidence = try rows.map { row in
            guard let latest = row.latest else {
                preconditionFailure("task \(row.id) is uncertain but was never sent")
            }
            return ResolutionEvidence(latest, attempt: row.attempt, events: try session.store.events(of: row.id))
        }
        let requests = rows.map { row in
            CommandSession.Request(
                action(resolutions[row.id]), of: row.attemptID, in: row.batch, account: row.latest?.account)
        }
        let answers = try await session.answers(to: requests)
        return try rows.indices.map { index in
            let (row, action) = (rows[index], resolutions[rows[index].id])
            let (lookup, verdict) =
                switch answers[index] {
                case .missing(let need): (String?.none, Self.verdict(missing: need, action))
                case .queued: (String?.none, ResolutionFinding.Verdict.notAsked("queued for the active run"))
                case .ended(let outcome, let message): try verdict(on: row, action, outcome, message)
                }
            return ResolutionFinding(row: row, evidence: evidence[index], asked: lookup, verdict: verdict)
        }
    }

    private func action(_ resolution: ManualResolution.Action?) -> UserCommand.Action {
        switch resolution {
        case nil: .reconcile
        case .adopt(let remote): .adopt(remote)
        case .assumeLost: .assumeLost(afterLookup: !isOffline)
        }
    }

    private static func verdict(missing need: String, _ action: ManualResolution.Action?) -> ResolutionFinding.Verdict {
        guard action == .assumeLost else { return .notAsked(need) }
        return .refused("\(need); if it is gone for good, add --without-asking", known: nil)
    }

    private mutating func verdict(
        on row: TaskRow, _ action: ManualResolution.Action?, _ outcome: CommandOutcome, _ message: String?
    ) throws -> (String?, ResolutionFinding.Verdict) {
        let subject = Self.subject(row, action)
        let message = SafeText.escaped(message ?? "")
        let known = try session.store.attempts(of: row.id).first { $0.number == row.attempt }
            .flatMap(FoundAttempt.init)
        func found(_ verdict: (FoundAttempt) -> ResolutionFinding.Verdict) -> (String?, ResolutionFinding.Verdict) {
            guard let known else { return (nil, .notAsked("its state changed in the meantime")) }
            return ("\(subject): found, \(TaskDescription.result(of: known))", verdict(known))
        }
        switch outcome {
        case .alreadyOver where try isUnresolved(row): return (nil, .notAsked("it was not looked up"))
        case .alreadyOver where known.map({ action == .adopt($0.remote) }) == true: return found { .adopted($0) }
        case .found, .alreadyOver: return found { .found($0) }
        case .adopted: return found { .adopted($0) }
        case .overBudget: return found { .overBudget($0) }
        case .refused where known != nil: return found { .refused(message, known: $0) }
        case .refused where action.map({ $0 != .assumeLost }) == true:
            return ("\(subject): not found", .refused(message, known: nil))
        case .refused: return (nil, .refused(message, known: nil))
        case .notLookedUp: return (nil, action == nil ? .notAsked(message) : .refused(message, known: nil))
        case .notFound: return ("\(subject): not found (\(message))", try notFound(row))
        case .assumedLost:
            return (isOffline ? nil : try lookup(of: row) ?? "\(subject): not found", .assumedLost)
        case .otherTask:
            if case .adopt = action { return ("\(subject): \(message)", .refused(message, known: nil)) }
            return ("\(subject): \(message)", .notAsked("\(message), which is a different task"))
        case .uncertain: return ("\(subject): \(message)", .notAsked(message))
        case .keyRefused, .accountRefused:
            codes.insert(outcome == .keyRefused ? .keyRefused : .accountRefused)
            return (
                "\(subject): refused (\(message))", .notAsked("the provider refused the request: \(message)")
            )
        case .noAnswer:
            return (
                "\(subject): no answer (\(message))",
                .notAsked("the provider is not responding (\(message)); try again later")
            )
        case .withdrawn, .cancelled, .completed, .failed, .alreadyRunning, .requested, .lost, .notCancelled, .requeued,
            .applied,
            .revoked, .costLearned, .costUnknown:
            return (nil, .notAsked("it was not looked up"))
        }
    }

    /// Whether a task is still uncertain or lost.
    private func isUnresolved(_ row: TaskRow) throws -> Bool {
        guard let now = try session.store.task(row.id), now.isOpen, now.attempt == row.attempt else { return false }
        return now.latest?.remoteID == nil || now.latest?.lostAt != nil
    }

    private static func subject(_ row: TaskRow, _ action: ManualResolution.Action?) -> String {
        if case .adopt(let remote) = action { return "by the task id \(SafeText.escaped(remote.text))" }
        return row.latest?.remoteID == nil ? "by its submission key" : "by its task id"
    }

    /// The lookup that the log records, such as `by its submission key: not found (404 …)`.
    private func lookup(of row: TaskRow) throws -> String? {
        let events = try session.store.events(of: row.id)
        return events.last { $0.kind == "asked" && $0.attempt == row.attempt }?.message.map(SafeText.escaped)
    }

    private func notFound(_ row: TaskRow) throws -> ResolutionFinding.Verdict {
        guard let latest = row.latest else { return .notFound(areKeysHonored: false) }
        let batch = try session.store.batches().first { $0.id == row.batch }
        let trust = try session.store.keyTrust(
            baseURL: batch?.baseURL ?? "", account: latest.account, dialect: latest.dialect)
        // After a key transfer, the new key cannot look up submissions of the old key.
        guard latest.remoteID == nil, trust == .honored, !latest.isTransferred,
            try !session.store.isConflict(row.attemptID)
        else {
            return .notFound(areKeysHonored: false)
        }
        let age = Composition.timers().now - latest.sentAt
        return age < .zero || age >= keyMemory ? .forgotten : .notFound(areKeysHonored: true)
    }
}

/// The second part of `reconcile`: queries every unknown cost again.
struct CostBackfill {
    struct Tally {
        var asked = 0
        var stated = 0
    }

    private(set) var tally = Tally()
    private let session: CommandSession
    private let batch: BatchID?

    init(session: CommandSession, batch: BatchID?) {
        self.session = session
        self.batch = batch
    }

    /// Whether there are unknown costs.
    var isNeeded: Bool {
        get throws { try !session.store.attemptsWithoutCost(in: batch, limit: 1).isEmpty }
    }

    /// Queries page by page, and stops after a page with an outage.
    mutating func run(_ report: (AttemptWithoutCost, CommandSession.Answer) throws -> Void) async throws {
        var last: AttemptID?
        var isOutage = false
        repeat {
            let page = try session.store.attemptsWithoutCost(in: batch, after: last, limit: Reconciler.pageSize)
            let requests = page.map { unpriced in
                CommandSession.Request(
                    .reconcile, of: unpriced.attempt, in: unpriced.batch, account: unpriced.account)
            }
            for (unpriced, answer) in zip(page, try await session.answers(to: requests)) {
                tally.asked += 1
                switch answer {
                case .ended(.costLearned, _): tally.stated += 1
                case .ended(.noAnswer, _), .ended(.keyRefused, _), .ended(.accountRefused, _): isOutage = true
                case .ended, .missing, .queued: break
                }
                try report(unpriced, answer)
            }
            last = page.count < Reconciler.pageSize ? nil : page.last?.attempt
        } while last != nil && !isOutage
    }
}
