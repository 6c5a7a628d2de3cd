extension CanonicalRequest {
    /// The field that distinguishes renders of the same prompt.
    public static let seedField = "seed"
    /// Seeds fit in 31 bits, since some models refuse larger ones.
    private static let seedMask: UInt64 = 0x7FFF_FFFF

    /// The seed for the attempt after the one with this key. It is always the same and almost never that of another
    /// key.
    public static func seed(after key: SubmissionKey) -> Int64 {
        // FNV-1a, then mixed, since nearby keys should not give nearby seeds.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var generator = SplitMix64(seed: hash)
        return Int64(generator.next() & seedMask)
    }
}
