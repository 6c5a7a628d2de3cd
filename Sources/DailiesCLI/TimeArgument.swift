import ArgumentParser
import DailiesCore
import ProviderWire

/// A UTC day (`2026-11-23`) or moment (`2026-11-23T06:00:00Z`). One that does not exist is refused.
struct TimeArgument: ExpressibleByArgument {
    let instant: Instant

    init?(argument: String) {
        guard let instant = ISOTimestamp.parse(argument.utf8.count == 10 ? argument + "T00:00:00Z" : argument) else {
            return nil
        }
        self.instant = instant
    }
}
