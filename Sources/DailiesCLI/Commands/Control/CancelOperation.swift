import DailiesCore
import DailiesStore

/// The outcome of cancelling one task.
enum CancelOutcome {
    /// Never sent.
    case withdrawn
    /// The provider ended it as cancelled or otherwise; recorded.
    case ended(Settlement.End, charged: Credits?)
    /// It had ended before the request.
    case alreadyFinished
    /// It is rendering, and --even-if-charged was not given.
    case rendering
    /// The provider accepted the cancel but has not ended the task yet.
    case requested(isRunning: Bool)
    /// Sent with a still unknown outcome, with the reason.
    case uncertain(String)
    /// The provider does not know its task id.
    case lost(String)
    case failed(String)
    /// Queued for the active run, which has not carried it out yet.
    case queued

    /// The outcome that the active run reported.
    init(_ answer: (outcome: CommandOutcome, message: String?)?, _ row: TaskRow, charged: Credits?) {
        let message = SafeText.escaped(answer?.message ?? "")
        switch answer?.outcome {
        case .withdrawn: self = .withdrawn
        case .cancelled: self = .ended(.cancelled, charged: charged)
        case .completed: self = .ended(.completed, charged: charged)
        case .failed: self = .ended(.failed, charged: charged)
        case .renders: self = .rendering
        case .asked: self = .requested(isRunning: row.state == .running)
        case .uncertain: self = .uncertain(message)
        case .lost: self = .lost(message)
        case .notCancelled: self = .failed(message)
        case .alreadyOver, .waits, .refused, .holds, .takenBack: self = .alreadyFinished
        case nil: self = .queued
        }
    }
}

/// One `cancel`: first unsent tasks, then tasks at the provider.
struct CancelOperation {
    static let states: [TaskState] = [.queued, .running]
    /// Tasks queried concurrently.
    private static let width = 16

    let store: Store
    let evenIfCharged: Bool
    let text: CancelOutput
    private var tally = CancelTally()
    private var outage: String?

    init(store: Store, evenIfCharged: Bool, text: CancelOutput) {
        self.store = store
        self.evenIfCharged = evenIfCharged
        self.text = text
        tally.hasActiveRun = text.hasActiveRun
    }

    /// The number of selected tasks that have not ended, and how many of them were sent. Reports those that have ended.
    mutating func count(_ selection: TaskSelection) throws -> (total: Int, sent: Int) {
        var pages = try selection.pages(of: store, states: Self.states)
        var (total, sent) = (0, 0)
        while let page = try pages.next() {
            for row in page {
                if !Self.states.contains(row.state) {
                    report(row, .alreadyFinished)
                } else {
                    total += 1
                    sent += row.isOpen ? 1 : 0
                }
            }
        }
        return (total, sent)
    }

    mutating func withdrawWaiting(_ selection: TaskSelection) throws {
        var pages = try selection.pages(of: store, states: Self.states)
        while let page = try pages.next() {
            let waiting = page.filter { $0.state == .queued && $0.latest == nil }
            if waiting.isEmpty { continue }
            let at = Composition.timers().now
            try store.writeAndWait(waiting.map { Mutation(at: at, .withdrawn($0.id, .cancelled)) })
            for row in waiting { report(row, .withdrawn) }
        }
    }

    mutating func cancelSent(_ selection: TaskSelection, _ reconciler: TaskReconciler) async throws {
        var pages = try selection.pages(of: store, states: Self.states)
        while let page = try pages.next() {
            var open = page.filter(\.isOpen)[...]
            while !open.isEmpty {
                let rows = Array(open.prefix(Self.width))
                open = open.dropFirst(rows.count)
                for (row, outcome) in zip(rows, try await outcomes(of: rows, reconciler)) { report(row, outcome) }
            }
        }
    }

    /// Queues the cancels for the active run.
    mutating func queueForRun(_ selection: TaskSelection) async throws {
        let client = CommandClient(store)
        var pages = try selection.pages(of: store, states: Self.states)
        while let page = try pages.next() {
            let rows = page.filter { Self.states.contains($0.state) }
            let commands = rows.map { NewCommand(.cancel(evenIfCharged: evenIfCharged), of: $0.attemptID) }
            for (row, answer) in zip(rows, try await client.answers(to: commands)) {
                let now = try store.task(row.id) ?? row
                let charged = try store.attempts(of: row.id).last?.credits
                report(now, CancelOutcome(answer, now, charged: charged))
            }
        }
    }

    /// Cancels a few tasks concurrently; outcomes are in their order.
    private mutating func outcomes(of rows: [TaskRow], _ reconciler: TaskReconciler) async throws -> [CancelOutcome] {
        if let outage { return rows.map { _ in .failed(outage) } }
        let evenIfCharged = evenIfCharged
        let results = try await withThrowingTaskGroup(of: (Int, CancelStep).self) { group in
            for (index, row) in rows.enumerated() {
                group.addTask { (index, try await CancelStep.take(row, reconciler, evenIfCharged: evenIfCharged)) }
            }
            var results: [(Int, CancelStep)] = []
            for try await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
        for result in results {
            if let code = result.code { tally.codes.insert(code) }
            if let reason = result.outage { outage = reason }
        }
        return results.map(\.outcome)
    }

    private mutating func report(_ row: TaskRow, _ outcome: CancelOutcome) {
        tally.count(outcome)
        text.write(row, outcome)
    }

    func finish() -> ExitCode {
        let code = ExitCode.precedence.first(where: tally.codes.contains) ?? .success
        text.finish(tally, code: code)
        return code
    }
}

/// Looks up and cancels one task.
private struct CancelStep: Sendable {
    let outcome: CancelOutcome
    /// Sets the exit code if the outcome alone does not determine it.
    var code: ExitCode?
    /// The message if the provider did not respond.
    var outage: String?

    static func take(_ row: TaskRow, _ reconciler: TaskReconciler, evenIfCharged: Bool) async throws -> CancelStep {
        switch try await reconciler.lookUp(row) {
        case .known(let known):
            if let end = known.end { return CancelStep(outcome: .ended(end, charged: known.charged)) }
            if known.isRunning, !evenIfCharged { return CancelStep(outcome: .rendering) }
            return after(try await reconciler.cancel(row, known), row)
        case let answer: return after(answer, row)
        }
    }

    private static func after(_ answer: TaskReconciler.Answer, _ row: TaskRow) -> CancelStep {
        switch answer {
        case .known(let known):
            return CancelStep(
                outcome: known.end.map { .ended($0, charged: known.charged) } ?? .requested(isRunning: known.isRunning))
        case .notFound(let fault):
            let isUncertain = row.latest?.remoteID == nil
            return CancelStep(
                outcome: isUncertain
                    ? .uncertain("not found by its submission key (\(fault.shown))") : .lost(fault.shown))
        case .mismatch(let reason): return CancelStep(outcome: .failed(reason), code: .uncertain)
        case .missingSetting(let need):
            return CancelStep(outcome: row.latest?.remoteID == nil ? .uncertain(need) : .failed(need))
        case .stopped(let fault, let stop):
            return CancelStep(
                outcome: .failed("the provider refused the request: \(fault.shown)"),
                code: stop == .keyRefused ? .keyRefused : .accountRefused)
        case .fault(let fault):
            let reason = "the provider is not responding (\(fault.shown)); try again later"
            return CancelStep(outcome: .failed(reason), outage: fault.showsOutage ? reason : nil)
        }
    }
}
