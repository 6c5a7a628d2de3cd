import DailiesCore

/// A task of the provider: what was fixed at acceptance, and its progress.
struct SimulatedTask: Hashable, Sendable, Codable {
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
    var outcome = Outcome.completes
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
    /// Number of `completed` responses so far.
    var completedReplies = 0
    /// Whether its client has queried it by ID.
    var isAskedByID = false
    /// The current version of its clip.
    var assetVersion = 0
    /// Whether the response states the cost of a cancellation.
    var statesCancelCharge = true

    /// What the journal keeps, with the names of its JSON members: what was fixed at acceptance, except the outcome.
    enum CodingKeys: String, CodingKey {
        case ordinal, id, owner, content, dialect, model, resolution, seconds, estimate, bill, container
        case outTaskID = "out_task_id"
        case aspectRatio = "aspect_ratio"
        case submittedAt = "submitted_at_ns"
        case queuedFor = "queued_for_ns"
        case runsFor = "runs_for_ns"
        case perSecond = "per_second_nano"
        case forgottenUntil = "forgotten_until_ns"
        case keyForgottenAt = "key_forgotten_at_ns"
        case repliesWithoutURL = "replies_without_url"
        case repliesWithoutCost = "replies_without_cost"
        case isAssetLate = "is_asset_late"
        case droppedAt = "dropped_at_ns"
    }
}

extension SimulatedTask.Outcome: Codable {
    private enum Keys: String, CodingKey {
        case fails
        case code = "error_code"
        case message = "error_message"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        let fails = try values.decodeIfPresent(Bool.self, forKey: .fails) ?? false
        self =
            fails
            ? .fails(
                code: try values.decodeIfPresent(String.self, forKey: .code),
                message: try values.decodeIfPresent(String.self, forKey: .message))
            : .completes
    }

    func encode(to encoder: any Encoder) throws {
        guard case .fails(let code, let message) = self else { return }
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(true, forKey: .fails)
        try values.encodeIfPresent(code, forKey: .code)
        try values.encodeIfPresent(message, forKey: .message)
    }
}

// How the synthesized code reads and writes durations, in nanoseconds, and the members that early journals omit.
extension KeyedEncodingContainer {
    fileprivate mutating func encode(_ duration: Duration, forKey key: Key) throws {
        try encode(duration.nanoseconds, forKey: key)
    }
}

extension KeyedDecodingContainer {
    fileprivate func decode(_ type: Duration.Type, forKey key: Key) throws -> Duration {
        .nanoseconds(try decode(Int64.self, forKey: key))
    }

    fileprivate func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try decodeIfPresent(type, forKey: key) ?? false
    }

    fileprivate func decode(_ type: ClipWriter.Container.Type, forKey key: Key) throws -> ClipWriter.Container {
        try decodeIfPresent(type, forKey: key) ?? .mp4
    }
}

extension Dialect: Codable {}

extension Instant: Codable {
    /// Reads nanoseconds since the Unix epoch.
    public init(from decoder: any Decoder) throws { self.init(nanoseconds: try Int64(from: decoder)) }
    /// Writes nanoseconds since the Unix epoch.
    public func encode(to encoder: any Encoder) throws { try nanoseconds.encode(to: encoder) }
}

extension Credits: Codable {
    /// Reads billionths.
    public init(from decoder: any Decoder) throws { self.init(nano: try Int64(from: decoder)) }
    /// Writes billionths.
    public func encode(to encoder: any Encoder) throws { try nano.encode(to: encoder) }
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

extension BilledAmount: Codable {
    init(from decoder: any Decoder) throws { self.init(text: try String(from: decoder)) }
    func encode(to encoder: any Encoder) throws { try text.encode(to: encoder) }
}
