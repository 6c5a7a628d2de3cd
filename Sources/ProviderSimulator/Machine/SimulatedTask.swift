import DailiesCore

/// One task as the provider keeps it: what was settled when it was accepted, and how far it has come.
struct SimulatedTask: Hashable, Sendable {
    /// Where it is.
    enum Phase: Hashable, Sendable {
        /// Goes to `running` when its wait is over and a slot is free, or to `cancelled`.
        case queued
        /// Goes to `completed` or `failed`, as settled at acceptance, or to `cancelled`.
        case running(since: Instant)
        /// Final; billed.
        case completed(at: Instant)
        /// Final; free.
        case failed(at: Instant)
        /// Final; billed where a charge stands.
        case cancelled(at: Instant, charge: StatedAmount?)

        var isFinal: Bool {
            switch self {
            case .queued, .running: false
            case .completed, .failed, .cancelled: true
            }
        }
    }

    /// How the render ends unless it is cancelled.
    enum Outcome: Hashable, Sendable {
        case completes
        case fails(code: String?, message: String?)
    }

    /// Counted from 0 in the order of acceptance.
    let ordinal: Int
    let id: String
    /// Whose it is: a hash of the API key.
    let owner: UInt64
    let outTaskID: String?
    /// Hash of what makes two submissions under one key the same.
    let content: UInt64
    let dialect: Dialect
    let model: String
    let resolution: String?
    let aspectRatio: String?
    let seconds: Int
    let submittedAt: Instant
    /// Real time on the given clock: divided by the speed already.
    let queuedFor: Duration
    let runsFor: Duration
    let outcome: Outcome
    let estimate: StatedAmount
    /// What completion costs.
    let bill: StatedAmount
    /// What a rendered second costs when it is cancelled.
    let perSecond: Credits
    /// Queries before this find nothing.
    let forgottenUntil: Instant?
    /// Its key means nothing from here on; nil: it is remembered for good.
    let keyForgottenAt: Instant?
    /// How many replies that say `completed` lack the URL, and the cost; `Int.max`: all of them.
    let repliesWithoutURL: Int
    let repliesWithoutCost: Int
    /// Its clip is not there for a while after it has completed.
    let isAssetLate: Bool
    /// What kind of file its clip is.
    let container: MP4Writer.Container
    /// It is not known any more from here on; nil: it is kept for good.
    let droppedAt: Instant?

    var phase: Phase = .queued
    /// Replies so far that said `completed`. Forgotten by a journal, kept by a snapshot.
    var completedReplies = 0
    /// Its client has asked for it by its ID. Forgotten by a journal, kept by a snapshot.
    var isAskedByID = false
    /// Which version of its clip is there. Forgotten by a journal, kept by a snapshot.
    var assetVersion = 0
    /// Whether the reply states what a cancel cost.
    var statesCancelCharge = true
}

/// An amount as replies write it, and what it is worth in exact billionths.
struct StatedAmount: Hashable, Sendable {
    let text: String
    let credits: Credits

    init(_ credits: Credits, style: SimulatorConfiguration.AmountStyle) {
        let text = Self.write(credits, style)
        self.init(text: text, fallback: credits)
    }

    /// What a text says: a reader's own rounding where it has more than nine decimals.
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
