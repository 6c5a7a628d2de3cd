import DailiesCore
import Testing

@testable import ProviderWire

/// Numbers at and beyond the edges of every type, in every field of a reply and of its head that holds one: each is read
/// for what it is, or counts as absent.
@Suite struct NumberEdgeTests {
    private static let numbers = [
        "0", "-0", "1", "-1", "0.000000001", "1e-10", "1e-320", "5e-324", "1e308", "-1e308", "1e400", "-1e400",
        "1e-9223372036854775808", "1e9223372036854775807", "1e-9223372036854775809", "0e-99999999999999999999",
        "2147483648", "9223372036.854775807", "9223372036.854775808", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "32000000000",
        "9e9", "9000000001", String(repeating: "9", count: 400), "0." + String(repeating: "3", count: 400),
    ]
    /// Not JSON numbers, but possible in a text or a header.
    private static let words = [
        "NaN", "nan", "inf", "-Infinity", "0x1p4", "0x7fffffffffffffff", "+5", "1_000", "٣", "", " ",
    ]

    private static func body(_ fields: [(name: String, number: String)]) -> [UInt8] {
        let members = fields.map { "\"\($0.name)\":\($0.number)" }.joined(separator: ",")
        let asset =
            fields.last.map { ",\"result\":{\"video_url\":\"https://h/v\",\"duration_seconds\":\($0.number)}" } ?? ""
        return Array("{\"task_id\":\"t\",\"status\":\"completed\",\(members)\(asset)}".utf8)
    }

    @Test(arguments: numbers)
    func `a number in any field of a response is read exactly, or counts as absent`(number: String) throws {
        let fields = [
            "credits_used", "credits", "estimated_credits", "estimated_seconds", "submitted_at", "error_code",
        ]
        for written in [number, "\"\(number)\"", "\" \(number) \""] {
            let report = try TaskResponseDecoder.report(Self.body(fields.map { ($0, written) }), date: nil)
            #expect(report.remoteID == RemoteTaskID("t") && report.phase == .completed)
            for amount in report.charges + [report.estimate].compactMap({ $0 }) {
                #expect(amount.credits == Credits.read(number)?.credits && amount.text == number)
            }
            #expect(report.charges.isEmpty == (Credits.read(number) == nil))
            #expect(report.remaining.map { .zero ... .seconds(30 * 86_400) ~= $0 } ?? true)
            #expect(report.deliveredSeconds.map { 0.001...3.2e10 ~= $0 } ?? true)
            #expect(report.submittedAt == nil)
        }
    }

    @Test(arguments: words)
    func `text that is not a number counts as absent`(word: String) throws {
        let fields = ["credits_used", "credits", "estimated_credits"].map { ($0, "\"\(word)\"") }
        let report = try TaskResponseDecoder.report(Self.body(fields), date: nil)
        let isAmount = word == "+5"
        #expect(report.charges.isEmpty != isAmount && (report.estimate == nil) != isAmount)
    }

    @Test func `a length that would make rates infinite is ignored`() throws {
        for number in ["1e-320", "5e-324", "0", "0.0009"] {
            #expect(try TaskResponseDecoder.report(Self.body([("credits", number)]), date: nil).deliveredSeconds == nil)
        }
        #expect(try TaskResponseDecoder.report(Self.body([("credits", "0.5")]), date: nil).deliveredSeconds == 0.5)
    }

    @Test func `a megabyte of digits in every field counts as absent`() throws {
        let digits = String(repeating: "7", count: 1 << 20)
        for number in [digits, "1e" + digits, "1e-" + digits, "0." + digits] {
            for written in [number, "\"\(number)\""] {
                let fields = ["credits_used", "estimated_credits", "estimated_seconds"].map { ($0, written) }
                let report = try TaskResponseDecoder.report(Self.body(fields), date: nil)
                #expect(report.charges.isEmpty && report.estimate == nil && report.remaining == nil)
                #expect(report.deliveredSeconds == nil)
            }
        }
    }

    @Test func `any stated wait is limited to one second to thirty days, or ignored`() {
        let dates = [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "",
        ]
        for text in Self.numbers + Self.words + dates {
            for date in dates {
                let headers = HeaderFields([("Retry-After", text), ("X-RateLimit-Reset", text), ("Date", date)])
                for wait in [RetryAfter.retryAfter(headers), RetryAfter.rateReset(headers)].compactMap({ $0 }) {
                    #expect(RetryAfter.shortest...RetryAfter.longest ~= wait, "\(text) at \(date)")
                }
            }
        }
    }

    @Test func `dates at the limits of the calendar and of 64 bits are read or ignored`() {
        var read: Set<String> = []
        let years = ["0000", "0001", "1677", "1678", "1970", "2262", "2263", "9999"]
        for year in years {
            for rest in ["01-01T00:00:00", "12-31T23:59:60.999999999", "02-29T12:00:00", "09-21T00:12:43.145224192"] {
                for zone in ["Z", "+23:59", "-23:59"] {
                    let text = "\(year)-\(rest)\(zone)"
                    guard let moment = ISOTimestamp.parse(text) else { continue }
                    read.insert(year)
                    #expect(ISOTimestamp.parse(ISOTimestamp.format(moment)) == moment, "\(text)")
                    #expect("1677"..."2262" ~= year, "\(text)")
                }
            }
        }
        #expect(read.isSuperset(of: ["1678", "1970"]), "\(read)")
        for text in ["292277026596-12-04T15:30:08Z", "-0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z"] {
            #expect(ISOTimestamp.parse(text) == nil)
        }
        for nanoseconds in [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max] {
            let moment = Instant(nanoseconds: nanoseconds)
            #expect(ISOTimestamp.parse(ISOTimestamp.format(moment)) == moment)
            #expect(HTTPDate.format(moment).utf8.count == 29)
        }
    }
}
