import DailiesCore
import DailiesStore

/// What was found out about one task in doubt.
struct ResolutionFinding {
    enum Verdict {
        /// The provider has it; recorded.
        case found(TaskReconciler.Known)
        case adopted(TaskReconciler.Known)
        /// Found, over budget, and cancelled while that is free.
        case overBudget(TaskReconciler.Known)
        case assumedLost
        /// Not known to the provider. Where its keys are honoured, a run may repeat the same bytes.
        case notFound(areKeysHonoured: Bool)
        /// Not known to the provider, which honours keys and may have forgotten this one.
        case forgotten
        /// Nothing was learned, and why.
        case notAsked(String)
        /// The user's word is not carried out, and why.
        case refused(String, known: TaskReconciler.Known?)
    }

    let row: TaskRow
    let evidence: ResolutionEvidence
    /// How it was asked for and what the answer was; nil where it was not.
    let asked: String?
    let verdict: Verdict

    var wasLost: Bool { row.latest?.remoteID != nil }
}

/// What the log says about a submit.
struct ResolutionEvidence {
    let sentAt: Instant
    let lastSentAt: Instant
    /// How often the same bytes were sent after the first time.
    let repeats: Int
    /// The reply or the fault that the doubt began with; may hold anything.
    let fault: String

    /// - Parameter events: of the task, oldest first.
    init(_ latest: LatestAttempt, attempt: Int, events: [EventRow]) {
        let intent = events.lastIndex { $0.kind == "intent" && $0.attempt == attempt }
        let since = events[(intent ?? events.startIndex)...].filter { $0.attempt == attempt }
        sentAt = latest.submittedAt
        lastSentAt = latest.sentAt
        repeats = since.filter { $0.kind == "repeated" }.count
        let doubt = since.first { $0.kind == (latest.remoteID == nil ? "uncertain" : "lost") }
        if let doubt {
            fault = [doubt.code, doubt.message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        } else {
            fault = "no reply was recorded: the run ended while the submit was in flight"
        }
    }
}

/// Goes through tasks in doubt, one after the other.
struct Reconciler {
    let store: Store
    /// nil: nobody is asked.
    let desk: TaskReconciler?
    /// How long the provider remembers keys, by our clock.
    let keyMemory: Duration
    /// Set once the provider did not answer at all: the next task would wait as long for nothing.
    private var outage: String?
    private var refusals: [KeyFingerprint: String] = [:]
    private(set) var codes: Set<ExitCode> = []

    init(store: Store, desk: TaskReconciler?, keyMemory: Duration) {
        self.store = store
        self.desk = desk
        self.keyMemory = keyMemory
    }

    mutating func settle(_ row: TaskRow, by word: ManualResolution.Word?) async throws -> ResolutionFinding {
        guard let latest = row.latest else { preconditionFailure("task \(row.id) is in doubt and was never sent") }
        let evidence = ResolutionEvidence(latest, attempt: row.attempt, events: try store.events(of: row.id))
        let (asked, verdict) = try await verdict(on: row, latest, word)
        return ResolutionFinding(row: row, evidence: evidence, asked: asked, verdict: verdict)
    }

    private mutating func verdict(
        on row: TaskRow, _ latest: LatestAttempt, _ word: ManualResolution.Word?
    ) async throws -> (String?, ResolutionFinding.Verdict) {
        guard let desk else {
            try await give(up: row, "provider not queried")
            return (nil, .assumedLost)
        }
        if let reason = outage ?? refusals[latest.account] { return (nil, .notAsked(reason)) }
        let subject: String
        let answer: TaskReconciler.Answer
        if case .adopt(let remote) = word {
            subject = "by the task id \(SafeText.escaped(remote.text))"
            answer = try await desk.lookUp(row, as: remote)
        } else {
            subject = latest.remoteID == nil ? "by its submission key" : "by its task id"
            answer = try await desk.lookUp(row)
        }
        switch answer {
        case .known(let known):
            return ("\(subject): found, \(TaskDescription.known(known))", try await accepted(row, known, word, desk))
        case .notFound(let fault):
            try await desk.record([.note(row.attemptID, kind: "asked", text: "\(subject): not found (\(fault.shown))")])
            return ("\(subject): not found (\(fault.shown))", try await notFound(row, latest, word))
        case .another(let reason):
            try await desk.record([.note(row.attemptID, kind: "asked", text: "\(subject): \(reason)")])
            if case .adopt = word { return ("\(subject): \(reason)", .refused(reason, known: nil)) }
            return ("\(subject): \(reason)", .notAsked("\(reason), which is a different task"))
        case .outOfReach(let need):
            if word == .assumeLost {
                let way = "if it is gone for good, add --without-asking"
                return (nil, .refused("\(need); \(way)", known: nil))
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
        _ row: TaskRow, _ known: TaskReconciler.Known, _ word: ManualResolution.Word?, _ desk: TaskReconciler
    ) async throws -> ResolutionFinding.Verdict {
        if known.isOverBudget, !known.isRunning, case .known(let after) = try await desk.cancel(row, known) {
            return .overBudget(after)
        }
        switch word {
        case nil: return .found(known)
        case .adopt: return .adopted(known)
        case .assumeLost: return .refused("the provider has this task", known: known)
        }
    }

    private func notFound(
        _ row: TaskRow, _ latest: LatestAttempt, _ word: ManualResolution.Word?
    ) async throws -> ResolutionFinding.Verdict {
        switch word {
        case nil:
            let trust = try store.keyTrust(
                baseURL: desk?.batches[row.batch]?.baseURL ?? "", account: latest.account, dialect: latest.dialect)
            // The key that took over knows nothing of what the other one sent.
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
