import DailiesCore

/// The timestamps of the API's bodies: `2026-05-08T13:00:00Z`.
package enum ISOTimestamp {
    /// Maximum length of a text, to bound the parsing time.
    private static let maximumLength = 64

    /// Parses a date and time with an optional fraction (truncated to nine digits) and an optional offset; without an
    /// offset it is UTC, as documented for all times of the API.
    ///
    /// - Returns: nil for other text, for a day that does not exist, and beyond the range of ``Instant``.
    package static func parse(_ text: some StringProtocol) -> Instant? {
        guard text.utf8.count <= maximumLength else { return nil }
        var reader = ASCIIReader(text)
        guard let year = reader.number(4), reader.take("-") != nil,
            let month = reader.number(2), reader.take("-") != nil,
            let dayNumber = reader.number(2), reader.take("Tt") != nil,
            let hour = reader.number(2), reader.take(":") != nil,
            let minute = reader.number(2), reader.take(":") != nil,
            let second = reader.number(2),
            let nanosecond = fraction(&reader), let offset = offset(&reader), reader.isAtEnd,
            let day = CalendarDay(year: year, month: month, day: dayNumber)
        else { return nil }
        return ClockTime.instant(
            day, hour: hour, minute: minute, second: second, nanosecond: nanosecond, offsetSeconds: offset)
    }

    /// UTC with `Z`; a fraction, if not zero, of three, six or nine digits.
    package static func format(_ instant: Instant) -> String {
        let time = ClockTime(instant)
        let date = "\(time.day.year)-\(padded(time.day.month))-\(padded(time.day.day))"
        return "\(date)T\(padded(time.hour)):\(padded(time.minute)):\(padded(time.second))\(fraction(time.nanosecond))Z"
    }

    private static func fraction(_ nanosecond: Int) -> String {
        guard nanosecond > 0 else { return "" }
        var digits = String(nanosecond + 1_000_000_000).dropFirst()
        while digits.hasSuffix("000") { digits = digits.dropLast(3) }
        return ".\(digits)"
    }

    /// Nanoseconds of an optional `.123`; nil if no digit follows the point.
    private static func fraction(_ reader: inout ASCIIReader) -> Int? {
        guard reader.take(".,") != nil else { return 0 }
        var value = 0
        var count = 0
        while let digit = reader.number(1) {
            if count < 9 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }

    /// Seconds east of UTC of an optional `Z`, `+02`, `+0200` or `+02:00`; nil if out of range.
    private static func offset(_ reader: inout ASCIIReader) -> Int? {
        if reader.isAtEnd || reader.take("Zz") != nil { return 0 }
        guard let sign = reader.take("+-"), let hours = reader.number(2), hours <= 23 else { return nil }
        let hasColon = reader.take(":") != nil
        guard let minutes = reader.number(2) ?? (hasColon ? nil : 0), minutes <= 59 else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }
}
