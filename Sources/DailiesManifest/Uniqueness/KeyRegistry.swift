import Crypto
import DailiesCore

/// The task that already has a key or a file name.
struct KeyOwner: Hashable {
    let place: SourcePosition
    /// The key was derived, not set as an `id`.
    let isDerived: Bool
}

/// Tracks the keys and file names of one manifest, which must be unique.
///
/// Claims are made in manifest order, and each reading of the same bytes makes the same claims.
protocol KeyRegistry: AnyObject {
    /// Claims the key of a task without an `id`.
    ///
    /// - Returns: its number among equal requests, from 1, and the earlier owner of that key, if any.
    func claimKey(derivedFrom digest: RequestDigest, at place: SourcePosition) -> (ordinal: Int, earlier: KeyOwner?)

    /// Claims an explicit key; returns its earlier owner, if any.
    func claimKey(_ text: UnsafeBufferPointer<UInt8>, at place: SourcePosition) -> KeyOwner?

    /// Claims a file name; returns the position of its earlier owner, if any.
    func claimOutput(_ name: String, at place: SourcePosition) -> SourcePosition?
}

/// The identity of a task without an `id`: the start of the SHA-256 of its canonical request with LF line ends, as 80
/// bits or 16 characters of base32.
struct RequestDigest: Hashable {
    static let characters = 16
    static let bits = 80

    /// The first 56 bits.
    let high: UInt64
    /// The other 24.
    let low: UInt64

    /// - Parameter request: its texts contain no CR.
    init(ofLineFeeds request: UnsafeBufferPointer<UInt8>) {
        var hash = SHA256()
        hash.update(bufferPointer: UnsafeRawBufferPointer(request))
        self.init(digest: hash.finalize())
    }

    init(of request: UnsafeBufferPointer<UInt8>) {
        if let changed = CanonicalRequest.withLineFeeds(request) {
            self = changed.withUnsafeBufferPointer { RequestDigest(ofLineFeeds: $0) }
        } else {
            self.init(ofLineFeeds: request)
        }
    }

    init(of request: CanonicalRequest) {
        var text = request.text
        self = text.withUTF8 { RequestDigest(of: $0) }
    }

    private init(digest: SHA256Digest) {
        let (first, second) = digest.withUnsafeBytes {
            (
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        high = first >> 8
        low = (first & 0xFF) << 16 | second >> 48
    }

    /// Parses text that looks like a derived key: `xxhnrm5hvttvt4xv`, or `xxhnrm5hvttvt4xv-2` for the second of equal
    /// requests.
    static func reading(_ text: UnsafeBufferPointer<UInt8>) -> (digest: RequestDigest, ordinal: Int)? {
        guard text.count >= characters else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in text[..<characters] {
            let value: UInt64
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt64(byte - UInt8(ascii: "a"))
            case UInt8(ascii: "2")...UInt8(ascii: "7"): value = UInt64(byte - UInt8(ascii: "2")) + 26
            default: return nil
            }
            high = (high << 5 | low >> 19) & (1 << 56 - 1)
            low = (low << 5 | value) & (1 << 24 - 1)
        }
        let digest = RequestDigest(high: high, low: low)
        if text.count == characters { return (digest, 1) }
        guard text[characters] == UInt8(ascii: "-"), 2...12 ~= text.count - characters,
            text[characters + 1] != UInt8(ascii: "0")
        else { return nil }
        var ordinal = 0
        for byte in text[(characters + 1)...] {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            ordinal = ordinal * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return ordinal >= 2 ? (digest, ordinal) : nil
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The key of the task number `ordinal` among equals: the digest, followed by the ordinal from the second on. It
    /// does not depend on positions or runner fields.
    func key(_ ordinal: Int) -> TaskKey {
        var bytes: [UInt8] = []
        for shift in stride(from: 48, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: high >> shift)) }
        for shift in stride(from: 16, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: low >> shift)) }
        let text = Base32.lowercase(bytes, length: Self.characters)
        return TaskKey(ordinal == 1 ? text : "\(text)-\(ordinal)")
    }
}
