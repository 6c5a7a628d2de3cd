import DailiesCore
import ProviderSimulator

@testable import DailiesStore
@testable import ProviderSimulator

/// The promises, looked at after every step that could break them.
extension World {
    /// After every commit and every restart: what is durable contradicts nothing.
    func check() throws {
        guard let inspector else { return }
        coverage.checks += 1
        let attempts = try inspector.attempts()
        if let fault = ledger.take(attempts) { throw Violation("the store took something back: \(fault)") }
        for attempt in attempts {
            if attempt.isNotAccepted { runsOfIntents[attempt.key] = nil }
            if attempt.isOpen, runsOfIntents[attempt.key] == nil { runsOfIntents[attempt.key] = coverage.runs }
        }
        try checkPace(attempts)
        try checkCancelled(attempts, inspector)
        try checkStoppedModels(attempts)
        try checkReservations(attempts)
        try checkTotals(attempts, inspector)
        try checkBudgets(inspector)
        let booked = attempts.compactMap(\.credits).reduce(CreditTotal.zero) { $0 + $1 }
        guard booked <= machine.bill.total else {
            throw Violation("\(booked) are booked, and only \(machine.bill.total) were billed")
        }
        if let replayed = attempts.first(where: \.isReplayed) {
            throw Violation("\(replayed.id) counts as rendered before, and nobody else has rendered anything")
        }
        for attempt in attempts where attempt.remote != nil {
            guard machine.ordinalByID[attempt.remote?.text ?? ""] != nil else {
                throw Violation("attempt \(attempt.id) has a task id that the provider never gave out")
            }
        }
    }

    /// The sums that budgets rely on are those of the rows.
    private func checkTotals(_ attempts: [InvariantChecker.Attempt], _ inspector: InvariantChecker) throws {
        for position in try inspector.positions() {
            let own = attempts.filter { $0.batch == position.batch }
            let settled = own.compactMap(\.credits).reduce(CreditTotal.zero) { $0 + $1 }
            let reserved = own.compactMap(\.reserved).reduce(CreditTotal.zero) { $0 + $1 }
            guard settled == position.settled, reserved == position.reserved else {
                throw Violation(
                    "batch \(position.batch) holds \(position.settled) settled and \(position.reserved) reserved, its "
                        + "attempts \(settled) and \(reserved)")
            }
        }
    }

    /// Settled and reserved never exceed the cap, unless a bill exceeded what was held for it, or an estimate what the
    /// provider had published. When these come, ``World/auditBudgets(_:)`` says.
    private func checkBudgets(_ inspector: InvariantChecker) throws {
        for position in try inspector.positions() where position.mode == .cautious {
            guard let cap = position.cap, position.settled + position.reserved > CreditTotal(cap) else { continue }
            if try inspector.hasBillAboveReservation(position.batch) { continue }
            if try inspector.hasRaisedReservation(position.batch) { continue }
            throw Violation(
                "batch \(position.batch) is over its budget of \(cap): \(position.settled) settled, "
                    + "\(position.reserved) reserved")
        }
    }

    /// Before the provider sees a submit: exactly its intent is durable.
    func checkIntent(_ submission: Submission) throws {
        guard let attempt = try inspector?.attempt(submission.key) else {
            throw Violation("\(submission.attempt) was submitted, and nothing durable says so")
        }
        guard attempt.id == submission.attempt, attempt.isOpen, attempt.remote == nil, attempt.body == submission.body
        else { throw Violation("\(submission.attempt) was submitted against what is durable: \(attempt)") }
        try checkReservation(of: attempt)
    }

    /// After a submit: nothing was rendered twice, and no more are in flight than the user allowed.
    ///
    /// Counted against the limit is every task that the provider has queued or running, but for those that the contract
    /// counts apart: uncertain ones (the program does not know that they run), those past the poll window, and lost ones
    /// (the provider itself denied them), and those of an API key that this run does not have. The limit is the user's,
    /// the highest of this run: a lower one recalls nothing. A repeat of what an earlier run had decided asks for a slot
    /// like a new submit. The same holds for each model that has a limit of its own.
    func checkRenders(of submission: Submission) throws {
        let renders = machine.bill.rendersByKey[submission.key.text, default: 0]
        guard renders <= 1 else { throw Violation("\(submission.attempt) was rendered \(renders) times") }
        let flying = machine.tasks.filter { !$0.phase.isFinal }
        guard flying.count > ceiling || !modelCeilings.isEmpty, let inspector else { return }
        let window = scenario.settings.pollWindow ?? .seconds(3600)
        let apart = Set(
            try inspector.attempts().filter {
                // What lies in the future when a run begins counts as sent then.
                let sentAt = runsOfIntents[$0.key] == coverage.runs ? $0.sentAt : min($0.sentAt, runBegan)
                return $0.isUncertain || $0.isLost || clientNow - sentAt >= window || !accounts.contains($0.account)
            }.map(\.key.text))
        let counted = flying.filter { !apart.contains($0.outTaskID ?? "") }
        guard counted.count <= ceiling else {
            throw Violation("\(counted.count) tasks in flight, \(ceiling) allowed")
        }
        try checkLimit(of: submission.model, counted)
    }

    /// Nobody sleeps for long while the provider has tasks: the longest wait that a poll, a probe or a throttled account asks
    /// for is the maximum wait.
    func checkNextWake(until wake: Instant?) throws {
        guard let wake, let inspector, calls.isEmpty, replies.isEmpty, !isPaused, held.isEmpty else { return }
        guard wake - now > Self.maximumSleep else { return }
        let open = try inspector.attempts().filter {
            $0.isOpen && $0.remote != nil && !$0.isLost && accounts.contains($0.account)
        }
        guard open.isEmpty else {
            throw Violation("a run sleeps for \(wake - now), and does not ask for \(open[0].id)")
        }
    }

    private static let maximumSleep = Duration.seconds(3600)

    // MARK: Outstanding

    /// Whether the store holds nothing that another run could bring further.
    func isSettled() throws -> Bool { try outstanding().isEmpty }

    /// What is left, in words.
    func outstanding() throws -> String {
        guard let inspector else { return "no store" }
        var parts: [String] = []
        let waiting = try inspector.tasks().count { $0.state == .queued && !$0.isSubmitted }
        if waiting > 0 { parts.append("\(waiting) waiting") }
        for attempt in try inspector.attempts() {
            if attempt.isOpen {
                let word = attempt.remote == nil ? "uncertain" : attempt.isLost ? "lost" : attempt.state.rawValue
                parts.append("\(attempt.id) \(word)")
            }
            if attempt.isCostAwaited { parts.append("\(attempt.id) awaits its cost") }
            if isCostStatedYet(attempt) { parts.append("\(attempt.id) lacks a cost that will be stated") }
            if attempt.isUnsaved, scenario.settings.downloads, !neverHasURL(attempt) {
                parts.append("\(attempt.id) unsaved")
            }
        }
        if let lastEnding, !parts.isEmpty { parts.append("last ending: \(lastEnding)") }
        return parts.joined(separator: ", ")
    }

    func remoteTask(of attempt: InvariantChecker.Attempt) -> SimulatedTask? {
        attempt.remote.flatMap { machine.ordinalByID[$0.text] }.map { machine.tasks[$0] }
    }

    /// Its cost counts as unknown, and the provider states it after enough queries.
    private func isCostStatedYet(_ attempt: InvariantChecker.Attempt) -> Bool {
        guard attempt.state == .completed, attempt.credits == nil else { return false }
        return remoteTask(of: attempt).map { $0.repliesWithoutCost < .max } ?? false
    }

    private func neverHasURL(_ attempt: InvariantChecker.Attempt) -> Bool {
        remoteTask(of: attempt)?.repliesWithoutURL == .max
    }
}
