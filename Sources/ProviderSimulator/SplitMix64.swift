import DailiesCore

/// A small generator with 64 bits of state: the same seed gives the same numbers for ever, and the state can be stored.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    public private(set) var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

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

/// FNV-1a with 64 bits: for identity inside the simulator, never for secrets.
struct StableHash: Hashable, Sendable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ bytes: some Sequence<UInt8>) { add(bytes) }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
