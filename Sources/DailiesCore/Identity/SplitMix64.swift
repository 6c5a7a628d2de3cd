/// SplitMix64: a small random number generator whose whole state is its seed, so that a run can be repeated.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
package struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    /// The current state. A generator seeded with it continues the sequence.
    package private(set) var state: UInt64
    /// Creates a generator. The same seed gives the same numbers.
    package init(seed: UInt64) { state = seed }
    /// Returns the next 64 random bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
