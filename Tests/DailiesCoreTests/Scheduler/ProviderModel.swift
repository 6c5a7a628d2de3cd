@testable import DailiesCore

/// An in-memory provider that answers randomly but keeps its protocol: it never bills refused submits, and it knows
/// what it accepted. Its bill is the sum of its charges.
struct ProviderModel {
    struct Render {
        let remote: RemoteTaskID
        let attempt: AttemptID
        let key: SubmissionKey
        let account: KeyFingerprint
        var phase = RemoteTask.Phase.queued
        /// The charge on completion.
        let price: Credits
        var isPriceStated: Bool
        var hasURL: Bool
    }

    private var random: SplitMix64
    let honoursKeys: Bool
    let echoes: Bool
    /// The rate of faults, 0 … 1.
    private let trouble: Double
    /// Replies left before faults end, so that every run can end.
    private var faultsLeft: Int
    private(set) var renders: [Render] = []
    private var byRemote: [RemoteTaskID: Int] = [:]
    private var byKey: [SubmissionKey: Int] = [:]
    /// Whether the client has queried the render by its ID and therefore knows that it owns it.
    private var asked: Int?
    /// Requests left until it answers again.
    private var outage = 0

    init(seed: UInt64, faults: Int) {
        random = SplitMix64(seed: seed)
        honoursKeys = Bool.random(using: &random)
        echoes = honoursKeys && Bool.random(using: &random)
        trouble = Double.random(in: 0...0.6, using: &random)
        faultsLeft = faults
    }

    /// The exact sum of its bills.
    var bill: CreditTotal {
        renders.filter { $0.phase == .completed }.reduce(.zero) { $0 + $1.price }
    }

    private mutating func goesWrong() -> Bool {
        guard faultsLeft > 0, Double.random(in: 0..<1, using: &random) < trouble else { return false }
        faultsLeft -= 1
        return true
    }

    private mutating func isAway() -> Bool {
        if outage > 0 {
            outage -= 1
            return true
        }
        if goesWrong(), Int.random(in: 0..<12, using: &random) == 0 { outage = Int.random(in: 1...12, using: &random) }
        return false
    }

    mutating func submit(_ submission: Submission) -> SubmitResult {
        if isAway() {
            return Bool.random(using: &random)
                ? .notAccepted(.refusedConnection) : .unknown(.timeout, isFreeByContract: false)
        }
        let existing = honoursKeys ? byKey[submission.key] : nil
        guard goesWrong() else { return .accepted(take(submission, existing)) }
        switch Int.random(in: 0..<14, using: &random) {
        case 12: return .notAccepted(.status(Int.random(in: 404...407, using: &random)))
        case 13:
            // The ID of another render, and nothing is rendered.
            guard existing == nil, let asked, renders[asked].account == submission.account else { return .timedOut }
            return .accepted(
                RemoteTask(phase: .queued, remoteID: renders[asked].remote, submissionKey: submission.key))
        case 0: return .notAccepted(.refusedConnection)
        case 1: return .refused(.status(400, "invalid_param"))
        case 2:
            let wait: Duration? = Bool.random(using: &random) ? .seconds(Int.random(in: 0...40, using: &random)) : nil
            return .throttled(.status(429, "rate_limit_exceeded", retryAfter: wait), .rate)
        case 3: return .throttled(.status(429, "concurrency_limit"), .concurrency)
        case 4: return .noFunds
        case 5:
            return Int.random(in: 0..<4, using: &random) == 0
                ? .stopped(.status(403, "model_not_in_group"), .modelNotInGroup)
                : .unknown(.status(500), isFreeByContract: false)
        case 6: return .freeServerError
        case 7:
            return existing == nil
                ? .timedOut : .unknown(.status(409, "duplicate_out_task_id"), isFreeByContract: false)
        case 8, 9:
            // Accepted, but the reply is lost: the case that costs money.
            _ = take(submission, existing)
            return .timedOut
        default: return .timedOut
        }
    }

    private mutating func take(_ submission: Submission, _ existing: Int?) -> RemoteTask {
        let index = existing ?? renders.count
        if existing == nil {
            let remote = RemoteTaskID("r\(renders.count + 1)")
            renders.append(
                Render(
                    remote: remote, attempt: submission.attempt, key: submission.key, account: submission.account,
                    price: Credits(nano: Int64.random(in: 1...1_800_000_000, using: &random)),
                    isPriceStated: Int.random(in: 0..<8, using: &random) > 0,
                    hasURL: Int.random(in: 0..<8, using: &random) > 0))
            byRemote[remote] = index
            if honoursKeys { byKey[submission.key] = index }
        }
        var report = report(index)
        if echoes { report.submissionKey = submission.key }
        if Bool.random(using: &random) { report.estimate = estimate(renders[index].price) }
        return report
    }

    private func estimate(_ price: Credits) -> Amount {
        Amount(credits: price, text: "\(price)", source: "estimated_credits", isRounded: false)
    }

    mutating func query(_ question: TaskQuery) -> QueryResult {
        if isAway() { return .fault(.timeout) }
        let index: Int?
        switch question.subject {
        case .remote(let remote):
            index = byRemote[remote]
            asked = index
        case .key(let key):
            index = byKey[key]
            if goesWrong(), Int.random(in: 0..<3, using: &random) == 0, let asked,
                renders[asked].key != key, renders[asked].account == question.account
            {
                return .found(report(asked))
            }
        }
        guard let index else { return .notFound(.notFound) }
        // Temporarily unknown by ID. By key it would be a lie that no client could handle.
        if goesWrong() {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: if case .remote = question.subject { return .notFound(.notFound) }
            case 1: return .fault(.status(429, "rate_limit_exceeded"))
            case 2: return .found(RemoteTask(phase: .unknown("thinking"), remoteID: renders[index].remote))
            case 3: return .fault(.status(503))
            default: break
            }
        }
        moveOn(index)
        if renders[index].phase == .completed, Bool.random(using: &random) {
            renders[index].isPriceStated = true
            renders[index].hasURL = renders[index].hasURL || Bool.random(using: &random)
        }
        return .found(report(index))
    }

    mutating func cancel(_ remote: RemoteTaskID) -> QueryResult {
        if isAway() || goesWrong() { return .fault(.timeout) }
        guard let index = byRemote[remote] else { return .notFound(.notFound) }
        if renders[index].phase == .queued { renders[index].phase = .cancelled }
        return .found(report(index))
    }

    private mutating func moveOn(_ index: Int) {
        let chance = Int.random(in: 0..<10, using: &random)
        switch renders[index].phase {
        case .queued where chance < 5: renders[index].phase = .running
        case .queued where chance == 5, .running where chance == 5: renders[index].phase = .failed
        case .running where chance < 5: renders[index].phase = .completed
        case .queued, .running, .completed, .failed, .cancelled, .unknown: break
        }
    }

    private func report(_ index: Int) -> RemoteTask {
        let render = renders[index]
        var report = RemoteTask(phase: render.phase, remoteID: render.remote)
        guard render.phase == .completed else { return report }
        if render.isPriceStated {
            report.charges = [
                Amount(credits: render.price, text: "\(render.price)", source: "credits_used", isRounded: false)
            ]
        }
        if render.hasURL { report.asset = AssetLocation(url: "http://assets/\(render.remote)") }
        return report
    }

    mutating func download() -> DownloadResult {
        guard goesWrong() else { return .saved(SavedClip(path: "/clip", sha256: "", bytes: 1)) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .refused(.status(403))
        case 1: return .malformed("no moov box")
        case 2: return .diskFailed("no space left")
        case 3: return .unverified(path: "/kept")
        case 4: return .blocked("no name is left")
        case 5: return .stopped
        default: return .interrupted(.timeout, reached: Int64.random(in: 0...1000, using: &random))
        }
    }
}
