import ArgumentParser
import DailiesCore
import Foundation

/// A UTC day (`2026-11-23`) or moment (`2026-11-23T06:00:00Z`).
struct TimeArgument: ExpressibleByArgument {
    let instant: Instant

    init?(argument: String) {
        let text = argument.count == 10 ? argument + "T00:00:00Z" : argument
        // Anything that is no date is refused by the nil that the parser gives; its error adds nothing.
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        instant = Instant(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
