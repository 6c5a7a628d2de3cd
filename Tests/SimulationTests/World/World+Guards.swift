import DailiesCore

@testable import DailiesStore
@testable import ProviderSimulator

/// What guards promise: they cost no task, they are not forgotten, and nothing is begun that a budget does not hold.
extension World {
    /// Nobody cancels but users and guards. What no user wanted cancelled waits again, from the same commit on.
    func checkCancelled(_ attempts: [InvariantChecker.Attempt], _ inspector: InvariantChecker) throws {
        let cancelled = attempts.filter { $0.state == .cancelled }
        guard !cancelled.isEmpty else { return }
        let numbers = Dictionary(uniqueKeysWithValues: try inspector.tasks().map { ($0.id, $0.attempt) })
        let told = Set(
            try inspector.commands().filter { $0.kind == "cancel" }.compactMap { command in
                command.task.map { AttemptID(task: $0, number: command.attempt) }
            })
        for attempt in cancelled where !told.contains(attempt.id) {
            guard let number = numbers[attempt.id.task], number > attempt.id.number else {
                throw Violation("\(attempt.id) was cancelled by a guard and does not wait again")
            }
        }
    }

    /// What a guard wanted cancelled before a crash is cancelled before it is asked for.
    func checkCancelledFirst(_ call: MachineProvider.Call) throws {
        if let remote = call.cancelled { toBeCancelled.remove(remote) }
        guard case .query(let question, _) = call, case .remote(let remote) = question.subject,
            toBeCancelled.contains(remote)
        else { return }
        throw Violation("\(remote) was asked for before it was cancelled, as a guard had wanted")
    }

    /// A bill further above its quote than the tolerance stops its model for the rest of the run.
    func checkStoppedModels(_ attempts: [InvariantChecker.Attempt]) throws {
        defer {
            chargesSeen = Dictionary(uniqueKeysWithValues: attempts.compactMap { a in a.credits.map { (a.id, $0) } })
        }
        for attempt in attempts where intentsOfStopped[attempt.model]?.contains(attempt.key) == false {
            guard runsOfIntents[attempt.key] == coverage.runs else { continue }
            throw Violation("\(attempt.id) was begun after a bill far above its quote had stopped \(attempt.model)")
        }
        guard let tolerance = settings.quoteTolerance, life != nil else { return }
        for attempt in attempts where chargesSeen[attempt.id] == nil && intentsOfStopped[attempt.model] == nil {
            guard let charge = attempt.credits, let quote = attempt.estimate, quote > .zero,
                attempt.acceptedBy != "replayed", charge > quote.times(hundredths: 100 + tolerance)
            else { continue }
            coverage.stoppedModels += 1
            intentsOfStopped[attempt.model] = Set(attempts.filter { $0.model == attempt.model }.map(\.key))
        }
    }

    /// The log, replayed: at each intent under a cap everything settled and held fits, what was held for it is at least
    /// the published price and a tenth, and what an estimate made too dear while it waited was to be cancelled from then on.
    func auditBudgets(_ attempts: [InvariantChecker.Attempt], _ inspector: InvariantChecker) throws {
        var sums: [BatchID: CreditTotal] = [:]
        var caps: [BatchID: Credits] = [:]
        var modes: [BatchID: BudgetMode] = [:]
        let rows = try inspector.moneyRows()
        let wanted = Set(rows.filter { $0.kind == "cancel_wanted" }.compactMap(\.attempt))
        let byID = Dictionary(uniqueKeysWithValues: attempts.map { ($0.id, $0) })
        var tooDear: [AttemptID: BatchID] = [:]
        for row in rows {
            switch row.kind {
            case "budget_set": caps[row.batch] = row.message.flatMap { Credits.read($0)?.credits }
            case "budget_mode_set": modes[row.batch] = row.message.flatMap(BudgetMode.init)
            default: break
            }
            switch row.amountKind {
            case "reserved", "charged": sums[row.batch, default: .zero] += CreditTotal(row.amount)
            case "released": sums[row.batch, default: .zero] -= CreditTotal(row.amount)
            default: break
            }
            guard let cap = caps[row.batch], modes[row.batch] ?? .cautious == .cautious, let id = row.attempt else {
                continue
            }
            let isAbove = sums[row.batch, default: .zero] > CreditTotal(cap)
            if row.kind == "intent" {
                coverage.intentsUnderCaps += 1
                if isAbove { throw Violation("\(id) was begun above the budget of \(cap)") }
                if let price = byID[id].flatMap(publishedPrice), row.amount < price.times(hundredths: 110) {
                    throw Violation("\(row.amount) were held for \(id), which is published at \(price)")
                }
            }
            if row.kind == "accepted", row.to == "queued", row.source != "replayed" { tooDear[id] = row.batch }
            // The reservation is exchanged in the rows that follow.
            if row.kind == "amount", row.amountKind == "reserved", tooDear[id] != nil, isAbove, !wanted.contains(id) {
                throw Violation("\(id) was accepted at more than the budget of \(cap) holds, and nothing was to follow")
            }
        }
    }

    /// Before twenty bills have shown that estimates hold, an estimate lowers no reservation.
    func checkReservations(_ attempts: [InvariantChecker.Attempt]) throws {
        let bills = Dictionary(grouping: attempts.filter { $0.credits ?? .zero > .zero }, by: \.model).mapValues(
            \.count)
        for attempt in attempts where attempt.isOpen && bills[attempt.model, default: 0] < 20 {
            guard let price = publishedPrice(attempt), let reserved = attempt.reserved else { continue }
            guard reserved >= price.times(hundredths: 110) else {
                throw Violation("\(reserved) are held for \(attempt.id), which is published at \(price)")
            }
        }
    }

    private func publishedPrice(_ attempt: InvariantChecker.Attempt) -> Credits? {
        if let known = publishedPrices[attempt.id.task] { return known }
        guard let rate = scenario.simulator.money.perSecond[attempt.model.text],
            let spec = scenario.batches.lazy.flatMap(\.tasks).first(where: { attempt.isFor($0) })
        else { return nil }
        let price = rate.times(hundredths: 100 * Int64(spec.shape.durationSeconds ?? 1))
        publishedPrices[attempt.id.task] = price
        return price
    }
}

extension InvariantChecker.Attempt {
    /// The prompt is a task's own, up to its line end.
    fileprivate func isFor(_ spec: TaskSpec) -> Bool {
        String(decoding: body, as: UTF8.self).contains("\"\(spec.prompt)\\")
    }
}
