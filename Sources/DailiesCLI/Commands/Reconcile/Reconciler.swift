import DailiesCore
import DailiesStore

/// The result of reconciling one uncertain or lost task.
struct ResolutionFinding {
    enum Verdict {
        /// The provider has it; recorded.
        case found(TaskReconciler.Known)
        case adopted(TaskReconciler.Known)
        /// Found over budget, and cancelled while that is free.
        case overBudget(TaskReconciler.Known)
        case assumedLost
        /// Not known to the provider. If it honors submission keys, a run may resubmit the same request.
        case notFound(areKeysHonoured: Bool)
        /// Not known to the provider, which honors submission keys but may have forgotten this one.
        case forgotten
        /// The lookup gave no result, with the reason.
        case notAsked(String)
        /// The user's resolution was not carried out, with the reason.
        case refused(String, known: TaskReconciler.Known?)
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

/// Reconciles uncertain and lost tasks one by one.
struct Reconciler {
    let store: Store
    /// nil: the provider is not queried.
    let reconciler: TaskReconciler?
    /// How long the provider remembers submission keys, by the local clock.
    let keyMemory: Duration
    /// Set once the provider does not respond, so the next tasks do not wait for nothing.
    private var outage: String?
    private var refusals: [KeyFingerprint: String] = [:]
    private(set) var codes: Set<ExitCode> = []

    init(store: Store, reconciler: TaskReconciler?, keyMemory: Duration) {
        self.store = store
        self.reconciler = reconciler
        self.keyMemory = keyMemory
    }

    mutating func settle(_ row: TaskRow, by action: ManualResolution.Action?) async throws -> ResolutionFinding {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) is uncertain but was never sent") }
        let evidence = ResolutionEvidence(latest, attempt: row.attempt, events: try store.events(of: row.id))
        let (asked, verdict) = try await verdict(on: row, latest, action)
        return ResolutionFinding(row: row, evidence: evidence, asked: asked, verdict: verdict)
    }

    private mutating func verdict(
        on row: TaskRow, _ latest: LatestAttempt, _ action: ManualResolution.Action?
    ) async throws -> (String?, ResolutionFinding.Verdict) {
        guard let reconciler else {
            try await give(up: row, "provider not queried")
            return (nil, .assumedLost)
        }
        if let reason = outage ?? refusals[latest.account] { return (nil, .notAsked(reason)) }
        let subject: String
        let answer: TaskReconciler.Answer
        if case .adopt(let remote) = action {
            subject = "by the task id \(SafeText.escaped(remote.text))"
            answer = try await reconciler.lookUp(row, as: remote)
        } else {
            subject = latest.remoteID == nil ? "by its submission key" : "by its task id"
            answer = try await reconciler.lookUp(row)
        }
        switch answer {
        case .known(let known):
            return (
                "\(subject): found, \(TaskDescription.known(known))", try await accepted(row, known, action, reconciler)
            )
        case .notFound(let fault):
            try await reconciler.record([
                .note(row.attemptID, kind: "asked", text: "\(subject): not found (\(fault.shown))")
            ])
            return ("\(subject): not found (\(fault.shown))", try await notFound(row, latest, action))
        case .mismatch(let reason):
            try await reconciler.record([.note(row.attemptID, kind: "asked", text: "\(subject): \(reason)")])
            if case .adopt = action { return ("\(subject): \(reason)", .refused(reason, known: nil)) }
            return ("\(subject): \(reason)", .notAsked("\(reason), which is a different task"))
        case .missingSetting(let need):
            if action == .assumeLost {
                let advice = "if it is gone for good, add --without-asking"
                return (nil, .refused("\(need); \(advice)", known: nil))
            }
            return (nil, .notAsked(need))
        case .stopped(let fault, let stop):
            let reason = "the provider refused the request: \(fault.shown)"
            refusals[latest.account] = reason
            codes.insert(stop == .keyRefused ? .keyRefused : .accountRefused)
            return ("\(subject): refused (\(fault.shown))", .notAsked(reason))
        case .fault(let fault):
            let reason = "the provider is not responding (\(fault.shown)); try again later"
            if fault.showsOutage { outage = reason }
            return ("\(subject): no answer (\(fault.shown))", .notAsked(reason))
        }
    }

    private func accepted(
        _ row: TaskRow, _ known: TaskReconciler.Known, _ action: ManualResolution.Action?, _ reconciler: TaskReconciler
    ) async throws -> ResolutionFinding.Verdict {
        if known.isOverBudget, !known.isRunning, case .known(let after) = try await reconciler.cancel(row, known) {
            return .overBudget(after)
        }
        switch action {
        case nil: return .found(known)
        case .adopt: return .adopted(known)
        case .assumeLost: return .refused("the provider has this task", known: known)
        }
    }

    private func notFound(
        _ row: TaskRow, _ latest: LatestAttempt, _ action: ManualResolution.Action?
    ) async throws -> ResolutionFinding.Verdict {
        switch action {
        case nil:
            let trust = try store.keyTrust(
                baseURL: reconciler?.batches[row.batch]?.baseURL ?? "", account: latest.account, dialect: latest.dialect
            )
            // After a key transfer, the new key cannot look up submissions of the old key.
            guard latest.remoteID == nil, trust == .honoured, !latest.isHandedOver, try !store.isConflict(row.attemptID)
            else {
                return .notFound(areKeysHonoured: false)
            }
            let age = Composition.timers().now - latest.sentAt
            return age < .zero || age >= keyMemory ? .forgotten : .notFound(areKeysHonoured: true)
        case .adopt(let remote):
            return .refused("the provider does not know \(SafeText.escaped(remote.text))", known: nil)
        case .assumeLost:
            try await give(up: row, "queried again and not found")
            return .assumedLost
        }
    }

    private func give(up row: TaskRow, _ reason: String) async throws {
        let settlement = Settlement.assumedLost(
            because: "given up by the user (\(reason)); it may have been rendered and billed")
        let at = Composition.timers().now
        try store.writeAndWait([Mutation(at: at, .settled(row.attemptID, settlement))])
    }
}
