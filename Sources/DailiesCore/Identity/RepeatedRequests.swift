/// Detects repeated requests. It remembers the first half million in 16 bytes each.
package struct RepeatedRequests: Hashable, Sendable {
    /// Maximum number of remembered requests; later ones are only compared with these.
    private static let maximumCount = 1 << 19

    /// An open-addressing table; 0 is a free slot.
    private var hashes: [UInt64] = Array(repeating: 0, count: 64)
    private var count = 0

    package init() {}

    /// Remembers a request. Returns whether an equal one came before.
    package mutating func insert(_ request: CanonicalRequest) -> Bool {
        var text = request.withLineFeeds.text
        let hash = text.withUTF8 { Self.hash(of: UnsafeRawBufferPointer($0)) } | 1
        if count * 2 >= hashes.count, count < Self.maximumCount { grow() }
        let slot = slot(of: hash)
        if hashes[slot] == hash { return true }
        if count < Self.maximumCount {
            hashes[slot] = hash
            count += 1
        }
        return false
    }

    /// Hashes eight bytes at a time, since every task of a manifest passes through here.
    private static func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            state = mixed(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        for byte in bytes[index...] { rest = rest << 8 | UInt64(byte) }
        return mixed(mixed(state ^ rest))
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xBF58_476D_1CE4_E5B9)
        return product.high ^ product.low ^ value << 1
    }

    /// The slot of a hash, or the free slot where it belongs.
    private func slot(of hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash >> 20) & (hashes.count - 1)
        while hashes[slot] != 0, hashes[slot] != hash { slot = (slot + 1) & (hashes.count - 1) }
        return slot
    }

    private mutating func grow() {
        let old = hashes
        hashes = Array(repeating: 0, count: old.count * 2)
        for hash in old where hash != 0 { hashes[slot(of: hash)] = hash }
    }
}
