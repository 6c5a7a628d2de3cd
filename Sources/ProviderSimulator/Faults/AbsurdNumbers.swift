import DailiesCore
import ExactJSON
import ProviderWire

/// Numbers at and beyond the edges of what integers, floating point and decimals hold, drawn in place of those that a
/// reply states. The bill keeps the truth.
struct AbsurdNumbers: Hashable, Sendable {
    /// None of them is an amount that can be booked: whoever reads one has been told no amount.
    static let amounts = [
        "1e-9223372036854775808", "1e9223372036854775807", "1e9223372036854775808", "1e-99999999999999999999", "1e400",
        "-1", "-0.000000001", "-9223372036854775808", "9223372036.854775808", "18446744073709551616",
        String(repeating: "9", count: 5000), "0." + String(repeating: "1", count: 5000), "NaN", "Infinity", "0x1p4",
    ]
    /// Seconds of a clip, and until the next question.
    static let seconds = [
        "1e-320", "5e-324", "0", "-0", "-1", "1e308", "-1e308", "1e400", "1e-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808", "-9223372036854775809", "3.2e10", "1e18", "NaN", "-Infinity",
    ]
    /// Moments and waits, as heads state them.
    static let moments = [
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "8999999999", "9e9", "1e400", "1e-320",
        "0",
        "-1", "NaN", "inf", "0x7fffffffffffffff", "292277026596",
    ]

    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// Replaces some of the numbers that a reply states. What a cancel came to stays as it is: one without a cost is
    /// free of charge by the pages, which is another claim than none.
    mutating func replace(in reply: inout TaskResponse) {
        if reply.estimatedCredits != nil, coin { reply.estimatedCredits = json(Self.amounts) }
        if reply.estimatedSeconds != nil, coin { reply.estimatedSeconds = json(Self.seconds) }
        if reply.asset?.durationSeconds != nil, coin { reply.asset?.durationSeconds = json(Self.seconds) }
        if reply.asset != nil || reply.completedAt != nil, reply.cost != nil, coin { reply.cost = json(Self.amounts) }
    }

    /// Replaces when a limit resets.
    mutating func replaceReset(in response: inout SimulatedResponse) {
        response.headers.removeAll { $0.name == HeaderName.rateReset }
        response.headers.append(.init(coin ? HeaderName.rateReset : HeaderName.retryAfter, pick(Self.moments)))
    }

    private var coin: Bool { mutating get { generator.next() & 1 == 0 } }

    private mutating func pick(_ texts: [String]) -> String {
        texts[Int(generator.next() % UInt64(texts.count))]
    }

    /// As JSON: what is no number there stands in quotes.
    private mutating func json(_ texts: [String]) -> String {
        let text = pick(texts)
        return JSONText.isNumber(text) ? text : JSONText.quoted(text)
    }
}
