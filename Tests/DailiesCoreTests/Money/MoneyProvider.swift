@testable import DailiesCore

/// A provider that models only money: it honors keys, quotes, bills off its quotes, states some costs late, and
/// sometimes loses a reply. Its bill is the sum of its charges.
struct MoneyProvider {
    struct Render {
        let remote: RemoteTaskID
        let estimate: Credits
        /// The charge on completion.
        let price: Credits
        var phase = RemoteTask.Phase.queued
        var charged: Credits?
        /// Replies that report the end without a cost.
        var silence: Int
    }

    /// Tenths, so that 0.1 + 0.2 must be 0.3, and odd billionths.
    private static let prices = ["0.1", "0.2", "0.3", "0.7", "1.1", "0.333333333", "0.000000001", "1.999999999"]

    /// A bill as a percentage of its estimate.
    let spread: ClosedRange<Int64>
    private var random: SplitMix64
    private var renders: [Render] = []
    private var byKey: [SubmissionKey: Int] = [:]
    private var byRemote: [RemoteTaskID: Int] = [:]
    /// No more faults, and all costs are stated.
    var isCalm = false

    init(seed: UInt64, spread: ClosedRange<Int64>) {
        random = SplitMix64(seed: seed)
        self.spread = spread
    }

    var bill: CreditTotal { renders.reduce(.zero) { $0 + ($1.charged ?? .zero) } }
    var charges: Int { renders.count { $0.charged != nil } }

    private mutating func happens(in cases: Int) -> Bool { Int.random(in: 0..<cases, using: &random) == 0 }

    mutating func submit(_ submission: Submission) -> SubmitResult {
        if !isCalm {
            if happens(in: 25) { return .notAccepted(.refusedConnection) }
            if happens(in: 25) { return .throttled(.status(429, "rate_limit_exceeded"), .rate) }
        }
        let index = take(submission.key)
        // Accepted, but the reply is lost.
        if !isCalm, happens(in: 15) { return .timedOut }
        var report = report(index)
        report.submissionKey = submission.key
        report.estimate = Self.amount(renders[index].estimate, "estimated_credits")
        return .accepted(report)
    }

    private mutating func take(_ key: SubmissionKey) -> Int {
        if let known = byKey[key] { return known }
        let text = Self.prices.randomElement(using: &random) ?? "1"
        let estimate = Credits.read(text)?.credits ?? .zero
        let percent = Int64.random(in: spread, using: &random)
        let remote = RemoteTaskID("r\(renders.count + 1)")
        renders.append(
            Render(
                remote: remote, estimate: estimate, price: estimate.times(hundredths: percent),
                silence: happens(in: 4) ? Int.random(in: 1...7, using: &random) : 0))
        byKey[key] = renders.count - 1
        byRemote[remote] = renders.count - 1
        return renders.count - 1
    }

    private static func amount(_ credits: Credits, _ field: String) -> Amount {
        Amount(credits: credits, text: "\(credits)", source: field, isRounded: false)
    }

    mutating func query(_ question: TaskQuery) -> QueryResult {
        if !isCalm, happens(in: 30) { return .fault(.timeout) }
        let index: Int? =
            switch question.subject {
            case .remote(let remote): byRemote[remote]
            case .key(let key): byKey[key]
            }
        guard let index else { return .notFound(.notFound) }
        moveOn(index)
        return .found(reply(index))
    }

    /// A running task is charged for half; whether the reply states it is random.
    mutating func cancel(_ remote: RemoteTaskID) -> QueryResult {
        guard let index = byRemote[remote] else { return .notFound(.notFound) }
        switch renders[index].phase {
        case .queued: renders[index].phase = .cancelled
        case .running:
            renders[index].phase = .cancelled
            renders[index].charged = Credits(nano: renders[index].price.nano / 2)
        case .completed, .failed, .cancelled, .unknown: break
        }
        return .found(reply(index))
    }

    /// Sometimes a running task is cancelled in the provider's console.
    private mutating func moveOn(_ index: Int) {
        let chance = Int.random(in: 0..<20, using: &random)
        switch renders[index].phase {
        case .queued where chance < 12: renders[index].phase = .running
        case .running where chance < 12:
            renders[index].phase = .completed
            renders[index].charged = renders[index].price
        case .running where chance == 12:
            renders[index].phase = .cancelled
            renders[index].charged = Credits(nano: renders[index].price.nano / 3)
        case .queued where chance == 13, .running where chance == 13: renders[index].phase = .failed
        case .queued, .running, .completed, .failed, .cancelled, .unknown: break
        }
    }

    private mutating func reply(_ index: Int) -> RemoteTask {
        var report = report(index)
        guard let charged = renders[index].charged else { return report }
        if renders[index].silence > 0, !isCalm {
            renders[index].silence -= 1
        } else {
            report.charges = [Self.amount(charged, "credits_used")]
        }
        return report
    }

    private func report(_ index: Int) -> RemoteTask {
        RemoteTask(
            phase: renders[index].phase, remoteID: renders[index].remote,
            asset: renders[index].phase == .completed ? AssetLocation(url: "http://assets/\(index)") : nil)
    }
}
