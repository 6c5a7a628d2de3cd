import DailiesCore
import DailiesStore

/// What became of one task that was to be cancelled.
enum CancelOutcome {
    /// Never sent.
    case withdrawn
    /// The provider ended it in this or another way; booked.
    case ended(Settlement.End, charged: Credits?)
    /// Over before anything was asked.
    case alreadyOver
    /// It renders, and --even-if-charged was not given.
    case renders
    /// The provider took the cancel and has not ended it yet.
    case goesOn(isRunning: Bool)
    /// Sent, and its fate is not known still, and why.
    case uncertain(String)
    /// Not known to the provider by its task id.
    case lost(String)
    case failed(String)
    /// Told to the runner, who has not carried it out yet.
    case told

    /// What a runner made of a cancel.
    init(_ answer: (outcome: CommandOutcome, message: String?)?, _ row: TaskRow, charged: Credits?) {
        let message = SafeText.escaped(answer?.message ?? "")
        switch answer?.outcome {
        case .withdrawn: self = .withdrawn
        case .cancelled: self = .ended(.cancelled, charged: charged)
        case .completed: self = .ended(.completed, charged: charged)
        case .failed: self = .ended(.failed, charged: charged)
        case .renders: self = .renders
        case .asked: self = .goesOn(isRunning: row.state == .running)
        case .uncertain: self = .uncertain(message)
        case .lost: self = .lost(message)
        case .notCancelled: self = .failed(message)
        case .alreadyOver, .waits, .refused, .holds, .takenBack: self = .alreadyOver
        case nil: self = .told
        }
    }
}

/// One `cancel`: first what needs nobody, then what the provider has.
struct CancelOperation {
    static let states: [TaskState] = [.queued, .running]
    /// Tasks asked about at one time.
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
        tally.isTold = text.isTold
    }

    /// How many tasks are meant and not over, and how many of them were sent. Named ones that are over are told at once.
    mutating func count(_ selection: TaskSelection) throws -> (total: Int, sent: Int) {
        var pages = try selection.pages(of: store, states: Self.states)
        var (total, sent) = (0, 0)
        while let page = try pages.next() {
            for row in page {
                if !Self.states.contains(row.state) {
                    tell(row, .alreadyOver)
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
            for row in waiting { tell(row, .withdrawn) }
        }
    }

    mutating func cancelSent(_ selection: TaskSelection, _ desk: TaskReconciler) async throws {
        var pages = try selection.pages(of: store, states: Self.states)
        while let page = try pages.next() {
            var open = page.filter(\.isOpen)[...]
            while !open.isEmpty {
                let rows = Array(open.prefix(Self.width))
                open = open.dropFirst(rows.count)
                for (row, outcome) in zip(rows, try await outcomes(of: rows, desk)) { tell(row, outcome) }
            }
        }
    }

    /// Lets the runner who holds the store do it.
    mutating func tellRunner(_ selection: TaskSelection) async throws {
        let telling = CommandClient(store)
        var pages = try selection.pages(of: store, states: Self.states)
        while let page = try pages.next() {
            let rows = page.filter { Self.states.contains($0.state) }
            let orders = rows.map { NewCommand(.cancel(evenIfCharged: evenIfCharged), of: $0.attemptID) }
            for (row, answer) in zip(rows, try await telling.answers(to: orders)) {
                let now = try store.task(row.id) ?? row
                let charged = try store.attempts(of: row.id).last?.credits
                tell(now, CancelOutcome(answer, now, charged: charged))
            }
        }
    }

    /// Of a few tasks, asked about side by side, in their order.
    private mutating func outcomes(of rows: [TaskRow], _ desk: TaskReconciler) async throws -> [CancelOutcome] {
        if let outage { return rows.map { _ in .failed(outage) } }
        let evenIfCharged = evenIfCharged
        let results = try await withThrowingTaskGroup(of: (Int, CancelStep).self) { group in
            for (index, row) in rows.enumerated() {
                group.addTask { (index, try await CancelStep.take(row, desk, evenIfCharged: evenIfCharged)) }
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

    private mutating func tell(_ row: TaskRow, _ outcome: CancelOutcome) {
        tally.count(outcome)
        text.write(row, outcome)
    }

    func finish() -> ExitCode {
        let code = ExitCode.precedence.first(where: tally.codes.contains) ?? .success
        text.finish(tally, code: code)
        return code
    }
}

/// One task's way from the question to its end.
private struct CancelStep: Sendable {
    let outcome: CancelOutcome
    /// For the exit code, where the outcome alone does not say it.
    var code: ExitCode?
    /// The provider did not answer at all.
    var outage: String?

    static func take(_ row: TaskRow, _ desk: TaskReconciler, evenIfCharged: Bool) async throws -> CancelStep {
        switch try await desk.lookUp(row) {
        case .known(let known):
            if let end = known.end { return CancelStep(outcome: .ended(end, charged: known.charged)) }
            if known.isRunning, !evenIfCharged { return CancelStep(outcome: .renders) }
            return after(try await desk.cancel(row, known), row)
        case let answer: return after(answer, row)
        }
    }

    private static func after(_ answer: TaskReconciler.Answer, _ row: TaskRow) -> CancelStep {
        switch answer {
        case .known(let known):
            return CancelStep(
                outcome: known.end.map { .ended($0, charged: known.charged) } ?? .goesOn(isRunning: known.isRunning))
        case .notFound(let fault):
            let isUncertain = row.latest?.remoteID == nil
            return CancelStep(
                outcome: isUncertain
                    ? .uncertain("not found by its submission key (\(fault.shown))") : .lost(fault.shown))
        case .another(let reason): return CancelStep(outcome: .failed(reason), code: .uncertain)
        case .outOfReach(let need):
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
