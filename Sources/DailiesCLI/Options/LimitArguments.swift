import ArgumentParser
import DailiesCore

/// `25`, or `model:seedance-2.0=8`.
enum ConcurrencyArgument: ExpressibleByArgument {
    case total(Int)
    case model(ModelID, Int)

    private static let modelPrefix = "model:"
    private static let range = 1...1_000_000

    init?(argument: String) {
        if argument.hasPrefix(Self.modelPrefix) {
            let text = argument.dropFirst(Self.modelPrefix.count)
            // Parted at the last equals sign: a model's name may hold one, a number does not.
            guard let last = text.lastIndex(of: "="), last > text.startIndex,
                let limit = Int(text[text.index(after: last)...])
            else { return nil }
            self = .model(ModelID(String(text[..<last])), limit)
        } else if let limit = Int(argument) {
            self = .total(limit)
        } else {
            return nil
        }
    }

    static func validate(_ all: [ConcurrencyArgument]) throws {
        let limits = all.map { argument in
            switch argument {
            case .total(let limit), .model(_, let limit): limit
            }
        }
        guard limits.allSatisfy(Self.range.contains) else {
            throw ValidationError("--concurrency must be a number from 1 to 1000000, alone or as model:NAME=NUMBER")
        }
        let models = byModel(all)
        guard all.count - models.count <= 1, Set(models.map(\.model)).count == models.count else {
            throw ValidationError("--concurrency can set only one limit for all models and one for each model")
        }
    }

    /// What holds for all models together; nil where only models are named.
    static func total(_ all: [ConcurrencyArgument]) -> Int? {
        for case .total(let limit) in all { return limit }
        return nil
    }

    static func byModel(_ all: [ConcurrencyArgument]) -> [(model: ModelID, limit: Int)] {
        all.compactMap { argument in
            if case .model(let model, let limit) = argument { (model, limit) } else { nil }
        }
    }

    /// - Parameter told: limits by `dailies concurrency`, which hold where no option says otherwise.
    static func limits(_ all: [ConcurrencyArgument], told: RunControls) -> SubmissionLimits {
        var limits = SchedulerSettings().limits
        limits.concurrency = total(all) ?? told.concurrency ?? limits.concurrency
        limits.byModel = told.modelConcurrency
        for (model, limit) in byModel(all) { limits.byModel[model] = limit }
        return limits
    }
}

/// `documented`, `adaptive`, or `adaptive:0.5`: so much of the requests that the documented cadence would make.
struct CadenceArgument: ExpressibleByArgument, CustomStringConvertible {
    let mode: PollingMode
    let description: String

    private static let adaptive = "adaptive"
    private static let shares = 0.05...1.0

    init?(argument: String) {
        description = argument
        if argument == "documented" {
            mode = .documented
        } else if argument == Self.adaptive {
            mode = .adaptive
        } else if argument.hasPrefix(Self.adaptive + ":"),
            let share = Double(argument.dropFirst(Self.adaptive.count + 1)), Self.shares.contains(share)
        {
            mode = .adaptive(share: share)
        } else {
            return nil
        }
    }
}

/// `2/s`, `30/min`, `0.5/s`, `100/h`: so many submits in such a time.
struct RateArgument: ExpressibleByArgument, CustomStringConvertible {
    let pace: SubmitRate
    /// As it is given.
    let description: String

    private static let units: [String: Duration] = ["s": .seconds(1), "min": .seconds(60), "h": .seconds(3600)]
    /// More is no pace: a submit a microsecond.
    private static let most = 1e6

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let unit = Self.units[String(parts[1])], let count = Double(parts[0]), count > 0,
            count / unit.inSeconds <= Self.most, unit.inSeconds / count <= 86_400
        else { return nil }
        description = argument
        pace = SubmitRate(interval: .nanoseconds(Int64((unit.inSeconds * 1e9 / count).rounded(.up))))
    }
}
