import DailiesCore
import DailiesManifest

/// Compares option values: which one is stricter.
struct OptionLimit: Sendable {
    struct Limit: Sendable {
        /// Values of the same scope replace each other.
        let scope: ByteKey
        /// How much the value allows; a smaller number is stricter.
        let allows: Int64
        static let unlimited = Int64.max

        init(scope: String = "", allows: Int64) {
            self.scope = ByteKey(scope)
            self.allows = allows
        }
    }

    /// Why a value in the folder's file is refused.
    enum Refusal: Error {
        case noValue(ConfigurationFile.Value)
        /// It allows more than the current limit `than`; nil: it removes a limit.
        case looser(ConfigurationFile.Value, than: String?)
    }

    /// The default value, for options with one scope; nil: no limit.
    let standard: String?
    let measure: @Sendable (String) -> Limit?
    /// The value to use if only the folder's file sets this scope.
    var alone: @Sendable (String) -> String = { $0 }

    /// The result of combining both files.
    struct Tightened {
        var values: [String]
        /// Values of the folder's file that changed the result.
        var changes: [String] = []
    }

    /// - Parameter own: values from the user's file.
    func tightened(_ own: [String], by folder: [ConfigurationFile.Value]) throws(Refusal) -> Tightened {
        let ownScopes = Set(own.compactMap { measure($0)?.scope })
        var result = Tightened(values: own)
        for value in folder {
            guard let limit = measure(value.text) else { throw .noValue(value) }
            let index = result.values.firstIndex { measure($0)?.scope == limit.scope }
            let known =
                index.map { result.values[$0] } ?? standard.flatMap { measure($0)?.scope == limit.scope ? $0 : nil }
            let allowed = known.flatMap { measure($0)?.allows } ?? Limit.unlimited
            guard limit.allows < Limit.unlimited, limit.allows <= allowed else {
                throw .looser(value, than: allowed == Limit.unlimited ? nil : known)
            }
            guard limit.allows < allowed else { continue }
            let text = ownScopes.contains(limit.scope) ? value.text : alone(value.text)
            if let index { result.values[index] = text } else { result.values.append(text) }
            result.changes.append(value.text)
        }
        return result
    }
}

extension OptionLimit {
    /// Synonyms of true and false are normalized before this.
    static let flag = OptionLimit(standard: "false") { text in
        Bool(text).map { Limit(allows: $0 ? 1 : 0) }
    }

    /// A flag that is stricter when set.
    static let strictness = OptionLimit(standard: "false") { text in
        Bool(text).map { Limit(allows: $0 ? 0 : 1) }
    }

    /// - Parameters:
    ///   - standard: the default; nil: no limit.
    ///   - zeroIsNone: 0 means no limit.
    static func number(_ standard: Int64? = nil, zeroIsNone: Bool = false) -> OptionLimit {
        OptionLimit(standard: standard.map { "\($0)" }) { text in
            Int64(text).map { Limit(allows: zeroIsNone && $0 == 0 ? Limit.unlimited : $0) }
        }
    }

    static func percentAtLeast(_ standard: Int64) -> OptionLimit {
        OptionLimit(standard: "\(standard)") { text in
            Int64(text).flatMap { 0...100 ~= $0 ? Limit(allows: 100 - $0) : nil }
        }
    }

    static let credits = OptionLimit(standard: nil) { text in
        CreditsArgument(argument: text).map { Limit(allows: $0.credits.nano) }
    }

    /// The batch's budget, and one for each tag. A lower stored budget stays.
    static let budget = OptionLimit(standard: nil) { text in
        switch BudgetArgument(argument: text) {
        case nil: nil
        case .batch(let setting): Limit(allows: setting.cap?.nano ?? Limit.unlimited)
        case .tag(let budget):
            Limit(
                scope: "\(budget.tag.name.utf8.count) \(budget.tag.name)=\(budget.tag.value)",
                allows: budget.setting.cap?.nano ?? Limit.unlimited)
        }
    } alone: {
        BudgetArgument.atMost($0)
    }

    static let budgetMode = OptionLimit(standard: BudgetMode.cautious.rawValue) { text in
        BudgetMode(rawValue: text).map { mode in
            switch mode {
            case .cautious: Limit(allows: 0)
            case .hard: Limit(allows: 1)
            case .soft: Limit(allows: 2)
            }
        }
    }

    /// The total limit, and one for each model.
    static let concurrency = OptionLimit(standard: "\(SchedulerSettings().concurrency)") { text in
        switch ConcurrencyArgument(argument: text) {
        case nil: nil
        case .total(let limit): Limit(allows: Int64(limit))
        case .model(let model, let limit): Limit(scope: "model \(model.text)", allows: Int64(limit))
        }
    }

    /// A longer interval between submits is stricter.
    static let rate = OptionLimit(standard: nil) { text in
        RateArgument(argument: text).map { argument in
            let interval = argument.pace.interval.components
            return Limit(allows: -(interval.seconds * 1_000_000_000 + interval.attoseconds / 1_000_000_000))
        }
    }
}
