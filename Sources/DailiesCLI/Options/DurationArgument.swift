import ArgumentParser
import DailiesCore

/// A duration such as `90`, `90s`, `15min`, `2h` or `1h30min`. A number without a unit is seconds.
struct DurationArgument: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration
    let description: String

    private static let units: [(name: String, seconds: Int64)] = [
        ("h", 3600), ("min", 60), ("m", 60), ("s", 1), ("d", 86_400),
    ]
    /// Longer durations are assumed to be mistakes.
    private static let maximumSeconds: Int64 = 365 * 86_400

    init?(argument: String) {
        var seconds: Int64 = 0
        var rest = argument.lowercased()[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty, seconds <= Self.maximumSeconds {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits), number <= Self.maximumSeconds else { return nil }
            rest = rest.dropFirst(digits.count)
            let word = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(word.count)
            if word.isEmpty, rest.isEmpty {
                seconds += number
            } else if let unit = Self.units.first(where: { $0.name == word }) {
                seconds += number * unit.seconds
            } else {
                return nil
            }
        }
        guard seconds <= Self.maximumSeconds else { return nil }
        duration = .seconds(seconds)
        description = argument
    }
}

extension Dialect: ExpressibleByArgument {}
