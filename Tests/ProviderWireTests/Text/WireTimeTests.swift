import DailiesCore
import Testing

@testable import ProviderWire

@Suite struct WireTimeTests {
    @Test(
        arguments: [
            ("2026-05-08T13:00:00Z", 1_778_245_200_000), ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59Z", -1000),
            ("2026-05-08T13:00:00.250Z", 1_778_245_200_250), ("2026-05-08T15:00:00+02:00", 1_778_245_200_000),
            ("2026-05-08T08:00:00-0500", 1_778_245_200_000), ("2026-05-08T15:00:00+02", 1_778_245_200_000),
            ("2026-05-08t13:00:00z", 1_778_245_200_000), ("2026-05-08T13:00:00", 1_778_245_200_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2000-03-01T00:00:00Z", 951_868_800_000), ("1700-03-01T00:00:00Z", -8_515_238_400_000),
        ] as [(String, Int64)])
    func `a timestamp is read as an instant`(text: String, milliseconds: Int64) {
        #expect(ISOTimestamp.parse(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-05-08", "2026-05-08 13:00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-05-08T24:00:00Z", "2026-05-08T13:60:00Z",
        "2026-05-08T13:00:61Z", "2026-05-08T13:00:00.Z", "2026-05-08T13:00:00+24:00", "2026-05-08T13:00:00+02:",
        "2026-05-08T13:00:00Zx", "1500-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "0000-01-01T00:00:00Z", "٢٠٢٦",
        "2026-05-08T13:00:00.\(String(repeating: "1", count: 100))Z", "+026-05-08T13:00:00Z",
    ])
    func `an invalid timestamp is refused`(text: String) { #expect(ISOTimestamp.parse(text) == nil) }

    @Test func `a fraction is truncated to nine digits`() {
        #expect(ISOTimestamp.parse("1970-01-01T00:00:00.1234567899Z")?.nanoseconds == 123_456_789)
        #expect(ISOTimestamp.format(Instant(nanoseconds: 1)) == "1970-01-01T00:00:00.000000001Z")
        #expect(ISOTimestamp.format(Instant(milliseconds: 1500)) == "1970-01-01T00:00:01.500Z")
        #expect(ISOTimestamp.format(Instant(nanoseconds: -1)) == "1969-12-31T23:59:59.999999999Z")
    }

    @Test func `the date from the standard is read and written`() {
        let moment = Instant(milliseconds: 784_111_777_000)
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == moment)
        #expect(HTTPDate.format(moment) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.format(Instant(milliseconds: 0)) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
    ])
    func `an invalid header date is refused`(text: String) { #expect(HTTPDate.parse(text) == nil) }

    @Test func `every instant survives formatting and parsing`() {
        var random = SplitMix(state: 7)
        // The first representable second starts before the first instant.
        let range = (Int64.min + 1_000_000_000)...Int64.max
        let drawn = (0..<2000).map { _ in Int64.random(in: range, using: &random) }
        for nanoseconds in [range.lowerBound, -1_000_000_000, -1, 0, 1, range.upperBound] + drawn {
            let moment = Instant(nanoseconds: nanoseconds)
            let text = ISOTimestamp.format(moment)
            #expect(ISOTimestamp.parse(text) == moment, "\(text)")
            let fraction = (nanoseconds % 1_000_000_000 + 1_000_000_000) % 1_000_000_000
            #expect(HTTPDate.parse(HTTPDate.format(moment)) == moment - .nanoseconds(fraction), "\(text)")
        }
        #expect(ISOTimestamp.format(.distantPast) == "1677-09-21T00:12:43.145224192Z")
        #expect(ISOTimestamp.format(.distantFuture) == "2262-04-11T23:47:16.854775807Z")
    }

    @Test func `every day of four centuries follows the one before`() throws {
        var number = try #require(CalendarDay(year: 1800, month: 1, day: 1)).number
        var weekday = CalendarDay(number: number).weekday
        for year in 1800...2200 {
            for month in 1...12 {
                for day in 1...31 {
                    guard let date = CalendarDay(year: year, month: month, day: day) else { continue }
                    try #require(
                        date.number == number && CalendarDay(number: number) == date && date.weekday == weekday)
                    number += 1
                    weekday = (weekday + 1) % 7
                }
            }
        }
        #expect(number == 84_371)
    }
}

@Suite struct WireHeadersTests {
    @Test func `names are case-insensitive, and values are trimmed`() {
        var headers = HeaderFields([("Retry-AFTER", "  7\t"), ("retry-after", "8")])
        #expect(headers["Retry-After"] == "7")
        #expect(headers["Retry-Afte"] == nil)
        headers.append("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(headers.date == Instant(milliseconds: 784_111_777_000))
    }
}
