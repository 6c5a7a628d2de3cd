import DailiesCore
import ExactJSON
import ProviderWire

/// Replaces numbers in a response by values at and beyond the limits of integers, floating point and decimals. The bill
/// is not affected.
struct AbsurdNumbers: Hashable, Sendable {
    /// None is a valid amount: a client must treat it as missing.
    static let amounts = [
        "1e-9223372036854775808", "1e9223372036854775807", "1e9223372036854775808", "1e-99999999999999999999", "1e400",
        "-1", "-0.000000001", "-9223372036854775808", "9223372036.854775808", "18446744073709551616",
        String(repeating: "9", count: 5000), "0." + String(repeating: "1", count: 5000), "NaN", "Infinity", "0x1p4",
    ]
    /// Seconds of a clip, and until the next query.
    static let seconds = [
        "1e-320", "5e-324", "0", "-0", "-1", "1e308", "-1e308", "1e400", "1e-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808", "-9223372036854775809", "3.2e10", "1e18", "NaN", "-Infinity",
    ]
    /// Times and waits in headers.
    static let moments = [
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "8999999999", "9e9", "1e400", "1e-320",
        "0",
        "-1", "NaN", "inf", "0x7fffffffffffffff", "292277026596",
    ]

    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// Replaces some numbers of a response. Leaves the cost of a cancellation unchanged: without a cost it is
    /// documented to be free, which is a different statement.
    mutating func replace(in reply: inout TaskResponse) {
        if reply.estimatedCredits != nil, coin { reply.estimatedCredits = json(Self.amounts) }
        if reply.estimatedSeconds != nil, coin { reply.estimatedSeconds = json(Self.seconds) }
        if reply.asset?.durationSeconds != nil, coin { reply.asset?.durationSeconds = json(Self.seconds) }
        if reply.asset != nil || reply.completedAt != nil, reply.cost != nil, coin { reply.cost = json(Self.amounts) }
    }

    /// Replaces the reset time of a limit.
    mutating func replaceReset(in response: inout SimulatedResponse) {
        response.headers.removeAll { $0.name == HeaderName.rateReset }
        response.headers.append(.init(coin ? HeaderName.rateReset : HeaderName.retryAfter, pick(Self.moments)))
    }

    private var coin: Bool { mutating get { generator.next() & 1 == 0 } }

    private mutating func pick(_ texts: [String]) -> String {
        texts[Int(generator.next() % UInt64(texts.count))]
    }

    /// As JSON: quoted if it is not a JSON number.
    private mutating func json(_ texts: [String]) -> String {
        let text = pick(texts)
        return JSONText.isNumber(text) ? text : JSONText.quoted(text)
    }
}
