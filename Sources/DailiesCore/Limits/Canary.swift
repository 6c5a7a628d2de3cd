/// A few clips go first, and the rest only if those come out well.
public struct CanarySettings: Hashable, Sendable {
    /// How many go first, at least 1.
    public var clips: Int
    /// Percent of them that must be completed, 0 … 100. Default 80.
    public var successRate = 80
    /// What each of them may cost at most; nil (default): anything.
    public var maximumCredits: Credits?

    /// So many go first; everything else is as its default says.
    public init(clips: Int) {
        precondition(clips >= 1, "a canary of \(clips) clips shows nothing")
        self.clips = clips
    }
}

/// Keeps a ``CanarySettings``: counts what the first clips come to. What an earlier run began is none of them.
struct Canary: Sendable {
    enum Decision: Hashable, Sendable {
        case pass
        /// In words, for people.
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

    /// Whether one more may go now.
    var mayBegin: Bool { verdict == .pass || (verdict == nil && pending.count + ended < rule.clips) }

    /// Whether a clip's cost matters: it counts only once that is known.
    var awaitsCost: Bool { rule.maximumCredits != nil }

    mutating func began(_ attempt: AttemptID) { if verdict == nil { pending.insert(attempt) } }

    /// It never reached the provider: another may go in its place.
    mutating func didNotStart(_ attempt: AttemptID) { pending.remove(attempt) }

    /// The last word on one of them: rendered at a cost (nil: unknown), or not.
    mutating func ended(_ attempt: AttemptID, _ key: TaskKey, isCompleted: Bool, credits: Credits? = nil) {
        guard verdict == nil, pending.remove(attempt) != nil else { return }
        ended += 1
        if isCompleted {
            completed += 1
            if let most = rule.maximumCredits, credits.map({ $0 > most }) ?? true, highest == nil {
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
        if let highest, let most = rule.maximumCredits {
            let cost = highest.credits.map { "cost \($0) credits" } ?? "cost an unknown amount"
            return .fail("the canary clip \(highest.key) \(cost); the limit is \(most) per clip")
        }
        return .pass
    }
}
