import DailiesCore
import Foundation

extension SplitMix64 {
    /// True with the given probability. Nothing is drawn where the outcome is certain, so that a fault that is switched
    /// off leaves all other draws as they are.
    mutating func chance(_ probability: Double) -> Bool {
        if probability <= 0 { return false }
        if probability >= 1 { return true }
        return Double(next() >> 11) * 0x1p-53 < probability
    }

    /// A number of the range, near enough to even for a simulation (the bias is below 2⁻³² for ranges below 2³²).
    mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        let (width, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        precondition(!overflow && width < .max, "a range of \(range) is too wide to draw from")
        if width == 0 { return range.lowerBound }
        return range.lowerBound + Int64(next() % UInt64(width + 1))
    }

    mutating func draw(_ range: ClosedRange<Duration>) -> Duration {
        .nanoseconds(draw(range.lowerBound.nanoseconds...range.upperBound.nanoseconds))
    }

    /// A duration whose logarithm is normal. `variation`: its standard deviation over its mean.
    ///
    /// Source of the normal draw: G. Box and M. Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    mutating func drawLognormal(mean: Duration, variation: Double) -> Duration {
        // Above 0, so that it has a logarithm.
        let first = Double(next() >> 11) * 0x1p-53 + 0x1p-54
        let second = Double(next() >> 11) * 0x1p-53
        let normal = (-2 * log(first)).squareRoot() * cos(2 * .pi * second)
        let variance = log(1 + variation * variation)
        let factor = exp(variance.squareRoot() * normal - variance / 2)
        return .nanoseconds(Int64(saturating: Double(mean.nanoseconds) * factor))
    }
}
