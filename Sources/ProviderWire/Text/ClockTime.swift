import DailiesCore

/// Converts between an instant and a UTC date and time.
struct ClockTime {
    let day: CalendarDay
    /// 0 ..< 86,400.
    let secondOfDay: Int
    /// 0 ..< 1,000,000,000.
    let nanosecond: Int

    init(_ instant: Instant) {
        let nanosecondsOfDay = Int64(86_400_000_000_000)
        var days = instant.nanoseconds / nanosecondsOfDay
        var rest = instant.nanoseconds % nanosecondsOfDay
        if rest < 0 {
            days -= 1
            rest += nanosecondsOfDay
        }
        day = CalendarDay(number: Int(days))
        secondOfDay = Int(rest / 1_000_000_000)
        nanosecond = Int(rest % 1_000_000_000)
    }

    /// The instant for a day and time; nil beyond the range of ``Instant``.
    ///
    /// - Parameter second: may be 60 in a leap second, which counts as the first of the next minute.
    static func instant(
        _ day: CalendarDay, hour: Int, minute: Int, second: Int, nanosecond: Int = 0, offsetSeconds: Int = 0
    ) -> Instant? {
        guard 0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second else { return nil }
        let seconds = Int64(day.number) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offsetSeconds)
        return Int64(exactly: Int128(seconds) * 1_000_000_000 + Int128(nanosecond)).map(Instant.init(nanoseconds:))
    }

    var hour: Int { secondOfDay / 3600 }
    var minute: Int { secondOfDay / 60 % 60 }
    var second: Int { secondOfDay % 60 }
}

/// At least two digits.
func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
