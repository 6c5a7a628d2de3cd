/// An exact amount of the provider's credits, in billionths. Range: ±9.2 billion credits.
///
/// The provider defines what a credit is worth. Amounts are decimal and never converted to binary floating point.
public struct Credits: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Billionths of a credit, as in the column `credits_nano`.
    public let nano: Int64

    /// Creates an amount from billionths.
    public init(nano: Int64) { self.nano = nano }
    /// Zero. An unknown cost is nil, never zero.
    public static let zero = Credits(nano: 0)

    public static func < (a: Credits, b: Credits) -> Bool { a.nano < b.nano }

    /// A parsed decimal text, and whether it was rounded.
    public struct Reading: Hashable, Sendable {
        /// The amount, to the nearest billionth.
        public let credits: Credits
        /// Whether more than nine decimals were given; `credits` is then the nearest billionth, halves away from zero.
        public let isRounded: Bool
    }

    /// Parses a decimal number as JSON or a person writes it: sign, digits, fraction, exponent.
    ///
    /// - Returns: nil for other texts, negative amounts and amounts out of range.
    public static func read(_ text: some StringProtocol) -> Reading? {
        var decimal = DecimalText()
        guard decimal.read(text) else { return nil }
        return decimal.billionths.map { Reading(credits: Credits(nano: $0.value), isRounded: $0.isRounded) }
    }

    /// The product with a factor in hundredths, rounded up to a billionth and clamped to the range.
    public func times(hundredths: Int64) -> Credits {
        let (high, low) = nano.multipliedFullWidth(by: hundredths)
        guard high >= 0, high < 50 else { return Credits(nano: high < 0 ? 0 : .max) }
        let (quotient, remainder) = UInt64(100).dividingFullWidth((UInt64(high), low))
        let rounded = quotient + (remainder > 0 ? 1 : 0)
        return Credits(nano: Int64(exactly: rounded) ?? .max)
    }

    /// The product with a count, such as seconds, clamped to the range; for prices and bounds.
    public func times(_ count: Int) -> Credits {
        let (product, overflow) = nano.multipliedReportingOverflow(by: Int64(count))
        return Credits(nano: overflow ? .max : product)
    }

    /// The sum, clamped to the range; for bounds and reservations. For totals use ``CreditTotal``.
    public func adding(_ other: Credits) -> Credits {
        let (sum, overflow) = nano.addingReportingOverflow(other.nano)
        return Credits(nano: overflow ? (nano < 0 ? .min : .max) : sum)
    }

    /// Plain decimal with as few decimals as possible: `1.85`, `3`, `0.000000001`.
    public var description: String { CreditTotal(self).description }

    /// For display and for the REAL columns `credits` and `estimated_credits` only; sum ``nano`` instead.
    public var approximate: Double { Double(nano) / 1e9 }
}

/// A sum of credits as whole credits and billionths: exact within ±9.2 × 10¹⁸ credits, and clamped there.
public struct CreditTotal: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Whole credits, rounded down.
    public private(set) var whole: Int64
    /// The remainder, 0 ..< 1,000,000,000.
    public private(set) var billionths: Int64

    /// Zero.
    public static let zero = CreditTotal(whole: 0, billionths: 0)
    private static let perCredit: Int64 = 1_000_000_000

    /// - Parameter billionths: any number; whole credits are carried.
    public init(whole: Int64, billionths: Int64) {
        let remainder = billionths % Self.perCredit
        let carried = billionths / Self.perCredit - (remainder < 0 ? 1 : 0)
        let (sum, overflow) = whole.addingReportingOverflow(carried)
        self.whole = overflow ? (whole < 0 ? .min : .max) : sum
        self.billionths =
            overflow ? (whole < 0 ? 0 : Self.perCredit - 1) : remainder < 0 ? remainder + Self.perCredit : remainder
    }

    /// Creates a total from one amount.
    public init(_ credits: Credits) { self.init(whole: 0, billionths: credits.nano) }

    /// The end of the range with the same sign.
    private var bound: CreditTotal {
        whole < 0
            ? CreditTotal(whole: .min, billionths: 0) : CreditTotal(whole: .max, billionths: Self.perCredit - 1)
    }

    public static func + (a: CreditTotal, b: CreditTotal) -> CreditTotal {
        let (whole, overflow) = a.whole.addingReportingOverflow(b.whole)
        return overflow ? a.bound : CreditTotal(whole: whole, billionths: a.billionths + b.billionths)
    }
    public static func - (a: CreditTotal, b: CreditTotal) -> CreditTotal {
        let (whole, overflow) = a.whole.subtractingReportingOverflow(b.whole)
        return overflow ? a.bound : CreditTotal(whole: whole, billionths: a.billionths - b.billionths)
    }
    public static func += (a: inout CreditTotal, b: CreditTotal) { a = a + b }
    public static func -= (a: inout CreditTotal, b: CreditTotal) { a = a - b }
    public static func + (a: CreditTotal, b: Credits) -> CreditTotal { a + CreditTotal(b) }
    public static func < (a: CreditTotal, b: CreditTotal) -> Bool {
        (a.whole, a.billionths) < (b.whole, b.billionths)
    }

    public var description: String {
        // The whole part of a negative total is rounded down: it is one credit too low, and its decimals count from
        // there.
        let isCounted = whole < 0 && billionths > 0
        let credits = whole.magnitude - (isCounted ? 1 : 0)
        let sign = whole < 0 ? "-" : ""
        guard billionths > 0 else { return "\(sign)\(credits)" }
        var (decimals, digits) = (isCounted ? Self.perCredit - billionths : billionths, 9)
        while decimals % 10 == 0 { (decimals, digits) = (decimals / 10, digits - 1) }
        let shown = String(decimals)
        return "\(sign)\(credits)." + String(repeating: "0", count: digits - shown.utf8.count) + shown
    }
}

/// A parsed decimal text: `digits × 10^exponent`.
private struct DecimalText {
    /// Longer texts are refused, so that no input makes parsing slow. No amount has that many digits.
    static let maximumLength = 100
    /// Allowed powers of ten: others never give an amount that can be booked.
    private static let powers = -1000...1000

    var digits: [UInt8] = []
    var exponent = 0

    mutating func read(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= Self.maximumLength else { return false }
        var bytes = Array(text.utf8)[...]
        if bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
        let whole = takeDigits(&bytes)
        var fraction = 0
        if bytes.first == UInt8(ascii: ".") {
            bytes = bytes.dropFirst()
            fraction = takeDigits(&bytes)
        }
        guard whole + fraction > 0 else { return false }
        exponent = -fraction
        if let mark = bytes.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            guard let power = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)), Self.powers ~= power else {
                return false
            }
            exponent += power
            return true
        }
        return bytes.isEmpty
    }

    /// Moves leading digits into ``digits`` and returns their number.
    private mutating func takeDigits(_ bytes: inout ArraySlice<UInt8>) -> Int {
        var count = 0
        while let byte = bytes.first, byte >= 0x30, byte <= 0x39 {
            digits.append(byte - 0x30)
            bytes = bytes.dropFirst()
            count += 1
        }
        return count
    }

    /// The value in billionths, rounded to the nearest; nil if out of range.
    var billionths: (value: Int64, isRounded: Bool)? {
        var kept = digits[...]
        var scale = exponent + 9
        var isRounded = false
        var roundsUp = false
        while scale < 0, let last = kept.popLast() {
            roundsUp = last >= 5
            isRounded = isRounded || last != 0
            scale += 1
        }
        if scale < 0 { roundsUp = false }
        var value: Int64 = 0
        for digit in kept {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tenfold.addingReportingOverflow(Int64(digit))
            if overflow || carried { return nil }
            value = sum
        }
        if value != 0 {
            while scale > 0 {
                let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
                if overflow { return nil }
                value = tenfold
                scale -= 1
            }
        }
        if roundsUp {
            if value == .max { return nil }
            value += 1
        }
        return (value, isRounded)
    }
}

extension Credits: ExpressibleByIntegerLiteral {
    /// Creates an amount of whole credits. Traps outside the range.
    public init(integerLiteral whole: Int64) { self.init(nano: whole * 1_000_000_000) }
}
