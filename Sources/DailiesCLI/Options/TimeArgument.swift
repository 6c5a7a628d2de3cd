import ArgumentParser
import DailiesCore
import ProviderWire

/// The start of a month (`2026-11`) or day (`2026-11-23`, `today`, `yesterday`), or a time (`2026-11-23T06:00:00Z`).
/// UTC unless an offset follows (`2026-11-23+02:00`). Dates that do not exist are refused.
struct TimeArgument: ExpressibleByArgument {
    private static let day = Duration.seconds(86_400)

    let instant: Instant

    init?(argument: String) { self.init(argument, now: Composition.timers().now) }

    /// - Parameter now: the time that defines `today`.
    init?(_ argument: String, now: Instant) {
        switch argument.lowercased() {
        case "today": self.init(date: Composition.Calendar.day(of: now))
        case "yesterday": self.init(date: Composition.Calendar.day(of: now - Self.day))
        default: self.init(date: argument)
        }
    }

    private init?(date text: String) {
        let moment =
            if let month = text.wholeMatch(of: #/\d{4}-\d\d/#) {
                month.0 + "-01T00:00:00Z"
            } else if let date = text.wholeMatch(of: #/(\d{4}-\d\d-\d\d)([Zz]|[+-]\d\d:?\d\d)?/#) {
                date.1 + "T00:00:00" + (date.2 ?? "Z")
            } else {
                text[...]
            }
        guard let instant = ISOTimestamp.parse(moment) else { return nil }
        self.instant = instant
    }
}
