import Crypto
import DailiesCore
import Foundation

/// SHA-256 of a list of texts. Each is preceded by its length, so that different lists have different digests.
package struct SHA256Digester {
    private var hash = SHA256()

    /// A digest of the empty list.
    package init() {}

    /// Adds the UTF-8 length of `text`, and its bytes.
    package mutating func add(_ text: String) {
        let utf8 = Data(text.utf8)
        withUnsafeBytes(of: UInt64(utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
        hash.update(data: utf8)
    }

    /// The digest so far: 64 lowercase hexadecimal digits.
    package var hex: String { hash.finalize().hexadecimal }
}
