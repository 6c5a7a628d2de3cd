import Crypto
import Foundation

/// SHA-256 over texts, each preceded by its length, so that no two lists of texts look alike.
public struct SHA256Digester {
    private var hash = SHA256()

    /// Of nothing.
    public init() {}

    /// Adds a text with its length before it, so that no two lists of texts have one digest.
    public mutating func add(_ text: String) {
        let utf8 = Data(text.utf8)
        withUnsafeBytes(of: UInt64(utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
        hash.update(data: utf8)
    }

    /// 64 lowercase hexadecimal digits.
    public var hex: String {
        hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 2 ? digits : "0" + digits
        }.joined()
    }
}
