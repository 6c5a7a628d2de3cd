/// What follows when a task failed for good, free of charge: rules as data, the first that fits decides.
public struct RetryRules: Hashable, Sendable {
    /// What becomes of a task that failed free of charge.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// A new attempt with the same request, as far as the number of attempts allows.
        case retry
        /// A new attempt with another seed, where the model takes one; else as `retry`.
        case newSeed = "new_seed"
        /// The task stays failed.
        case skip
        /// The model's lane pauses and is probed; a refused submit goes back and waits.
        case pause
    }

    /// What kind of failure leads to what.
    public struct Rule: Hashable, Sendable {
        /// HTTP status of a refused submit; a failed render has none. nil: any or none.
        public var status: Int?
        /// The error code, to the letter. nil: any.
        public var code: String?
        /// Part of the message, in any case of letters. nil: any.
        public var text: String?
        /// What follows where all that is set fits.
        public var action: Action
        /// Takes its properties as they are given.
        public init(status: Int? = nil, code: String? = nil, text: String? = nil, action: Action) {
            self.status = status
            self.code = code
            self.text = text
            self.action = action
        }

        func fits(_ failure: Failure) -> Bool {
            if let status, status != failure.status { return false }
            if let code, code != failure.code { return false }
            if let text { return failure.message?.lowercased().contains(text.lowercased()) ?? false }
            return true
        }
    }

    /// What is known of a failure.
    public struct Failure: Hashable, Sendable {
        /// HTTP status of the refusal, if it was one.
        public let status: Int?
        /// The provider's code, if there was one.
        public let code: String?
        /// The provider's words, if there were any.
        public let message: String?
        /// Takes its properties as they are given.
        public init(status: Int?, code: String?, message: String?) {
            self.status = status
            self.code = code
            self.message = message
        }

        /// Refused for what it shows, by the service or its upstream.
        public var isPolicyRejection: Bool { status == 451 || code == "content_policy_violation" }
    }

    /// The user's, before the built-in ones.
    public var rules: [Rule]

    /// In the order in which they are tried.
    public init(rules: [Rule] = []) { self.rules = rules }

    /// Sources: the errors page (codes that no repeat changes; 451), and the page's note that upstreams were withdrawn.
    public static let builtIn = [
        Rule(code: "model_not_found", action: .pause),
        Rule(code: "unsupported_model", action: .pause),
        Rule(code: "content_policy_violation", action: .skip),
        Rule(code: "invalid_param", action: .skip),
    ]

    /// A refused submit is refused again, a failed render may well come out the next time, unless a rule says otherwise.
    public func action(for failure: Failure) -> Action {
        for rule in rules + Self.builtIn where rule.fits(failure) { return rule.action }
        return failure.status == nil ? .retry : .skip
    }
}
