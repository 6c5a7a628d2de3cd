/// The key under which one attempt is submitted, sent as `out_task_id`: 24 lowercase base32 characters.
///
/// It is derived from what the attempt is (batch, task, attempt number, request) and from nothing that a crash, a new
/// store, another dialect or another API key changes: whoever repeats the work arrives at the same key, and a provider
/// that honours keys answers with the render that is paid for already.
public struct SubmissionKey: ExactText, Sendable, CustomStringConvertible {
    public let text: String
    public init(_ text: String) { self.text = text }
    public var description: String { text }

    /// Version of the derivation; part of what is hashed. A change of it makes every finished task look new.
    private static let version = "dailies-submission-1"
    private static let length = 24

    /// The bytes whose SHA-256 digest becomes the key: each part preceded by its length (8 bytes, big-endian).
    public static func preimage(
        batchName: String, task: TaskKey, attempt: Int, request: CanonicalRequest
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [version, batchName, task.text, String(attempt), request.text] {
            let utf8 = Array(part.utf8)
            withUnsafeBytes(of: UInt64(utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: utf8)
        }
        return bytes
    }

    /// The key for a digest of ``preimage(batchName:task:attempt:request:)``.
    ///
    /// - Parameter digest: at least 15 bytes; SHA-256 gives 32.
    public init(digest: some Sequence<UInt8>) { text = Base32.lowercase(digest, length: Self.length) }
}

/// RFC 4648 base32 in lower case without padding, cut to a length.
public enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// - Parameter length: characters to return; `bytes` must hold 5 bits for each.
    public static func lowercase(_ bytes: some Sequence<UInt8>, length: Int) -> String {
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
        precondition(characters.count == length, "\(length) characters asked of \(characters.count * 5) bits")
        return String(decoding: characters, as: UTF8.self)
    }
}
