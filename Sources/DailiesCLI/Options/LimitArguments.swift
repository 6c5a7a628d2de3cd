import ArgumentParser
import DailiesCore

/// `25`, or `model:seedance-2.0=8`.
enum ConcurrencyArgument: ExpressibleByArgument {
    case total(Int)
    case model(ModelID, Int)

    private static let modelPrefix = "model:"
    fileprivate static let range = 1...1_000_000

    init?(argument: String) {
        guard let (model, text) = Self.parts(argument), let limit = Int(text) else { return nil }
        self = model.map { .model($0, limit) } ?? .total(limit)
    }

    /// The model, if one is named, and the text of its limit.
    fileprivate static func parts(_ argument: String) -> (model: ModelID?, limit: Substring)? {
        guard argument.hasPrefix(modelPrefix) else { return (nil, argument[...]) }
        let text = argument.dropFirst(modelPrefix.count)
        // Split at the last equals sign: a model name may contain one, a number cannot.
        guard let last = text.lastIndex(of: "="), last > text.startIndex else { return nil }
        return (ModelID(String(text[..<last])), text[text.index(after: last)...])
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

    /// The limit for all models together; nil if only model limits are given.
    static func total(_ all: [ConcurrencyArgument]) -> Int? {
        for case .total(let limit) in all { return limit }
        return nil
    }

    static func byModel(_ all: [ConcurrencyArgument]) -> [(model: ModelID, limit: Int)] {
        all.compactMap { argument in
            if case .model(let model, let limit) = argument { (model, limit) } else { nil }
        }
    }

    /// - Parameter controls: limits set with `dailies concurrency`; options override them.
    static func limits(_ all: [ConcurrencyArgument], controls: RunControls) -> SubmissionLimits {
        var limits = SchedulerSettings().limits
        limits.concurrency = total(all) ?? controls.concurrency ?? limits.concurrency
        limits.byModel = controls.modelConcurrency
        for (model, limit) in byModel(all) { limits.byModel[model] = limit }
        return limits
    }
}

/// The argument of `dailies concurrency`: `25`, `none`, `model:seedance-2.0=8`, `model:seedance-2.0=none`.
struct LimitArgument: ExpressibleByArgument {
    let model: ModelID?
    /// nil: no limit.
    let number: Int?

    init?(argument: String) {
        guard let (model, text) = ConcurrencyArgument.parts(argument) else { return nil }
        self.model = model
        number = text.lowercased() == "none" ? nil : Int(text)
        guard text.lowercased() == "none" || number.map(ConcurrencyArgument.range.contains) == true else { return nil }
    }
}

/// `documented`, `adaptive`, or `adaptive:0.5`: that share of the requests of the documented cadence.
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

/// Submits per unit of time: `2/s`, `30/min`, `0.5/s`, `100/h`.
struct RateArgument: ExpressibleByArgument, CustomStringConvertible {
    let pace: SubmitRate
    /// The argument as typed.
    let description: String

    private static let units: [String: Duration] = ["s": .seconds(1), "min": .seconds(60), "h": .seconds(3600)]
    /// One submit per microsecond.
    private static let maximumPerSecond = 1e6

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let unit = Self.units[String(parts[1])], let count = Double(parts[0]), count > 0,
            count / unit.inSeconds <= Self.maximumPerSecond, unit.inSeconds / count <= 86_400
        else { return nil }
        description = argument
        pace = SubmitRate(interval: .nanoseconds(Int64((unit.inSeconds * 1e9 / count).rounded(.up))))
    }
}
