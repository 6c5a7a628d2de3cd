/// Rules for failures that cost nothing. The first matching rule decides.
public struct RetryRules: Hashable, Sendable {
    /// What to do with a task that failed free of charge.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// Start a new attempt with the same request, if attempts are left.
        case retry
        /// Start a new attempt with another seed if the model accepts one; otherwise like `retry`.
        case newSeed = "new_seed"
        /// Leave the task failed.
        case skip
        /// Pause and probe the model's queue; a refused submit goes back to waiting.
        case pause
    }

    /// Maps a kind of failure to an action.
    public struct Rule: Hashable, Sendable {
        /// HTTP status of a refused submit; failed renders have none. nil: any or none.
        public var status: Int?
        /// The exact error code. nil: any.
        public var code: String?
        /// Part of the message, ignoring case. nil: any.
        public var text: String?
        /// The action if all set fields match.
        public var action: Action
        /// Creates a value from its properties.
        public init(status: Int? = nil, code: String? = nil, text: String? = nil, action: Action) {
            self.status = status
            self.code = code
            self.text = text
            self.action = action
        }

        func matches(_ failure: Failure) -> Bool {
            if let status, status != failure.status { return false }
            if let code, code != failure.code { return false }
            if let text { return failure.message?.lowercased().contains(text.lowercased()) ?? false }
            return true
        }
    }

    /// The facts about a failure.
    public struct Failure: Hashable, Sendable {
        /// HTTP status of a refusal; nil for a failed render.
        public let status: Int?
        /// The provider's error code; nil if there was none.
        public let code: String?
        /// The provider's message; nil if there was none.
        public let message: String?
        /// Creates a value from its properties.
        public init(status: Int?, code: String?, message: String?) {
            self.status = status
            self.code = code
            self.message = message
        }

        /// Whether the service or its upstream rejected the content.
        public var isPolicyRejection: Bool { status == 451 || code == "content_policy_violation" }
    }

    /// The user's rules, tried before the built-in ones.
    public var rules: [Rule]

    /// Creates rules in the order in which they are tried.
    public init(rules: [Rule] = []) { self.rules = rules }

    /// Sources: the errors page (codes that no retry changes; 451) and its note that upstreams were withdrawn.
    public static let builtIn = [
        Rule(code: "model_not_found", action: .pause),
        Rule(code: "unsupported_model", action: .pause),
        Rule(code: "content_policy_violation", action: .skip),
        Rule(code: "invalid_param", action: .skip),
    ]

    /// The action for a failure. By default a refused submit is skipped, since it would be refused again, and a failed
    /// render is retried.
    public func action(for failure: Failure) -> Action {
        for rule in rules + Self.builtIn where rule.matches(failure) { return rule.action }
        return failure.status == nil ? .retry : .skip
    }
}
