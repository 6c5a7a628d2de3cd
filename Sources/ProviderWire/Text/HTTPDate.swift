import DailiesCore

/// The date format of header fields: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Source: RFC 9110, section 5.6.7, IMF-fixdate. The two obsolete forms are not supported: no current server sends
/// them.
package enum HTTPDate {
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let length = 29

    /// - Returns: nil for other text. The weekday is not checked against the date.
    package static func parse(_ text: some StringProtocol) -> Instant? {
        guard text.utf8.count == length else { return nil }
        var reader = ASCIIReader(text)
        guard let weekday = reader.word(3), days.contains(weekday), reader.word(2) == ", ",
            let dayNumber = reader.number(2), reader.take(" ") != nil,
            let month = reader.word(3).flatMap(months.firstIndex(of:)), reader.take(" ") != nil,
            let year = reader.number(4), reader.take(" ") != nil,
            let hour = reader.number(2), reader.take(":") != nil,
            let minute = reader.number(2), reader.take(":") != nil,
            let second = reader.number(2), reader.word(4) == " GMT",
            let day = CalendarDay(year: year, month: month + 1, day: dayNumber)
        else { return nil }
        return ClockTime.instant(day, hour: hour, minute: minute, second: second)
    }

    /// The instant's second, rounded down.
    package static func format(_ instant: Instant) -> String {
        let time = ClockTime(instant)
        let date = "\(days[time.day.weekday]), \(padded(time.day.day)) \(months[time.day.month - 1]) \(time.day.year)"
        return "\(date) \(padded(time.hour)):\(padded(time.minute)):\(padded(time.second)) GMT"
    }
}
