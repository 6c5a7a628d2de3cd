/// A point in time, in nanoseconds since the Unix epoch (UTC). Range: the years 1678 to 2262.
///
/// The runner's clock starts from the wall clock and then advances with the time since boot, including suspend. A jump
/// of the wall clock during a run therefore neither stalls nor speeds up anything. The store keeps milliseconds.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nanoseconds since the Unix epoch.
    public let nanoseconds: Int64

    /// Creates an instant from nanoseconds since the Unix epoch.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    /// - Parameter milliseconds: since the Unix epoch; clamped to the representable range.
    public init(milliseconds: Int64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        nanoseconds = overflow ? (milliseconds < 0 ? .min : .max) : product
    }

    /// Milliseconds since the Unix epoch, rounded down.
    public var milliseconds: Int64 {
        let quotient = nanoseconds / 1_000_000
        return nanoseconds % 1_000_000 < 0 ? quotient - 1 : quotient
    }

    /// The earliest instant.
    public static let distantPast = Instant(nanoseconds: .min)
    /// The latest instant.
    public static let distantFuture = Instant(nanoseconds: .max)

    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Instant, b: Duration) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return Instant(nanoseconds: overflow ? (b < .zero ? .min : .max) : sum)
    }
    public static func - (a: Instant, b: Duration) -> Instant {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return Instant(nanoseconds: overflow ? (b < .zero ? .max : .min) : difference)
    }
    public static func - (a: Instant, b: Instant) -> Duration {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return .nanoseconds(overflow ? (a < b ? Int64.min : Int64.max) : difference)
    }
    public var description: String { "\(milliseconds) ms" }
}

extension Duration {
    /// The duration in nanoseconds, clamped to 64 bits (292 years).
    package var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }

    /// The nearest whole number of nanoseconds, clamped to 64 bits (292 years); zero for NaN.
    package static func nanoseconds(rounding nanoseconds: Double) -> Duration {
        .nanoseconds(Int64(saturating: nanoseconds.rounded()))
    }

    /// This duration on a clock that runs `speed` times as fast, clamped to 292 years.
    package func divided(bySpeed speed: Double) -> Duration {
        speed == 1 ? self : .nanoseconds(rounding: Double(nanoseconds) / speed)
    }

    /// Seconds for display, not for sums.
    package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

extension FixedWidthInteger {
    /// The whole part of a floating-point number, clamped to the range; 0 for NaN. The standard library's conversion
    /// traps in these cases.
    package init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else {
            self = Self(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
        }
    }
}
