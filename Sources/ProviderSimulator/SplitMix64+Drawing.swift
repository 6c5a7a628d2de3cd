import DailiesCore

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
}
