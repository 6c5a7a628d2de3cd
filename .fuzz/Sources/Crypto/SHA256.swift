/// Has the interface of swift-crypto's type, and hashes well enough for tables. It is not SHA-256.
public struct SHA256 {
    private var lanes: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)

    public init() {}

    public mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            lanes.0 = (lanes.0 ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            lanes.1 = (lanes.1 ^ (lanes.0 >> 29)) &* 0xBF58_476D_1CE4_E5B9
            lanes.2 = (lanes.2 ^ (lanes.1 >> 31)) &* 0x94D0_49BB_1331_11EB
            lanes.3 = (lanes.3 &+ lanes.2) ^ (lanes.0 >> 17)
        }
    }

    public func finalize() -> SHA256Digest { SHA256Digest(lanes: [lanes.0, lanes.1, lanes.2, lanes.3]) }
}

public struct SHA256Digest: Sequence {
    fileprivate let lanes: [UInt64]

    public func makeIterator() -> IndexingIterator<[UInt8]> { withUnsafeBytes { Array($0) }.makeIterator() }

    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try lanes.withUnsafeBytes(body)
    }
}
