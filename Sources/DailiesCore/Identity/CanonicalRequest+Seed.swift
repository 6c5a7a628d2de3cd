extension CanonicalRequest {
    /// The name of the field that makes a render differ from another with the same words.
    public static let seedField = "seed"
    /// Larger ones are not taken everywhere: what fits in 31 bits is.
    private static let seedMask: UInt64 = 0x7FFF_FFFF

    /// The seed for the attempt that follows one with this key: always the same one, and hardly ever another's.
    public static func seed(after key: SubmissionKey) -> Int64 {
        // FNV-1a, then mixed, since nearby keys should not give nearby seeds.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var generator = SplitMix64(seed: hash)
        return Int64(generator.next() & seedMask)
    }
}
