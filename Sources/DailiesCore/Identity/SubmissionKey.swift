/// The idempotency key of one attempt, sent as `out_task_id`: 24 lowercase base32 characters.
///
/// It is derived from the batch, task, attempt number and request (ignoring line ends). It does not depend on a crash,
/// a new store, the dialect or the API key. Repeating the work gives the same key, and a provider that honors keys
/// answers with the render that was already paid for.
public struct SubmissionKey: ByteExactString, Sendable, CustomStringConvertible {
    /// A derived key in 16 bytes, or any other text that a provider echoes.
    private enum Storage: Sendable {
        case packed(high: UInt64, low: UInt64)
        case text(String)
    }
    private let storage: Storage

    /// Wraps a derived key or a key that a provider echoes.
    public init(_ text: String) {
        let halves = Base32.value(text.utf8.prefix(Self.length / 2))
            .flatMap { high in Base32.value(text.utf8.dropFirst(Self.length / 2)).map { (high, $0) } }
        if text.utf8.count == Self.length, let (high, low) = halves {
            storage = .packed(high: high, low: low)
        } else {
            storage = .text(text)
        }
    }

    /// The key; a derived one consists of lowercase letters and the digits 2 to 7.
    public var text: String {
        switch storage {
        case .packed(let high, let low):
            Base32.text(high, low, length: Self.length / 2)
        case .text(let text): text
        }
    }
    public var description: String { text }

    public static func == (a: SubmissionKey, b: SubmissionKey) -> Bool {
        switch (a.storage, b.storage) {
        case (.packed(let high, let low), .packed(let otherHigh, let otherLow)): high == otherHigh && low == otherLow
        case (.text(let text), .text(let other)): text.utf8.elementsEqual(other.utf8)
        case (.packed, .text), (.text, .packed): false
        }
    }

    /// Version of the derivation, part of the hashed bytes. Changing it makes every finished task look new.
    private static let version = "dailies-submission-1"
    private static let length = 24

    /// The bytes whose SHA-256 digest becomes the key: each part preceded by its length (8 bytes, big-endian).
    public static func preimage(
        batchName: String, task: TaskKey, attempt: Int, request: CanonicalRequest
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [version, batchName, task.text, String(attempt), request.withLineFeeds.text] {
            let utf8 = Array(part.utf8)
            withUnsafeBytes(of: UInt64(utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: utf8)
        }
        return bytes
    }

    /// The key for a digest of ``preimage(batchName:task:attempt:request:)``.
    ///
    /// - Parameter digest: at least 15 bytes; SHA-256 gives 32.
    public init(digest: some Sequence<UInt8>) { self.init(Base32.lowercase(digest, length: Self.length)) }
}

/// RFC 4648 base32 in lowercase without padding, cut to a length.
package enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// - Parameter length: the number of characters to return; `bytes` must hold 5 bits for each.
    package static func lowercase(_ bytes: some Sequence<UInt8>, length: Int) -> String {
        var characters: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes where characters.count < length {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5, characters.count < length {
                bits -= 5
                characters.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
            }
        }
        precondition(characters.count == length, "\(length) characters requested from \(characters.count * 5) bits")
        return String(decoding: characters, as: UTF8.self)
    }

    /// The value of the characters, 5 bits each, the first highest; nil if one is not in the alphabet.
    ///
    /// - Parameter characters: up to 12; their 60 bits are returned.
    static func value(_ characters: some Collection<UInt8>) -> UInt64? {
        guard characters.count <= 12 else { return nil }
        var value: UInt64 = 0
        for character in characters {
            switch character {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = value << 5 | UInt64(character - UInt8(ascii: "a"))
            case UInt8(ascii: "2")...UInt8(ascii: "7"): value = value << 5 | UInt64(character - UInt8(ascii: "2") + 26)
            default: return nil
            }
        }
        return value
    }

    /// The characters of two values of ``value(_:)``, one after the other.
    static func text(_ first: UInt64, _ second: UInt64, length: Int) -> String {
        String(unsafeUninitializedCapacity: 2 * length) { buffer in
            for place in 0..<length {
                let shift = UInt64(5 * (length - 1 - place))
                buffer[place] = alphabet[Int(first >> shift & 31)]
                buffer[length + place] = alphabet[Int(second >> shift & 31)]
            }
            return 2 * length
        }
    }
}
