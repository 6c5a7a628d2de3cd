import DailiesCore

/// A task of the provider: what was fixed at acceptance, and its progress.
struct SimulatedTask: Hashable, Sendable {
    /// The state of a task.
    enum Phase: Hashable, Sendable {
        /// Becomes `running` when its wait is over and a slot is free, or `cancelled`.
        case queued
        /// Becomes `completed` or `failed`, as fixed at acceptance, or `cancelled`.
        case running(since: Instant)
        /// Final; billed.
        case completed(at: Instant)
        /// Final; free.
        case failed(at: Instant)
        /// Final; billed if it has a charge.
        case cancelled(at: Instant, charge: BilledAmount?)

        var isFinal: Bool {
            switch self {
            case .queued, .running: false
            case .completed, .failed, .cancelled: true
            }
        }
    }

    /// The result of the render unless it is cancelled.
    enum Outcome: Hashable, Sendable {
        case completes
        case fails(code: String?, message: String?)
    }

    /// Number in order of acceptance, from 0.
    let ordinal: Int
    let id: String
    /// The owner: a hash of the API key.
    let owner: UInt64
    let outTaskID: String?
    /// Hash of the content by which submissions with the same key are compared.
    let content: UInt64
    let dialect: Dialect
    let model: String
    let resolution: String?
    let aspectRatio: String?
    let seconds: Int
    let submittedAt: Instant
    /// Real time: already divided by the speed.
    let queuedFor: Duration
    let runsFor: Duration
    let outcome: Outcome
    let estimate: BilledAmount
    /// The cost of the completed task.
    let bill: BilledAmount
    /// The cost of a rendered second after cancellation.
    let perSecond: Credits
    /// Queries before this time return 404.
    let forgottenUntil: Instant?
    /// When its key is forgotten; nil for never.
    let keyForgottenAt: Instant?
    /// How many `completed` responses omit the URL and the cost; `Int.max` for all.
    let repliesWithoutURL: Int
    let repliesWithoutCost: Int
    /// Whether its clip is temporarily unavailable after completion.
    let isAssetLate: Bool
    /// The file format of its clip.
    let container: ClipWriter.Container
    /// When it is deleted; nil for never.
    let droppedAt: Instant?

    var phase: Phase = .queued
    /// Number of `completed` responses so far. Kept in snapshots, but not in journals.
    var completedReplies = 0
    /// Whether its client has queried it by ID. Kept in snapshots, but not in journals.
    var isAskedByID = false
    /// The current version of its clip. Kept in snapshots, but not in journals.
    var assetVersion = 0
    /// Whether the response states the cost of a cancellation.
    var statesCancelCharge = true
}

/// An amount as written in responses, and its value in exact billionths.
struct BilledAmount: Hashable, Sendable {
    let text: String
    let credits: Credits

    init(_ credits: Credits, style: SimulatorConfiguration.AmountStyle) {
        let text = Self.write(credits, style)
        self.init(text: text, fallback: credits)
    }

    /// The value of a text, rounded like a reader would if it has more than nine decimals.
    init(text: String, fallback: Credits = .zero) {
        self.text = text
        credits = Credits.read(text)?.credits ?? fallback
    }

    private static func write(_ credits: Credits, _ style: SimulatorConfiguration.AmountStyle) -> String {
        let plain = credits.description
        let parts = plain.split(separator: ".")
        let decimals = parts.count > 1 ? String(parts[1]) : ""
        switch style {
        case .plain: return plain
        case .padded(let count):
            let zeros = String(repeating: "0", count: max(0, min(count, 18) - decimals.count))
            return decimals.isEmpty && zeros.isEmpty ? plain : "\(parts[0]).\(decimals)\(zeros)"
        case .overlong(let tail):
            let zeros = String(repeating: "0", count: 9 - decimals.count)
            return "\(parts[0]).\(decimals)\(zeros)\(tail.prefix(30))"
        case .exponent:
            let digits = (String(parts[0]) + decimals).drop { $0 == "0" }
            return "\(digits.isEmpty ? "0" : digits)e-\(decimals.count)"
        }
    }
}
