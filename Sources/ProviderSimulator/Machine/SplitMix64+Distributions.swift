import DailiesCore
import Foundation

extension SplitMix64 {
    /// True with the given probability. Draws nothing if the result is certain, so that disabling a fault does not
    /// change other draws.
    mutating func chance(_ probability: Double) -> Bool {
        if probability <= 0 { return false }
        if probability >= 1 { return true }
        return Double(next() >> 11) * 0x1p-53 < probability
    }

    /// A number in the range, nearly uniform (the bias is below 2⁻³² for ranges below 2³²).
    mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        let (width, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        precondition(!overflow && width < .max, "the range \(range) is too wide to draw from")
        if width == 0 { return range.lowerBound }
        return range.lowerBound + Int64(next() % UInt64(width + 1))
    }

    mutating func draw(_ range: ClosedRange<Duration>) -> Duration {
        .nanoseconds(draw(range.lowerBound.nanoseconds...range.upperBound.nanoseconds))
    }

    /// A lognormally distributed duration. `variation`: standard deviation divided by mean.
    ///
    /// Source of the normal distribution: G. Box and M. Muller, "A Note on the Generation of Random Normal Deviates",
    /// 1958.
    mutating func drawLognormal(mean: Duration, variation: Double) -> Duration {
        // Greater than 0, so that it has a logarithm.
        let first = Double(next() >> 11) * 0x1p-53 + 0x1p-54
        let second = Double(next() >> 11) * 0x1p-53
        let normal = (-2 * log(first)).squareRoot() * cos(2 * .pi * second)
        let variance = log(1 + variation * variation)
        let factor = exp(variance.squareRoot() * normal - variance / 2)
        return .nanoseconds(Int64(saturating: Double(mean.nanoseconds) * factor))
    }
}
