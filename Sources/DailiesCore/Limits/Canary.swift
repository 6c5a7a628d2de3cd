/// Renders a few clips first; the rest follows only if they succeed.
public struct CanarySettings: Hashable, Sendable {
    /// The number of clips to render first, at least 1.
    public var clips: Int
    /// Percentage of them that must complete, 0 … 100. Default 80.
    public var successRate = 80
    /// Maximum cost per clip; nil (default): any.
    public var maximumCredits: Credits?

    /// Creates settings for this number of clips, with defaults otherwise.
    public init(clips: Int) {
        precondition(clips >= 1, "a canary needs at least one clip, not \(clips)")
        self.clips = clips
    }
}

/// Counts the outcomes of the first clips. Clips that an earlier run began do not count.
struct Canary: Sendable {
    enum Decision: Hashable, Sendable {
        case pass
        /// With a message for the user.
        case fail(String)
    }

    private let rule: CanarySettings
    private var pending: Set<AttemptID> = []
    private var ended = 0
    private var completed = 0
    private var highest: (key: TaskKey, credits: Credits?)?
    private(set) var verdict: Decision?

    init(_ rule: CanarySettings) { self.rule = rule }

    var clips: Int { rule.clips }

    /// Whether another clip may begin now.
    var mayBegin: Bool { verdict == .pass || (verdict == nil && pending.count + ended < rule.clips) }

    /// Whether a clip counts only once its cost is known.
    var awaitsCost: Bool { rule.maximumCredits != nil }

    mutating func began(_ attempt: AttemptID) { if verdict == nil { pending.insert(attempt) } }

    /// The attempt never reached the provider, so another may take its place.
    mutating func didNotStart(_ attempt: AttemptID) { pending.remove(attempt) }

    /// Records the outcome of an attempt and its cost (nil: unknown).
    mutating func ended(_ attempt: AttemptID, _ key: TaskKey, isCompleted: Bool, credits: Credits? = nil) {
        guard verdict == nil, pending.remove(attempt) != nil else { return }
        ended += 1
        if isCompleted {
            completed += 1
            if let limit = rule.maximumCredits, credits.map({ $0 > limit }) ?? true, highest == nil {
                highest = (key, credits)
            }
        }
        guard ended >= rule.clips else { return }
        verdict = judge()
    }

    private func judge() -> Decision {
        let percent = completed * 100 / ended
        guard completed * 100 >= min(max(rule.successRate, 0), 100) * ended else {
            return .fail(
                "\(completed) of \(ended) canary clips completed (\(percent) %); \(rule.successRate) % required"
            )
        }
        if let highest, let limit = rule.maximumCredits {
            let cost = highest.credits.map { "cost \($0) credits" } ?? "cost an unknown amount"
            return .fail("the canary clip \(highest.key) \(cost); the limit is \(limit) per clip")
        }
        return .pass
    }
}
